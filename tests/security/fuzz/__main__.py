"""``python -m tests.security.fuzz --inputs 100000 --seed 7``: the long run, against the real program."""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import asyncpg
from pydantic import SecretStr

from runtime.data.database import Database
from runtime.data.migrations import migrate
from runtime.data.oracles import run_oracles
from runtime.host.embedded import EmbeddedServers
from runtime.settings import load
from tests.faults.process import Program
from tests.security.fuzz.inputs import Inputs
from tests.security.fuzz.judge import Judge
from tests.security.fuzz.run import Run
from tests.security.fuzz.site import At, open_stores
from tests.support.stores import ApiClient, create_store

MOST_GROWTH_MIB = 50
# What is loaded and cached on the way belongs to the program as it works, and is no leak.
WARM_UP = 0.2
_PORTIONS = 20


def main() -> int:
    """Run, report, and say by the exit status whether every answer was as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--json", type=Path, help="write the report to this file")
    given = parser.parse_args()
    report = asyncio.run(_fuzz(given.inputs, given.seed))
    text = json.dumps(report, indent=2, ensure_ascii=False)
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(text + "\n")
    print(text)
    return 0 if report["good"] else 1


async def _fuzz(count: int, seed: int) -> dict[str, object]:
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="basecommerce-fuzz-")))
        servers = EmbeddedServers(home, durable=False)
        endpoints = servers.start()
        stack.callback(servers.stop)
        await migrate(endpoints.database_url)
        settings = load(
            env_file=None,
            environment="development",
            basecommerce_home=home / "home",
            database_url=endpoints.database_url,
            redis_url=endpoints.redis_url,
            secret_key=SecretStr("2xq8Zf4nTq7mWb1cKd9yRr5uHs3pLe6vJa0g"),
        )
        database = await Database.open(settings.database_url_of("api"), "api", size=2)
        stack.push_async_callback(database.close)
        owner = await asyncpg.connect(endpoints.database_url)
        stack.push_async_callback(owner.close)
        await create_store(database, "yard")
        program = Program(settings, home / "program.log", extra={"TRUSTED_PROXIES": "127.0.0.1/32"})
        stack.callback(program.stop)
        await program.start()
        session = await stack.enter_async_context(aiohttp.ClientSession())
        stores = await open_stores(database, owner, ApiClient(At(session, program.url), "yard"))
        async with session.get(f"{program.url}/openapi.json", headers={"Host": "yard.localhost"}) as answer:
            document = await answer.json()
        rng = random.Random(seed)
        judge = Judge(document, stores.secrets)
        fresh = await stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
        )
        inputs = Inputs(document, rng, stores.own)
        run = Run(session, fresh, program.url, inputs, judge, rng)
        await run.sign_in()
        began = time.monotonic()
        memory = await _all_inputs(run, inputs, program, count, rng)
        seconds = time.monotonic() - began
        violations = [f"{v.slug} {v.oracle}: {v.problem}" for v in await run_oracles(database, [])]
        return _report(judge, program, run.sent, seed, seconds, memory, violations)


async def _all_inputs(
    run: Run, inputs: Inputs, program: Program, count: int, rng: random.Random
) -> list[float]:
    """The corpus at every place, as far as half of the inputs go, the rest of chance; returns the MiB on the way."""
    memory, places = [], inputs.places()
    rng.shuffle(places)
    portion = min(len(places), count // 2) // _PORTIONS
    for number in range(_PORTIONS):
        await run.texts(places[number * portion : (number + 1) * portion])
        await run.chance(count * (number + 1) // _PORTIONS - run.sent)
        memory.append(_resident_mib(program))
        print(f"{run.sent} inputs, {memory[-1]:.0f} MiB", file=sys.stderr)
    return memory


def _report(
    judge: Judge,
    program: Program,
    sent: int,
    seed: int,
    seconds: float,
    memory: list[float],
    violations: list[str],
) -> dict[str, object]:
    verdicts = judge.verdicts
    warm = memory[int(len(memory) * WARM_UP)]
    growth = memory[-1] - warm
    log = program.output()
    tracebacks = log.count("Traceback")
    return {
        "seed": seed,
        "inputs": sent,
        "inputs_per_second": round(sent / seconds),
        "statuses": {str(status): count for status, count in sorted(verdicts.statuses.items())},
        "operations_that_succeeded": len(verdicts.succeeded),
        "answers_of_500_and_above": sum(n for status, n in verdicts.statuses.items() if status >= 500),
        "exit_code": program.exit_code,
        "tracebacks_in_the_log": tracebacks,
        "faults_in_the_log": [line[:3000] for line in log.splitlines() if "Traceback" in line][:5],
        "memory_mib": [round(value) for value in memory],
        "memory_growth_mib": round(growth, 1),
        "oracle_violations": violations,
        "wrong": dict(verdicts.wrong.most_common()),
        "examples": verdicts.examples,
        "good": not verdicts.wrong
        and not violations
        and program.exit_code is None
        and tracebacks == 0
        and growth < MOST_GROWTH_MIB,
    }


def _resident_mib(program: Program) -> float:
    assert program._process is not None
    [line] = [
        line
        for line in Path(f"/proc/{program._process.pid}/status").read_text().splitlines()
        if line.startswith("VmRSS")
    ]
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    sys.exit(main())
