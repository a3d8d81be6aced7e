"""``python -m tests.security.contract --role owner --examples 20``: schemathesis over the whole OpenAPI document.

It lives in an environment of its own (``make contract`` makes it), and this program starts the API with two stores that
have traded, has it asked as each role, and counts what was asked and what was wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.security.running import Running, running
from tests.support.platform import ADMIN
from tests.support.stores import PASSWORD

HERE = Path(__file__).parent
# Those who may do most come last: they may end what the others need.
ROLES = ("nobody", "driver", "stock_keeper", "finance", "seller", "owner", "platform_admin")
# What of a store's tables the document's identifiers in paths name.
IDENTIFIERS = {
    "count_id": ("stock_counts",),
    "customer_id": ("customers",),
    "delivery_id": ("deliveries", "webhook_deliveries"),
    "image_id": ("delivery_images",),
    "list_id": ("price_lists",),
    "order_id": ("orders", "purchase_orders"),
    "price_id": ("agreed_prices",),
    "product_id": ("products",),
    "quote_id": ("quotes",),
    "route_id": ("routes",),
    "site_id": ("sites",),
    "supplier_id": ("suppliers",),
    "tenant_id": ("tenants",),
    "vehicle_id": ("vehicles",),
    "webhook_id": ("webhooks",),
}
# How often a path has one of them and not one of chance.
KNOWN = 0.8


@dataclass(frozen=True, slots=True)
class Told:
    """What one role's run said."""

    role: str
    operations: int
    cases: int
    seconds: float
    statuses: dict[str, int]
    failures: dict[str, int]
    clean: bool


def main() -> int:
    """Ask as each role, and say by the exit status whether nothing was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--role", action="append", choices=ROLES, help="only as these; all by default")
    parser.add_argument("--examples", type=int, default=10, help="requests of chance per operation")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--path", help="only paths that match this expression")
    parser.add_argument("--tool", type=Path, default=Path("build/contract/bin/schemathesis"))
    parser.add_argument("--json", type=Path, help="write the counts to this file")
    parser.add_argument("--keep", type=Path, help="keep what schemathesis wrote in this directory")
    given = parser.parse_args()
    tool = shutil.which(given.tool)
    if tool is None:
        parser.error(f"{given.tool} is not there; `make contract` makes it")
    asked = Asked(Path(tool).absolute(), given.examples, given.seed, given.path)
    told, beyond = asyncio.run(_all(asked, given.role or ROLES, given.keep))
    report = {"roles": [asdict(one) for one in told], **beyond}
    text = json.dumps(report, indent=2, ensure_ascii=False)
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(text + "\n")
    print(text)
    return 0 if all(one.clean for one in told) and not any(beyond.values()) else 1


@dataclass(frozen=True, slots=True)
class Asked:
    """How schemathesis is run."""

    tool: Path
    examples: int
    seed: int
    path: str | None

    def arguments(self, url: str, document: Path) -> list[str]:
        """Its command line."""
        chosen = ["--include-path-regex", self.path] if self.path else []
        options = {
            "--checks": "all",
            "--max-examples": str(self.examples),
            "--seed": str(self.seed),
            "--url": url,
            "--report": "ndjson",
            "--report-ndjson-path": "events.ndjson",
        }
        pairs = [part for pair in options.items() for part in pair]
        return [str(self.tool), "--no-color", "run", *pairs, *chosen, str(document)]


async def _all(asked: Asked, roles: Sequence[str], keep: Path | None) -> tuple[list[Told], dict[str, object]]:
    async with running() as site:
        told = []
        for role in roles:
            with tempfile.TemporaryDirectory() as name:
                directory = Path(name) if keep is None else keep / role
                directory.mkdir(parents=True, exist_ok=True)
                told.append(await asyncio.to_thread(_one, asked, site, role, directory))
            print(told[-1], file=sys.stderr, flush=True)
        output = site.program.output()
        if keep is not None:
            (keep / "program.log").write_text(output)
        return told, {
            "tracebacks_in_the_log": output.count("Traceback"),
            "exit_code": site.program.exit_code,
            "oracle_violations": await site.violations(),
        }


def _one(asked: Asked, site: Running, role: str, directory: Path) -> Told:
    (directory / "openapi.json").write_text(json.dumps(site.document))
    settings = f'hooks = "{HERE / "hooks.py"}"\n' + (HERE / "schemathesis.toml").read_text()
    (directory / "schemathesis.toml").write_text(settings + _dictionaries(site.stores.own.ids))
    host = "localhost" if role == "platform_admin" else "yard.localhost"
    environment = {
        "PATH": os.environ["PATH"],
        "CONTRACT_HOST": host,
        "CONTRACT_URL": site.program.url,
        "CONTRACT_EMAIL": ADMIN if role == "platform_admin" else f"{role}@yard.localhost",
        "CONTRACT_PASSWORD": "" if role == "nobody" else PASSWORD,
    }
    with (directory / "said.txt").open("w") as said:
        code = subprocess.run(
            asked.arguments(site.program.url, directory / "openapi.json"),
            cwd=directory,
            env=environment,
            stdout=said,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    return _told(role, code, directory, site.document)


def _dictionaries(ids: Mapping[str, tuple[str, ...]]) -> str:
    """Identifiers for the paths, as schemathesis' settings have them."""
    lines = []
    for parameter, tables in IDENTIFIERS.items():
        values = [found for table in tables for found in ids[table]]
        lines.append(f"[dictionaries.{parameter}]\nvalues = {json.dumps(values)}")
        lines.append(f'[parameters."path.{parameter}"]\ndictionary = "{parameter}"\nprobability = {KNOWN}')
    return "\n" + "\n".join(lines) + "\n"


def _told(role: str, code: int, directory: Path, document: Mapping[str, Any]) -> Told:
    """Counts of the events that schemathesis wrote down; only its exit status says that all was good."""
    described = {f"{method.upper()} {path}" for path, found in document["paths"].items() for method in found}
    operations: set[str] = set()
    statuses: Counter[str] = Counter()
    failures: Counter[str] = Counter()
    cases, seconds = 0, 0.0
    with (directory / "events.ndjson").open() as events:
        for line in events:
            [(kind, event)] = json.loads(line).items()
            if kind == "EngineFinished":
                seconds = round(event["running_time"], 1)
            recorder = event.get("recorder", {}) if kind == "ScenarioFinished" else {}
            if not recorder.get("cases"):
                continue
            operations |= {
                f"{case['value']['method']} {case['value']['path']}" for case in recorder["cases"].values()
            }
            cases += len(recorder["cases"])
            for sent in recorder.get("interactions", {}).values():
                statuses[str(sent["response"]["status_code"]) if sent["response"] else "none"] += 1
            for checks in recorder.get("checks", {}).values():
                failures.update(check["name"] for check in checks if check["status"] == "failure")
    return Told(
        role,
        len(operations & described),
        cases,
        seconds,
        dict(sorted(statuses.items())),
        dict(failures),
        code == 0,
    )


if __name__ == "__main__":
    sys.exit(main())
