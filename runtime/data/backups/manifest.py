"""What a backup says of itself, so that nobody has to believe that it is whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pydantic

from runtime.data.queries import sql
from runtime.errors import StartupError

MANIFEST = "manifest.json"
_CHUNK = 1 << 20


class File(pydantic.BaseModel):
    """One file beside the manifest; ``size`` in bytes."""

    model_config = pydantic.ConfigDict(frozen=True)

    name: str = pydantic.Field(pattern=r"^[a-z0-9_.]+$")
    size: int
    sha256: str


class Manifest(pydantic.BaseModel):
    """The contents of a backup, all of one snapshot: rows per table, and how far every store's log had come."""

    model_config = pydantic.ConfigDict(frozen=True)

    format: Literal[1] = 1
    program: str
    server: int
    """Major version of PostgreSQL it was taken from."""
    made_at: datetime
    migration: int
    event_partitions: int
    epoch: int
    rows: dict[str, int]
    heads: dict[str, int]
    files: tuple[File, ...]

    def write(self, directory: Path) -> None:
        """Write it into the backup's directory."""
        (directory / MANIFEST).write_text(self.model_dump_json(indent=1), encoding="utf-8")


class Facts(pydantic.BaseModel):
    """What a database holds as its connection sees it now."""

    model_config = pydantic.ConfigDict(frozen=True)

    server: int
    migration: int
    event_partitions: int
    epoch: int
    rows: dict[str, int]
    heads: dict[str, int]

    def differences(self, expected: Manifest) -> list[str]:
        """A line for each table and each store's log that is not as the manifest says."""
        compared = (
            ("rows of table", self.rows, expected.rows),
            ("head of the log of store", self.heads, expected.heads),
        )
        return [
            f"{what} {name}: {found.get(name)} instead of {wanted.get(name)}"
            for what, found, wanted in compared
            for name in sorted(found.keys() | wanted.keys())
            if found.get(name) != wanted.get(name)
        ]


async def facts_of(connection: Any) -> Facts:
    """Count everything in the connection's present snapshot. Reads every table; raises when some are hidden from it."""
    if not await connection.fetchval(sql.sees_all_rows.text):
        raise StartupError(
            "row security hides rows from this login: a backup needs a superuser or a role with BYPASSRLS "
            "(DATABASE_URL_BACKUP)"
        )
    installation = await connection.fetchrow(sql.show_installation.text)
    rows = {}
    for table in await connection.fetch(sql.list_tables.text):
        rows[table["name"]] = await connection.fetchval(table["count_rows"])
    heads = {row["tenant_id"]: row["head"] for row in await connection.fetch(sql.select_event_heads.text)}
    return Facts(**dict(installation), rows=rows, heads=heads)


def described(paths: Iterable[Path]) -> tuple[File, ...]:
    """Name, size and SHA-256 of files."""
    return tuple(File(name=path.name, size=path.stat().st_size, sha256=_sha256(path)) for path in paths)


def read_checked(directory: Path) -> Manifest:
    """The manifest of a backup whose files are all there and unchanged; else ``StartupError`` with a line per file."""
    try:
        manifest = Manifest.model_validate_json((directory / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise StartupError(f"{directory}: not a finished backup ({MANIFEST} is missing)") from None
    except pydantic.ValidationError as error:
        raise StartupError(f"{directory / MANIFEST}: {error.errors()[0]['msg']}") from None
    problems = []
    for file in manifest.files:
        path = directory / file.name
        if not path.is_file():
            problems.append(f"{path}: missing")
        elif path.stat().st_size != file.size or _sha256(path) != file.sha256:
            problems.append(f"{path}: not what was written (size or SHA-256 differs)")
    if problems:
        raise StartupError(*problems)
    return manifest


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
