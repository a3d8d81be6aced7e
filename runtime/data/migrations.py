"""Forward-only migrations: numbered files, each applied once in its own transaction, its checksum remembered."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from runtime.data.queries import SQL_DIRECTORY
from runtime.errors import StartupError

# Any constant of our own; a transaction-level lock would be gone between two migrations.
_LOCK_KEY = 0x6261_7365
_FILE_NAME = re.compile(r"^(\d{4})_([a-z0-9_]+)\.sql$")

_CREATE_HISTORY = """
create table if not exists schema_migrations (
  number integer primary key,
  name text not null,
  checksum text not null,
  applied_at timestamptz not null default clock_timestamp()
)
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of sql/migrations; ``checksum`` is the SHA-256 of its text."""

    number: int
    name: str
    text: str = field(repr=False)

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def read_migrations(directory: Path = SQL_DIRECTORY / "migrations") -> list[Migration]:
    """All migrations in order; their numbers must be 1, 2, 3 ... without gap or repeat."""
    migrations = []
    for path in sorted(directory.glob("*.sql")):
        match = _FILE_NAME.match(path.name)
        if match is None:
            raise StartupError(f"migration {path.name}: the name must be NNNN_name.sql")
        migrations.append(Migration(int(match[1]), match[2], path.read_text(encoding="utf-8")))
    if [migration.number for migration in migrations] != list(range(1, len(migrations) + 1)):
        raise StartupError("migrations: the numbers must be 0001, 0002, ... without gap or repeat")
    return migrations


def pending(migrations: Sequence[Migration], applied: dict[int, str]) -> list[Migration]:
    """The migrations still to apply; raises when history and files contradict each other."""
    problems = [
        f"migration {migration.number:04} {migration.name} was changed after it was applied"
        for migration in migrations
        if applied.get(migration.number, migration.checksum) != migration.checksum
    ]
    known = {migration.number for migration in migrations}
    problems += [
        f"the database has migration {number:04}, which this release does not know (it is older than the database)"
        for number in sorted(applied.keys() - known)
    ]
    if problems:
        raise StartupError(*problems)
    return [migration for migration in migrations if migration.number not in applied]


async def check(url: str) -> list[Migration]:
    """The migrations that ``migrate`` would apply; changes nothing."""
    connection = await asyncpg.connect(url)
    try:
        return pending(read_migrations(), await _applied(connection))
    finally:
        await connection.close()


async def migrate(url: str, *, event_partitions: int = 8) -> list[Migration]:
    """Bring the schema up to date and return what was applied. Safe to run from several processes at once.

    ``event_partitions`` is fixed at the first migration for the life of the installation; another number later
    raises ``StartupError``.
    """
    migrations = read_migrations()
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("select pg_advisory_lock($1)", _LOCK_KEY)
        await connection.execute(_CREATE_HISTORY)
        todo = pending(migrations, await _applied(connection))
        for migration in todo:
            async with connection.transaction():
                # asyncpg does not understand the answer to a text without any statement, such as comments alone.
                await connection.execute(f"select 1;\n{migration.text}")
                await connection.execute(
                    "insert into schema_migrations (number, name, checksum) values ($1, $2, $3)",
                    migration.number,
                    migration.name,
                    migration.checksum,
                )
        await connection.execute(
            "insert into installation (event_partitions) values ($1) on conflict do nothing", event_partitions
        )
        fixed = await connection.fetchval("select event_partitions from installation")
        if fixed != event_partitions:
            raise StartupError(
                f"EVENT_PARTITIONS: this installation was made with {fixed}; it cannot become {event_partitions}"
            )
        return todo
    finally:
        await connection.close()


async def _applied(connection: Any) -> dict[int, str]:
    if await connection.fetchval("select to_regclass('schema_migrations')") is None:
        return {}
    rows = await connection.fetch("select number, checksum from schema_migrations")
    return {row["number"]: row["checksum"] for row in rows}
