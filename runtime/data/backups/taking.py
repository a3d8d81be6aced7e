"""Taking a backup: one snapshot of the database, the files beside it, a manifest that says what is inside."""

from __future__ import annotations

import shutil
import tarfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import anyio.to_thread
import asyncpg

from runtime.data.backups.manifest import Facts, Manifest, described, facts_of
from runtime.data.backups.programs import run_program
from runtime.data.queries import sql
from runtime.errors import StartupError

DUMP = "database.dump"
FILES = "files.tar"
_PREFIX = "basecommerce-"
_PARTIAL = ".partial"


async def take(url: str, directory: Path, files: Path, *, now: datetime | None = None) -> Path:
    """Write a backup into a new directory below ``directory`` and return it.

    ``url`` is a direct connection (no pooler) that sees every row. ``files`` is where images lie; they are copied after
    the database, so that every image a row speaks of is there. Nothing is left behind under its final name unless it
    is whole.
    """
    made_at = now or datetime.now(UTC)
    final = directory / f"{_PREFIX}{made_at:%Y%m%dT%H%M%SZ}"
    if final.exists():
        raise StartupError(f"{final}: there is a backup of this second already")
    partial = final.with_suffix(_PARTIAL)
    partial.mkdir(mode=0o700, parents=True)
    try:
        facts = await _dump(url, partial / DUMP)
        packed = await anyio.to_thread.run_sync(_pack, files, partial / FILES)
        manifest = Manifest(
            program=version("basecommerce"),
            made_at=made_at,
            files=await anyio.to_thread.run_sync(described, [partial / DUMP, *packed]),
            **facts.model_dump(),
        )
        manifest.write(partial)
        partial.rename(final)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    await _record(url, made_at)
    return final


def finished(directory: Path) -> list[Path]:
    """The backups below a directory, oldest first."""
    return sorted(path for path in directory.glob(f"{_PREFIX}*Z") if path.is_dir())


def prune(directory: Path, keep: int) -> list[Path]:
    """Delete all but the newest ``keep`` backups and return those that are gone."""
    gone = finished(directory)[:-keep] if keep > 0 else []
    for path in gone:
        shutil.rmtree(path)
    return gone


async def _dump(url: str, target: Path) -> Facts:
    """Dump the very snapshot that is counted, so that a restored copy can be compared row for row."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            if await connection.fetchval("select to_regclass('installation')") is None:
                raise StartupError("this database has no schema yet; there is nothing to back up")
            facts = await facts_of(connection)
            snapshot = await connection.fetchval("select pg_export_snapshot()")
            await run_program(
                "pg_dump",
                *("--format=custom", "--no-owner", f"--snapshot={snapshot}", f"--file={target}"),
                url=url,
                at_least=facts.server,
            )
    finally:
        await connection.close()
    return facts


async def _record(url: str, at: datetime) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql.record_backup.text, at)
    finally:
        await connection.close()


def _pack(files: Path, target: Path) -> list[Path]:
    """Put all images into one archive, without compression, which they have had; none when there are none."""
    if not files.is_dir():
        return []
    with tarfile.open(target, "w") as archive:
        archive.add(files, arcname=".")
    return [target]
