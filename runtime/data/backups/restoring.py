"""Restoring a backup into an empty database, and proving that it can be restored."""

from __future__ import annotations

import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio.to_thread
import asyncpg

from runtime.data.backups.manifest import Manifest, facts_of, read_checked
from runtime.data.backups.programs import in_database, run_program
from runtime.data.backups.taking import DUMP, FILES
from runtime.data.migrations import read_migrations
from runtime.data.queries import sql
from runtime.errors import StartupError

# Roles belong to the server and are in no dump of a database; grants and policies name them.
_MAKE_ROLES = """
do $$
declare
  role_name text;
begin
  foreach role_name in array array[
    'basecommerce_api', 'basecommerce_relay', 'basecommerce_engine', 'basecommerce_scheduler'
  ] loop
    begin
      execute format('create role %I nologin nosuperuser nobypassrls nocreatedb nocreaterole', role_name);
    exception when duplicate_object or unique_violation then
      null;
    end;
    if not (select rolsuper from pg_roles where rolname = current_user) then
      execute format('grant %I to %I', role_name, current_user);
    end if;
  end loop;
end
$$
"""

# A dump carries no marks on functions of PostgreSQL itself (docs/decisions/0004).
_MARK_LEAKPROOF = """
do $$
begin
  if (select rolsuper from pg_roles where rolname = current_user) then
    alter function pg_catalog.textlike(text, text) leakproof;
    alter function word_similarity_commutator_op(text, text) leakproof;
  end if;
end
$$
"""


async def restore(url: str, directory: Path, files: Path) -> Manifest:
    """Restore a backup into the empty database of ``url``, and its images into ``files``.

    All of the database or nothing: it is one transaction. The copy is compared with the manifest before anybody may use
    it; then the epoch is raised and every session ended, for a session revoked after the backup must not live again.
    Raises ``StartupError`` when a file is damaged, the database is not empty, or this program is older than the backup.
    """
    manifest = await anyio.to_thread.run_sync(read_checked, directory)
    _check_release(manifest)
    await _restore_database(url, directory, manifest)
    async with _connected(url) as connection, connection.transaction():
        await connection.execute(sql.raise_epoch.text)
        await connection.execute(sql.end_all_sessions.text)
        await connection.execute(sql.revoke_all_refresh_tokens.text)
    if (directory / FILES).exists():
        await anyio.to_thread.run_sync(_unpack, directory / FILES, files)
    return manifest


async def verify(url: str, directory: Path) -> Manifest:
    """Restore a backup into a database made for it on the server of ``url``, compare, and drop that again."""
    manifest = await anyio.to_thread.run_sync(read_checked, directory)
    _check_release(manifest)
    scratch = f"basecommerce_verify_{uuid4().hex[:12]}"
    async with _connected(url) as server:
        await server.execute(f"create database {scratch} template template0")
        try:
            await _restore_database(in_database(url, scratch), directory, manifest)
        finally:
            await server.execute(f"drop database if exists {scratch} with (force)")
    return manifest


def _check_release(manifest: Manifest) -> None:
    newest = read_migrations()[-1].number
    if manifest.migration > newest:
        raise StartupError(
            f"the backup has migration {manifest.migration:04}, this release ends at {newest:04}: "
            f"restore with release {manifest.program} or newer"
        )


async def _restore_database(url: str, directory: Path, manifest: Manifest) -> None:
    async with _connected(url) as connection:
        if await connection.fetchval("select to_regclass('schema_migrations')") is not None:
            raise StartupError(
                "this database holds an installation already; restore into a new one (createdb)"
            )
        server = await connection.fetchval("select current_setting('server_version_num')::integer / 10000")
        await connection.execute(_MAKE_ROLES)
    await run_program(
        "pg_restore",
        *("--no-owner", "--exit-on-error", "--single-transaction", directory / DUMP),
        url=url,
        at_least=max(server, manifest.server),
    )
    async with _connected(url) as connection:
        await connection.execute(_MARK_LEAKPROOF)
        await connection.execute("analyze")
        facts = await facts_of(connection)
    if differences := facts.differences(manifest):
        raise StartupError(*differences)


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


def _unpack(archive: Path, files: Path) -> None:
    files.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tarfile.open(archive) as packed:
        packed.extractall(files, filter="data")
