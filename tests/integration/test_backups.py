"""Backups: what comes back is what was there, row for row, and the pipeline goes on from it."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import asyncpg
import pytest

from actors.sales.actor import SalesEngine
from actors.stock.actor import StockEngine
from runtime.data.backups import restoring, taking
from runtime.data.backups.manifest import read_checked
from runtime.data.backups.store import export_store, import_store
from runtime.data.database import Database
from runtime.errors import StartupError
from runtime.events.consumer import Consumer
from runtime.events.log import emit
from runtime.settings import Settings
from tests.conftest import in_database
from tests.support.engines import stock
from tests.support.stores import ApiClient, Store, create_store
from tests.support.traded import trade

RUNBOOK = Path(__file__).parents[2] / "docs" / "operations.md"
ENDED = ("sessions", "refresh_tokens", "idempotency_keys")


@dataclass(frozen=True, slots=True)
class Business:
    """A store that traded and whose engines have caught up; ``files`` holds its images."""

    store: Store
    url: str
    files: Path
    home: Path


@pytest.fixture
async def business(
    settings: Settings,
    owner: asyncpg.Connection,
    client: ApiClient,
    store: Store,
    engine_database: Database,
    tmp_path,
) -> Business:
    await client.login("owner")
    await trade(owner, client, store, "YARD")
    await _apply(engine_database, store.id)
    return Business(store, settings.database_url, settings.files_home, tmp_path / "backups")


async def _apply(database: Database, tenant_id: UUID) -> None:
    for engine in (StockEngine(), SalesEngine()):
        while (await Consumer(engine, database).step([tenant_id])).behind:
            pass


async def _contents(url: str, *, without: tuple[str, ...] = ()) -> dict[str, list[str]]:
    """Every row of every table as text, in order."""
    connection = await asyncpg.connect(url)
    try:
        tables = await connection.fetch(
            "select relname from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace"
        )
        return {
            name: sorted(row[0] for row in await connection.fetch(f'select t::text from "{name}" as t'))
            for name in (row["relname"] for row in tables)
            if name not in without
        }
    finally:
        await connection.close()


async def _value(url: str, query: str, *arguments: Any) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query, *arguments)
    finally:
        await connection.close()


@pytest.fixture
async def taken(business: Business) -> Path:
    return await taking.take(business.url, business.home, business.files)


async def test_what_was_backed_up_comes_back_row_for_row_with_its_images(
    business: Business, taken: Path, empty_database_url: str, tmp_path
) -> None:
    images = tmp_path / "restored"
    manifest = await restoring.restore(empty_database_url, taken, images)
    without = (*ENDED, "installation")
    assert await _contents(empty_database_url, without=without) == await _contents(
        business.url, without=without
    )
    assert manifest.rows["orders"] > 3
    assert manifest.heads[str(business.store.id)] > 20
    before = {path.relative_to(business.files): path.read_bytes() for path in business.files.rglob("*.*")}
    assert before
    assert {path.relative_to(images): path.read_bytes() for path in images.rglob("*.*")} == before


async def test_the_pipeline_goes_on_from_a_restored_database(
    business: Business, taken: Path, empty_database_url: str, tmp_path
) -> None:
    await restoring.restore(empty_database_url, taken, tmp_path / "restored")
    assert await _value(empty_database_url, "select epoch from installation") == 2
    tenant = business.store.id
    product = await _value(empty_database_url, "select id from products where tenant_id = $1 limit 1", tenant)
    api = await Database.open(empty_database_url, "api", size=1)
    engine = await Database.open(empty_database_url, "engine", size=1)
    try:
        async with api.tenant(tenant) as tx:
            emit(tx, stock(product, 77))
        await _apply(engine, tenant)
    finally:
        await api.close()
        await engine.close()
    behind = await _value(
        empty_database_url,
        "select count(*) from tenant_event_head as h join consumer_cursor as c using (tenant_id)"
        " where c.consumer in ('stock', 'sales') and c.last_seq <> h.head",
    )
    assert behind == 0
    on_hand = (
        "select on_hand from engine_stock_levels where tenant_id = $1 and product_id = $2 and on_hand = 77"
    )
    assert await _value(empty_database_url, on_hand, tenant, product) == 77


async def test_no_session_and_no_way_to_a_new_one_lives_through_a_restore(
    taken: Path, empty_database_url: str, tmp_path
) -> None:
    await restoring.restore(empty_database_url, taken, tmp_path / "restored")
    assert await _value(empty_database_url, "select count(*) from sessions where revoked_at is null") == 0
    assert await _value(empty_database_url, "select count(*) from refresh_tokens") == 0


async def test_searches_use_their_index_after_a_restore(
    taken: Path, empty_database_url: str, tmp_path
) -> None:
    await restoring.restore(empty_database_url, taken, tmp_path / "restored")
    marked = (
        "select count(*) from pg_proc"
        " where proname in ('textlike', 'word_similarity_commutator_op') and proleakproof"
    )
    assert await _value(empty_database_url, marked) == 2


async def test_a_backup_is_one_moment_even_while_people_sell(business: Business, monkeypatch) -> None:
    dump = taking.run_program

    async def selling_meanwhile(name: str, *arguments: Any, **options: Any) -> None:
        statement = "insert into tenants (id, slug, name) values (gen_random_uuid(), 'late', 'Late')"
        await _value(business.url, statement)
        await dump(name, *arguments, **options)

    monkeypatch.setattr(taking, "run_program", selling_meanwhile)
    taken = await taking.take(business.url, business.home, business.files)
    manifest = await restoring.verify(business.url, taken)
    assert await _value(business.url, "select count(*) from tenants") == manifest.rows["tenants"] + 1


async def test_a_backup_is_verified_in_a_database_of_its_own_that_goes_again(
    business: Business, taken: Path
) -> None:
    await restoring.verify(business.url, taken)
    scratch = "select count(*) from pg_database where datname like 'basecommerce_verify_%'"
    assert await _value(business.url, scratch) == 0


async def test_a_copy_with_another_number_of_rows_is_refused(business: Business, taken: Path) -> None:
    manifest = read_checked(taken)
    rows = {**manifest.rows, "orders": manifest.rows["orders"] + 1}
    manifest.model_copy(update={"rows": rows}).write(taken)
    with pytest.raises(StartupError, match="rows of table orders"):
        await restoring.verify(business.url, taken)


async def test_a_damaged_or_unfinished_backup_is_refused_before_anything_is_touched(
    taken: Path, empty_database_url: str, tmp_path
) -> None:
    with (taken / taking.DUMP).open("r+b") as file:
        file.seek(100)
        file.write(b"x")
    with pytest.raises(StartupError, match="SHA-256 differs"):
        await restoring.restore(empty_database_url, taken, tmp_path)
    (taken / taking.DUMP).unlink()
    with pytest.raises(StartupError, match="missing"):
        await restoring.restore(empty_database_url, taken, tmp_path)
    (taken / "manifest.json").unlink()
    with pytest.raises(StartupError, match="not a finished backup"):
        await restoring.restore(empty_database_url, taken, tmp_path)
    assert await _value(empty_database_url, "select to_regclass('tenants')") is None


async def test_nothing_is_restored_over_an_installation(business: Business, taken: Path, tmp_path) -> None:
    before = await _contents(business.url)
    with pytest.raises(StartupError, match="holds an installation already"):
        await restoring.restore(business.url, taken, tmp_path)
    assert await _contents(business.url) == before


async def test_a_backup_of_a_newer_release_is_refused(taken: Path, empty_database_url: str, tmp_path) -> None:
    read_checked(taken).model_copy(update={"migration": 9999}).write(taken)
    with pytest.raises(StartupError, match="release"):
        await restoring.restore(empty_database_url, taken, tmp_path)


@asynccontextmanager
async def _login(
    business: Business, owner: asyncpg.Connection, name: str, statements: str
) -> AsyncIterator[str]:
    """The URL of a role that these statements make, for as long as the block lasts."""
    await owner.execute(statements)
    parts = urlsplit(business.url)
    yield urlunsplit(parts._replace(netloc=f"{name}@{parts.netloc.rpartition('@')[2]}"))
    await owner.execute(f"drop owned by {name}")
    await owner.execute(f"drop role {name}")


@pytest.fixture
async def blinkered(business: Business, owner: asyncpg.Connection) -> AsyncIterator[str]:
    """A login that may read every table and from which row security hides their rows."""
    name = f"blinkered_{business.store.id.hex[:12]}"
    statements = f"create role {name} login; grant select on all tables in schema public to {name}"
    async with _login(business, owner, name, statements) as url:
        yield url


@pytest.fixture
async def documented(business: Business, owner: asyncpg.Connection) -> AsyncIterator[str]:
    """The login for backups as the runbook has operators make it."""
    [block] = re.findall(r"```sql\n(create role basecommerce_backup.*?)```", RUNBOOK.read_text(), re.DOTALL)
    name = f"backup_{business.store.id.hex[:12]}"
    async with _login(business, owner, name, block.replace("basecommerce_backup", name)) as url:
        yield url


async def test_the_login_of_the_runbook_can_back_up_everything(business: Business, documented: str) -> None:
    taken = await taking.take(documented, business.home, business.files)
    assert read_checked(taken).rows == read_checked(await _later(business)).rows
    await export_store(documented, business.store.slug, business.home / "yard.zip", business.files)


async def _later(business: Business) -> Path:
    """The same by the owner of everything."""
    return await taking.take(
        business.url, business.home, business.files, now=datetime(2030, 1, 1, tzinfo=UTC)
    )


async def test_a_login_that_does_not_see_every_row_cannot_make_a_backup_with_holes(
    business: Business, blinkered: str
) -> None:
    with pytest.raises(StartupError, match="BYPASSRLS"):
        await taking.take(blinkered, business.home, business.files)
    assert list(business.home.iterdir()) == []
    with pytest.raises(StartupError, match="BYPASSRLS"):
        await export_store(blinkered, business.store.slug, business.home / "yard.zip", business.files)


async def test_only_the_newest_backups_are_kept(business: Business) -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    made = [
        await taking.take(business.url, business.home, business.files, now=now + timedelta(days=day))
        for day in range(3)
    ]
    (business.home / "basecommerce-20200101T000000Z.partial").mkdir()
    assert taking.prune(business.home, 0) == []
    assert taking.prune(business.home, 2) == [made[0]]
    assert taking.finished(business.home) == made[1:]
    assert await _value(business.url, "select backed_up_at from installation") == now + timedelta(days=2)


async def test_a_store_moves_to_another_installation_with_all_it_has(
    business: Business, servers, template_database: str, engine_database: Database, tmp_path
) -> None:
    archive = tmp_path / "yard.zip"
    await export_store(business.url, "yard", archive, business.files)
    name = f"moved_{business.store.id.hex}"
    await _value(servers.database_url, f"create database {name} template {template_database}")
    url = in_database(servers.database_url, name)
    try:
        await _value(url, "update installation set event_partitions = 3")
        manifest = await import_store(url, archive, tmp_path / "there", slug="moved")
        without = (
            *ENDED,
            "installation",
            "tenants",
            "event_outbox",
            "tenant_event_head",
            "schema_migrations",
            "webhooks",
            "webhook_deliveries",
        )
        # Signed with another installation's key, and to be sent from one of the two only.
        assert await _value(url, "select count(*) from webhooks") == 0
        assert await _contents(url, without=without) == await _contents(business.url, without=without)
        there = [path for path in (tmp_path / "there").rglob("*") if path.is_file()]
        assert manifest.images == len(there) == 2, "the photo of a delivery and the store's logo"
        assert await _value(url, "select slug from tenants where id = $1", business.store.id) == "moved"
        assert await _value(url, "select bool_and(partition between 0 and 2) from event_outbox")
        events = (
            "select string_agg(event_id::text || tenant_seq || payload::text, '' order by tenant_seq)"
            " from event_outbox"
        )
        assert await _value(url, events) == await _value(business.url, events)
        with pytest.raises(StartupError, match="is here already"):
            await import_store(url, archive, tmp_path / "there", slug="again")
    finally:
        await _value(servers.database_url, f"drop database {name} with (force)")


async def test_an_archive_brings_one_store_and_nothing_of_its_neighbours(
    business: Business, database: Database, tmp_path
) -> None:
    neighbour = await create_store(database, "neighbour")
    archive = tmp_path / "yard.zip"
    await export_store(business.url, "yard", archive, business.files)
    with zipfile.ZipFile(archive) as packed:
        texts = b"".join(packed.read(name) for name in packed.namelist() if name.endswith(".csv"))
        rows = json.loads(packed.read("manifest.json"))["rows"]
    assert str(neighbour.id).encode() not in texts
    assert str(business.store.id).encode() in texts
    assert rows["tenants"] == 1
    assert not {*ENDED} & rows.keys()


async def test_the_platform_itself_is_no_store_to_take_away(business: Business, tmp_path) -> None:
    for slug in ("platform", "nowhere"):
        with pytest.raises(StartupError, match="no store"):
            await export_store(business.url, slug, tmp_path / "x.zip", business.files)
    assert list(tmp_path.glob("x.zip*")) == []


async def test_an_archive_of_another_schema_changes_nothing(business: Business, tmp_path) -> None:
    archive = tmp_path / "yard.zip"
    await export_store(business.url, "yard", archive, business.files)
    await _value(
        business.url, "insert into schema_migrations (number, name, checksum) values (9999, 'x', 'x')"
    )
    before = await _contents(business.url)
    with pytest.raises(StartupError, match="same release"):
        await import_store(business.url, archive, tmp_path / "there")
    assert await _contents(business.url) == before
