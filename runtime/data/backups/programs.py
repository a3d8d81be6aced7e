"""Running ``pg_dump`` and ``pg_restore`` on a database URL without showing its password to the machine's users."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import anyio

from runtime.errors import StartupError
from runtime.host.postgres_programs import find_program


async def run_program(name: str, *arguments: str | Path, url: str, at_least: int) -> None:
    """Run one of PostgreSQL's programs to its end; raises ``StartupError`` with what it complained of."""
    program = find_program(name, at_least=at_least)
    with _without_password(url) as shown:
        command = [str(program), "--no-password", *map(str, arguments), "--dbname", shown]
        done = await anyio.run_process(command, check=False, stdout=subprocess.DEVNULL)
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        raise StartupError(*(f"{name}: {line.removeprefix(f'{name}: ')}" for line in lines[:5]))


def in_database(url: str, name: str) -> str:
    """The URL of another database of the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{quote(name)}"))


@contextmanager
def _without_password(url: str) -> Iterator[str]:
    """The same URL with its password in a file only we can read: command lines are public on a machine."""
    parts = urlsplit(url)
    if parts.password is None:
        yield url
        return
    with tempfile.NamedTemporaryFile("w", prefix="pgpass-", encoding="utf-8") as file:
        secret = unquote(parts.password).replace("\\", "\\\\").replace(":", "\\:")
        file.write(f"*:*:*:*:{secret}\n")
        file.flush()
        user, _, host = parts.netloc.rpartition("@")
        query = "&".join(filter(None, (parts.query, f"passfile={quote(file.name, safe='')}")))
        yield urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}@{host}", query=query))
