"""Fixtures for the event log: tenants without a business, and an engine whose effects can show every mistake."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import asyncpg
import pytest
import redis.asyncio as redis

from runtime.data.database import Database
from runtime.data.ids import new_id, partition_of
from runtime.data.transactions import EngineTransaction
from runtime.events.catalogue import QuoteSent, StockUpdated
from runtime.events.engine import Engine
from runtime.events.event import Event
from runtime.events.log import emit
from runtime.events.streams import open_redis
from runtime.settings import Settings

PARTITIONS = 8


class LedgerEngine(Engine):
    """Writes one row per applied event into a table without any unique constraint: duplicates would show.

    ``before_effect`` is awaited for each event first; a test makes it fail, stall or die.
    """

    name = "ledger"
    subscribes = (StockUpdated,)

    def __init__(self) -> None:
        self.before_effect: Callable[[Event], Awaitable[None]] | None = None

    async def apply(self, tx: EngineTransaction, events: Sequence[Event]) -> None:
        for event in events:
            if self.before_effect is not None:
                await self.before_effect(event)
            await tx._connection.execute(
                "insert into effect_ledger (tenant_id, tenant_seq, event_id, delta) values ($1, $2, $3, $4)",
                event.tenant_id,
                event.seq,
                event.event_id,
                event.payload.delta,
            )

    async def clear(self, tx: EngineTransaction, tenant_id: UUID) -> None:
        await tx._connection.execute("delete from effect_ledger where tenant_id = $1", tenant_id)


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection as the owner of the schema, who sees everything."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def ledger(owner: asyncpg.Connection) -> LedgerEngine:
    """The engine with its table, secured like every engine table."""
    await owner.execute(
        "create table effect_ledger (position bigint generated always as identity, tenant_id uuid not null, "
        "tenant_seq bigint not null, event_id uuid not null, delta numeric not null)"
    )
    await owner.execute("call secure_engine_table('effect_ledger')")
    return LedgerEngine()


@pytest.fixture
def deaths_are_known_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that died at an event needs no time to be sure of it."""
    monkeypatch.setattr("runtime.events.slow_start.ATTEMPT_OVER", timedelta())


@pytest.fixture
async def engine_database(settings: Settings) -> AsyncIterator[Database]:
    opened = await Database.open(settings.database_url_of("engine"), "engine", size=4)
    yield opened
    await opened.close()


@pytest.fixture
async def relay_database(settings: Settings) -> AsyncIterator[Database]:
    opened = await Database.open(settings.database_url_of("relay"), "relay", size=3)
    yield opened
    await opened.close()


@pytest.fixture
async def scheduler_database(settings: Settings) -> AsyncIterator[Database]:
    opened = await Database.open(settings.database_url_of("scheduler"), "scheduler", size=3)
    yield opened
    await opened.close()


@pytest.fixture
async def redis_client(redis_url: str) -> AsyncIterator[redis.Redis]:
    client = open_redis(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def new_tenant(owner: asyncpg.Connection) -> Callable[[], Awaitable[UUID]]:
    """Makes a tenant that has an event counter and nothing else."""

    async def make() -> UUID:
        tenant_id = new_id()
        await owner.execute(
            "insert into tenants (id, slug, name) values ($1, $2, 'A store')",
            tenant_id,
            f"t{tenant_id.hex[:30]}",
        )
        await owner.execute(
            "insert into tenant_event_head (tenant_id, partition) values ($1, $2)",
            tenant_id,
            partition_of(tenant_id, PARTITIONS),
        )
        return tenant_id

    return make


def stock_event(delta: int) -> StockUpdated:
    """An event that the ledger engine applies."""
    return StockUpdated(
        product_id=new_id(),
        location_id=new_id(),
        delta=Decimal(delta),
        on_hand=Decimal(delta),
        available=Decimal(delta),
        reason="receipt",
    )


async def emit_events(database: Database, tenant_id: UUID, *deltas: int, others: int = 0) -> None:
    """Commit one transaction with these stock events, and events the ledger engine does not subscribe to."""
    async with database.tenant(tenant_id, now=datetime.now(UTC)) as tx:
        for delta in deltas:
            emit(tx, stock_event(delta))
        for _ in range(others):
            emit(tx, QuoteSent(quote_id=new_id()))


async def effects(owner: asyncpg.Connection, tenant_id: UUID) -> list[int]:
    """The deltas that took effect, in the order they did."""
    rows = await owner.fetch(
        "select delta from effect_ledger where tenant_id = $1 order by position", tenant_id
    )
    return [int(row["delta"]) for row in rows]


async def cursor(owner: asyncpg.Connection, consumer: str, tenant_id: UUID) -> asyncpg.Record:
    """The cursor row."""
    return await owner.fetchrow(
        "select * from consumer_cursor where consumer = $1 and tenant_id = $2", consumer, tenant_id
    )
