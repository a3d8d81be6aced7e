"""The demo store in a real database: the books balance, and there is something of everything to look at."""

from __future__ import annotations

from datetime import UTC, datetime

import asyncpg
import pytest

from handlers import demo
from runtime.data.database import Database
from runtime.errors import ConflictError, NotFoundError
from tests.support.stores import Store

UNTIL = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)


async def test_ten_days_of_business_balance(
    database: Database, store: Store, owner: asyncpg.Connection
) -> None:
    seen: list[tuple[int, int]] = []
    summary = await demo.load(
        database,
        store.slug,
        10,
        size=1.2,
        until=UNTIL,
        progress=lambda done, total, _: seen.append((done, total)),
    )
    assert seen == [(done, 10) for done in range(11)]
    assert summary.products >= 150
    assert summary.customers == 120
    unbalanced = await owner.fetch(
        """
        select level.product_id, level.on_hand, sum(movement.delta)
        from stock_levels as level
        left join stock_movements as movement using (tenant_id, product_id, location_id)
        group by level.tenant_id, level.product_id, level.location_id, level.on_hand
        having level.on_hand <> coalesce(sum(movement.delta), 0)
        """
    )
    assert unbalanced == []
    assert await owner.fetchval("select min(on_hand_after) from stock_movements") >= 0
    assert await owner.fetchval("select min(available) from stock_levels") >= 0
    states = {row[0] for row in await owner.fetch("select distinct status from quotes")}
    assert states == {"draft", "sent", "approved", "converted", "rejected", "cancelled", "expired"}
    assert await owner.fetchval("select count(*) from quotes") == summary.quotes
    assert await owner.fetchval("select count(*) from orders") == summary.orders
    delivered = await owner.fetchval("select count(*) from orders where status = 'delivered'")
    assert delivered == summary.sales
    assert await owner.fetchval("select count(distinct fulfilment) from orders") == 3
    assert await owner.fetchval("select max(updated_at) from orders") <= UNTIL


async def test_every_sale_is_in_the_event_log(
    database: Database, store: Store, owner: asyncpg.Connection
) -> None:
    summary = await demo.load(database, store.slug, 4, size=0.3, until=UNTIL)
    recorded = "select count(*) from event_outbox where event_type = 'sale_recorded'"
    assert await owner.fetchval(recorded) == summary.sales > 0
    head = await owner.fetchval("select head from tenant_event_head where tenant_id = $1", store.id)
    assert await owner.fetchval("select count(*) from event_outbox") == head


async def test_a_store_with_orders_is_left_alone_unless_asked_again(
    database: Database, store: Store, owner: asyncpg.Connection
) -> None:
    first = await demo.load(database, store.slug, 3, size=0.2, until=UNTIL)
    with pytest.raises(ConflictError, match="--again"):
        await demo.load(database, store.slug, 3, size=0.2, until=UNTIL)
    await demo.load(database, store.slug, 3, size=0.2, until=UNTIL, again=True)
    assert await owner.fetchval("select count(*) from products") == first.products
    assert await owner.fetchval("select count(*) from customers") == first.customers
    assert await owner.fetchval("select count(*) from orders") == 2 * first.orders


async def test_an_unknown_store_is_refused(database: Database) -> None:
    with pytest.raises(NotFoundError):
        await demo.load(database, "nobody", 3)
