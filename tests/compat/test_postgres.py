"""PostgreSQL that comes back behind what it had acknowledged, is restored, is held up, or promises too much."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import anyio
import asyncpg
import pytest
import redis.asyncio as redis

from runtime.data.catalogue_check import check_catalogue
from runtime.data.database import Database
from runtime.data.ids import new_id, partition_of
from runtime.data.migrations import migrate
from runtime.errors import RetryLaterError, StartupError
from runtime.events.consumer import Consumer
from runtime.events.engine_actor import EngineActor
from runtime.events.relay import Relay
from runtime.events.streams import ensure_group, stream_key
from runtime.events.wake import WakeSignal
from runtime.host.embedded_postgres import PostgresServer, postgres_program
from tests.compat.servers import base_backup
from tests.faults.servers import Postgres
from tests.support.events import PARTITIONS, LedgerEngine, effects, emit_events

LEDGER = (
    "create table effect_ledger (position bigint generated always as identity, tenant_id uuid not null, "
    "tenant_seq bigint not null, event_id uuid not null, delta numeric not null)"
)


@pytest.fixture
def directory() -> Iterator[Path]:
    """A short path: the sockets of servers lie in it."""
    with TemporaryDirectory(prefix="basecommerce-", ignore_cleanup_errors=True) as made:
        yield Path(made)


@dataclass(slots=True)
class Installation:
    """The parts of the pipeline on one server, each turn of them made by hand."""

    url: str
    api: Database
    relay: Database
    engine: Database
    owner: asyncpg.Connection
    client: redis.Redis

    @classmethod
    async def on(cls, url: str, client: redis.Redis) -> Installation:
        databases = [await Database.open(url, role, size=3) for role in ("api", "relay", "engine")]
        return cls(url, *databases, await asyncpg.connect(url), client)

    async def close(self) -> None:
        for database in (self.api, self.relay, self.engine):
            await database.close()
        await self.owner.close(timeout=2)

    async def tenant(self) -> UUID:
        tenant_id = new_id()
        await self.owner.execute(
            "insert into tenants (id, slug, name) values ($1, $2, 'A store')",
            tenant_id,
            f"t{tenant_id.hex[:30]}",
        )
        await self.owner.execute(
            "insert into tenant_event_head (tenant_id, partition) values ($1, $2)",
            tenant_id,
            partition_of(tenant_id, PARTITIONS),
        )
        return tenant_id

    async def publish(self) -> None:
        await Relay(self.relay, self.client, WakeSignal(), partitions=PARTITIONS).step()

    async def apply(self, tenant_id: UUID) -> None:
        """What the stream of the tenant's partition holds for the engine."""
        partition = partition_of(tenant_id, PARTITIONS)
        actor = EngineActor(Consumer(LedgerEngine(), self.engine), self.client, partition, "test-0")
        await ensure_group(self.client, partition, "ledger")
        await actor._deliver(await actor._read(">", block_ms=None))
        while not actor.mailbox.empty():
            await actor.step(actor.mailbox.get_nowait())


async def started(server: PostgresServer) -> PostgresServer:
    server.spawn()
    with anyio.fail_after(60):
        while not server._is_ready():
            await anyio.sleep(0.02)
    return server


async def test_a_promoted_standby_that_lost_its_tail_rewinds_log_and_cursors_together(
    directory: Path, redis_client: redis.Redis
) -> None:
    """The primary is gone with events that were applied and published; their ghosts in the stream have no effect."""
    sockets = [directory / name for name in ("one", "two")]
    for place in sockets:
        place.mkdir()
    primary = PostgresServer(directory / "primary", sockets[0], directory / "primary.log", durable=False)
    standby = PostgresServer(directory / "standby", sockets[1], directory / "standby.log", durable=False)
    try:
        await started(primary)
        await migrate(primary.url)
        before = await Installation.on(primary.url, redis_client)
        await before.owner.execute(LEDGER)
        await before.owner.execute("call secure_engine_table('effect_ledger')")
        tenant_id = await before.tenant()
        await emit_events(before.api, tenant_id, 1, 2)
        await before.publish()
        await before.apply(tenant_id)
        await anyio.to_thread.run_sync(
            base_backup, postgres_program("pg_basebackup"), str(sockets[0]), standby.data
        )
        await emit_events(before.api, tenant_id, 3, 4)
        await before.publish()
        await before.apply(tenant_id)
        await emit_events(before.api, tenant_id, 5)
        await before.publish()
        assert await effects(before.owner, tenant_id) == [1, 2, 3, 4]
        assert primary._process is not None
        primary._process.send_signal(signal.SIGKILL)
        await before.close()

        (standby.data / "standby.signal").unlink()  # what pg_promote ends in: it takes writes from here on
        await started(standby)
        after = await Installation.on(standby.url, redis_client)
        assert await effects(after.owner, tenant_id) == [1, 2]
        await after.apply(tenant_id)
        assert await effects(after.owner, tenant_id) == [1, 2]
        await emit_events(after.api, tenant_id, 33)
        await after.publish()
        await after.apply(tenant_id)
        assert await effects(after.owner, tenant_id) == [1, 2, 33]
        numbers = await after.owner.fetch("select tenant_seq from event_outbox order by 1")
        assert [row[0] for row in numbers] == [1, 2, 3]
        await after.close()
    finally:
        for server in (primary, standby):
            server.ask_to_stop()
            server.wait_until_stopped()


