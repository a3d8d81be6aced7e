"""One store taken out of an installation and into another: all of its rows, its log and what engines know of it."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import IO, Any, Literal
from uuid import UUID

import asyncpg
import pydantic

from runtime.data.backups.manifest import MANIFEST
from runtime.data.ids import NIL, partition_of
from runtime.data.queries import sql
from runtime.errors import StartupError

# What must not be valid, or be sent, in two places; the secrets of webhooks are their installation's.
_LEFT_OUT = frozenset({"sessions", "refresh_tokens", "idempotency_keys", "webhooks", "webhook_deliveries"})
_DIRECTORY = "tenants"
_CHUNK = 1 << 16


class StoreManifest(pydantic.BaseModel):
    """What a store's archive holds: rows per table, ``images`` files."""

    model_config = pydantic.ConfigDict(frozen=True)

    format: Literal[1] = 1
    program: str
    made_at: datetime
    migration: int
    tenant_id: UUID
    slug: str
    rows: dict[str, int]
    images: int


async def export_store(url: str, slug: str, target: Path, files: Path) -> StoreManifest:
    """Write a store into the new zip file ``target``, all of one snapshot; raises ``StartupError`` when it cannot."""
    connection = await _connect(url)
    try:
        with _new_archive(target) as archive:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                manifest = await _export_rows(connection, slug, archive)
            own = files / str(manifest.tenant_id)
            images = sorted(path for path in own.rglob("*") if path.is_file())
            for path in images:
                archive.write(path, f"files/{path.relative_to(own).as_posix()}", zipfile.ZIP_STORED)
            manifest = manifest.model_copy(update={"images": len(images)})
            archive.writestr(MANIFEST, manifest.model_dump_json(indent=1))
    finally:
        await connection.close()
    return manifest


async def import_store(url: str, source: Path, files: Path, *, slug: str | None = None) -> StoreManifest:
    """Bring a store in, in one transaction, under its own slug or another.

    Raises ``StartupError`` when the store is here already, the slug is taken, or the archive comes from another schema.
    """
    connection = await _connect(url)
    try:
        with zipfile.ZipFile(source) as archive:
            manifest = _manifest_of(archive, source)
            async with connection.transaction():
                await _import_rows(connection, archive, manifest, slug)
                _unpack_images(archive, manifest, files / str(manifest.tenant_id))
    except zipfile.BadZipFile as error:
        raise StartupError(f"{source}: {error}") from None
    finally:
        await connection.close()
    return manifest


async def _connect(url: str) -> Any:
    connection = await asyncpg.connect(url)
    if not await connection.fetchval(sql.sees_all_rows.text):
        await connection.close()
        raise StartupError("DATABASE_URL_BACKUP: a superuser or a role with BYPASSRLS is needed")
    return connection


@contextmanager
def _new_archive(target: Path) -> Iterator[zipfile.ZipFile]:
    """A zip file that gets its name only when it is whole."""
    if target.exists():
        raise StartupError(f"{target}: exists already")
    partial = target.with_name(f"{target.name}.partial")
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            yield archive
        partial.rename(target)
    finally:
        partial.unlink(missing_ok=True)


async def _export_rows(connection: Any, slug: str, archive: zipfile.ZipFile) -> StoreManifest:
    tenant_id = await connection.fetchval(sql.get_tenant_by_slug.text, slug)
    if tenant_id is None or tenant_id == NIL:
        raise StartupError(f"there is no store '{slug}'")
    installation = await connection.fetchrow(sql.show_installation.text)
    rows = {
        _DIRECTORY: await _copy_out(
            connection, sql.export_directory_entry.text, tenant_id, archive, _DIRECTORY
        )
    }
    for table in await _tables(connection):
        rows[table["name"]] = await _copy_out(
            connection, table["select_rows_of_tenant"], tenant_id, archive, table["name"]
        )
    return StoreManifest(
        program=version("basecommerce"),
        made_at=datetime.now(UTC),
        migration=installation["migration"],
        tenant_id=tenant_id,
        slug=slug,
        rows=rows,
        images=0,
    )


