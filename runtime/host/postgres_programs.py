"""PostgreSQL's own programs (``pg_dump``, ``pg_restore``) where this machine has them."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from runtime.errors import StartupError
from runtime.host.embedded_postgres import postgres_program

_DEBIAN = Path("/usr/lib/postgresql")
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


def find_program(name: str, *, at_least: int) -> Path:
    """The oldest program of this name whose major version is ``at_least``: one older than the server refuses it.

    Looked for in the search path, where Debian keeps several releases side by side, and in the embedded server.
    Raises ``StartupError`` that says what to install.
    """
    found: dict[int, Path] = {}
    for place in _places(name):
        if (version := _major_version(place)) is not None:
            found.setdefault(version, place)
    usable = [version for version in found if version >= at_least]
    if not usable:
        has = f"; found only {', '.join(map(str, sorted(found)))}" if found else ""
        raise StartupError(
            f"{name} {at_least} or newer is needed (Debian: postgresql-client-{at_least}){has}"
        )
    return found[min(usable)]


def _places(name: str) -> Iterator[Path]:
    if (in_path := shutil.which(name)) is not None:
        yield Path(in_path)
    yield from sorted(_DEBIAN.glob(f"*/bin/{name}"))
    try:
        yield postgres_program(name)
    except StartupError:
        return


def _major_version(program: Path) -> int | None:
    try:
        answer = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = _VERSION.search(answer.stdout)
    return None if match is None else int(match[1])