@pytest.fixture
async def installation(
    database_url: str, redis_client: redis.Redis, ledger: LedgerEngine
) -> AsyncIterator[Installation]:
    opened = await Installation.on(database_url, redis_client)
    yield opened
    await opened.close()


async def test_a_database_restored_from_a_dump_goes_on_where_the_dump_was_taken(
    installation: Installation, empty_database_url: str, tmp_path: Path
) -> None:
    tenant_id = await installation.tenant()
    await emit_events(installation.api, tenant_id, 1, 2)
    await installation.publish()
    await installation.apply(tenant_id)
    dump = tmp_path / "dump"

    def run(program: str, *arguments: str | Path) -> None:
        done = subprocess.run(
            [postgres_program(program), *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    await anyio.to_thread.run_sync(run, "pg_dump", "-Fc", "-f", dump, "-d", installation.url)
    await emit_events(installation.api, tenant_id, 3)
    await installation.publish()
    await installation.apply(tenant_id)
    await anyio.to_thread.run_sync(run, "pg_restore", "-1", "-d", empty_database_url, dump)
    restored = await Installation.on(empty_database_url, installation.client)
    try:
        await restored.apply(tenant_id)
        assert await effects(restored.owner, tenant_id) == [1, 2]
        await emit_events(restored.api, tenant_id, 33)
        await restored.publish()
        await restored.apply(tenant_id)
        assert await effects(restored.owner, tenant_id) == [1, 2, 33]
    finally:
        await restored.close()


async def test_a_long_transaction_of_somebody_else_holds_neither_relay_nor_engine_up(
    installation: Installation, database_url: str
) -> None:
    """Whoever follows transaction numbers would wait for the oldest one to end."""
    tenant_id = await installation.tenant()
    other = await asyncpg.connect(database_url)
    try:
        async with other.transaction(isolation="repeatable_read"):
            await other.fetch("select pg_current_xact_id(), count(*) from event_outbox")
            await emit_events(installation.api, tenant_id, 1)
            await installation.publish()
            await installation.apply(tenant_id)
            assert await effects(installation.owner, tenant_id) == [1]
    finally:
        await other.close()


async def test_a_server_that_acknowledges_before_it_writes_is_refused(database_url: str) -> None:
    owner = await asyncpg.connect(database_url)
    name = await owner.fetchval("select quote_ident(current_database())")
    await owner.execute(f"alter database {name} set synchronous_commit = off")
    await owner.close()
    opened = await Database.open(database_url, "api", size=1)
    try:
        with pytest.raises(StartupError, match="synchronous_commit is off"):
            await check_catalogue(opened)
    finally:
        await opened.close()


async def test_on_a_full_disk_writes_wait_and_what_was_acknowledged_is_there(
    directory: Path, redis_client: redis.Redis
) -> None:
    server = Postgres(directory / "server")
    if not server.has_own_disk:
        pytest.skip("a file system of its own needs the right to mount one")
    try:
        await server.start()
        await migrate(server.url)
        parts = await Installation.on(server.url, redis_client)
        tenant_id = await parts.tenant()
        acknowledged = 0
        await anyio.to_thread.run_sync(server.fill_disk)
        with pytest.raises(RetryLaterError):
            for _ in range(10_000):
                await emit_events(parts.api, tenant_id, *range(200))
                acknowledged += 200
        server.free_disk()
        await parts.close()
        if server.server._process is not None and server.server._process.poll() is not None:
            await server.start()
        again = await Installation.on(server.url, replace(parts).client)
        there = await again.owner.fetchval("select count(*) from event_outbox")
        assert there in (acknowledged, acknowledged + 200), "the last one may have got through unheard"
        await emit_events(again.api, tenant_id, 7)
        assert await again.owner.fetchval("select max(tenant_seq) from event_outbox") == there + 1
        assert await redis_client.xlen(stream_key(partition_of(tenant_id, PARTITIONS))) == 0
        await again.close()
    finally:
        server.stop()