async def _copy_out(
    connection: Any, query: str, tenant_id: UUID, archive: zipfile.ZipFile, table: str
) -> int:
    with archive.open(_member(table), "w", force_zip64=True) as member:

        async def write(chunk: bytes) -> None:
            member.write(chunk)

        answer: str = await connection.copy_from_query(
            query, tenant_id, output=write, format="csv", header=True
        )
    return int(answer.removeprefix("COPY "))


async def _import_rows(
    connection: Any, archive: zipfile.ZipFile, manifest: StoreManifest, slug: str | None
) -> None:
    installation = await connection.fetchrow(sql.show_installation.text)
    if installation["migration"] != manifest.migration:
        raise StartupError(
            f"the archive has migration {manifest.migration:04}, this database {installation['migration']:04}: "
            "bring both installations to the same release first"
        )
    tenant_id, wanted = manifest.tenant_id, slug or manifest.slug
    if (there := await connection.fetchval(sql.find_directory_entry.text, tenant_id, wanted)) is not None:
        raise StartupError(f"the store '{there}' is here already")
    tables = {table["name"]: table for table in await _tables(connection)}
    if unknown := manifest.rows.keys() - tables.keys() - {_DIRECTORY}:
        raise StartupError(f"the archive has tables that are not here: {', '.join(sorted(unknown))}")
    await connection.execute("set constraints all deferred")
    for name in [_DIRECTORY, *_parents_first(tables)]:
        if name in manifest.rows:
            await _copy_in(connection, archive, name, manifest.rows[name])
    await connection.execute(sql.move_store_to_slug.text, wanted, tenant_id)
    partition = partition_of(tenant_id, installation["event_partitions"])
    await connection.execute(sql.repartition_head.text, partition, tenant_id)
    await connection.execute(sql.repartition_log.text, partition, tenant_id)


async def _copy_in(connection: Any, archive: zipfile.ZipFile, table: str, expected: int) -> None:
    with archive.open(_member(table)) as member:
        columns = member.readline().decode().rstrip("\n").split(",")
        answer: str = await connection.copy_to_table(
            table, source=_chunks(member), columns=columns, format="csv"
        )
    if int(answer.removeprefix("COPY ")) != expected:
        raise StartupError(f"table {table}: {answer.removeprefix('COPY ')} rows instead of {expected}")


async def _tables(connection: Any) -> list[Mapping[str, Any]]:
    tables = await connection.fetch(sql.list_tables.text)
    return [table for table in tables if table["of_tenants"] and table["name"] not in _LEFT_OUT]


def _parents_first(tables: Mapping[str, Mapping[str, Any]]) -> Sequence[str]:
    """Table names in an order in which every row finds what it refers to, save by keys that wait for the commit."""
    parents: dict[str, Iterable[str]] = {
        name: [parent for parent in table["refers_to"] if parent in tables] for name, table in tables.items()
    }
    try:
        return list(TopologicalSorter(parents).static_order())
    except CycleError as error:
        raise StartupError(f"tables refer to each other in a circle: {' > '.join(error.args[1])}") from None


async def _chunks(member: IO[bytes]) -> AsyncIterator[bytes]:
    while chunk := member.read(_CHUNK):
        yield chunk


def _member(table: str) -> str:
    return f"tables/{table}.csv"


def _manifest_of(archive: zipfile.ZipFile, source: Path) -> StoreManifest:
    try:
        return StoreManifest.model_validate_json(archive.read(MANIFEST))
    except KeyError:
        raise StartupError(f"{source}: not the archive of a store ({MANIFEST} is missing)") from None
    except pydantic.ValidationError as error:
        raise StartupError(f"{source}: {error.errors()[0]['msg']}") from None


def _unpack_images(archive: zipfile.ZipFile, manifest: StoreManifest, own: Path) -> None:
    members = [name for name in archive.namelist() if name.startswith("files/")]
    if len(members) != manifest.images:
        raise StartupError(f"{len(members)} images instead of {manifest.images}")
    for name in members:
        inside = PurePosixPath(name).relative_to("files")
        if inside.is_absolute() or ".." in inside.parts:
            raise StartupError(f"{name}: points out of the archive")
        target = own.joinpath(*inside.parts)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (
            archive.open(name) as packed,
            tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file,
        ):
            while chunk := packed.read(_CHUNK):
                file.write(chunk)
        Path(file.name).replace(target)
