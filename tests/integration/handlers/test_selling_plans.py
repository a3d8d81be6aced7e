"""The lists of quotes, orders and movements stay fast in a big store among others: each reads its index."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from handlers.dashboard import ENGINES
from handlers.pages import FIRST_MOMENT, LAST_ID, LAST_MOMENT
from runtime.data.database import Database
from runtime.data.queries import Query, sql

NOBODY = UUID(int=1)
NEWEST: dict[str, Any] = {"before_at": LAST_MOMENT, "before_id": LAST_ID, "limit": 51}
QUOTES: dict[str, Any] = {"allowed": "{}", **NEWEST}
NO_FILTER: dict[str, Any] = {
    "from_at": FIRST_MOMENT,
    "status": None,
    "customer_id": None,
    "q": None,
    "serial": None,
}
ANY_QUOTE: dict[str, Any] = {**NO_FILTER, "discount_approval": None}
MOVEMENTS: dict[str, Any] = {
    "from_at": FIRST_MOMENT,
    "product_id": None,
    "location_id": None,
    "order_id": None,
    "kind": None,
    "costs": True,
    **NEWEST,
}
LISTS: list[tuple[Query, str, dict[str, Any]]] = [
    (sql.get_quote, "quotes_pkey", {"id": NOBODY, "allowed": "{}"}),
    (sql.list_quotes, "quotes_newest", QUOTES),
    (sql.list_quotes, "quotes_newest", {**QUOTES, "before_at": datetime(2026, 11, 1, tzinfo=UTC)}),
    (sql.search_quotes, "quotes_by_status", {**QUOTES, **ANY_QUOTE, "status": "rejected"}),
    (sql.search_quotes, "quotes_by_customer", {**QUOTES, **ANY_QUOTE, "customer_id": NOBODY}),
    (sql.search_quotes, "quotes_awaiting_approval", {**QUOTES, **ANY_QUOTE, "discount_approval": "pending"}),
    (sql.expire_quotes, "quotes_due", {"limit": 500}),
    (sql.get_order, "orders_pkey", {"id": NOBODY, "allowed": "{}"}),
    (sql.list_orders, "orders_newest", QUOTES),
    (
        sql.search_orders,
        "orders_by_status",
        {**QUOTES, **NO_FILTER, "fulfilment": None, "status": "cancelled"},
    ),
    (sql.list_movements, "stock_movements_newest", MOVEMENTS),
    (sql.list_newest_movements, "stock_movements_newest", {**NEWEST, "costs": True}),
    (sql.list_movements, "stock_movements_by_kind", {**MOVEMENTS, "kind": "loss"}),
    (sql.list_movements, "stock_movements_of_product", {**MOVEMENTS, "product_id": NOBODY}),
    (sql.list_movements, "stock_movements_of_order", {**MOVEMENTS, "order_id": NOBODY}),
    (sql.get_dashboard, "quotes_newest", {"engines": ENGINES}),
    (sql.get_dashboard, "orders_delivered", {"engines": ENGINES}),
]


@pytest.fixture
async def big_store(store, database_url: str) -> UUID:
    """A store with 5000 quotes, orders and movements beside another of the same size."""
    other = UUID(int=7)
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(
            "insert into tenants (id, slug, name) values ($1, 'other-yard', 'Other')", other
        )
        for tenant in (store.id, other):
            for statement in _BUSINESS:
                await connection.execute(statement, tenant)
        # Without the visibility map, which autovacuum keeps in a living store, no index-only scan is worth its while.
        await connection.execute("vacuum analyze")
    finally:
        await connection.close()
    return store.id


async def test_every_list_reads_its_index(database: Database, big_store: UUID) -> None:
    others = []
    for query, index, parameters in LISTS:
        async with database.tenant(big_store) as tx:
            explained = replace(query, text=f"explain (costs off) {query.text}")
            plan = "\n".join(row[0] for row in await tx.fetch_all(explained, **parameters))
        if f"using {index}" not in plan and f"on {index}" not in plan:
            others.append(f"{query.name} without {index}:\n{plan}")
    assert not others, "\n\n".join(others)


_BUSINESS = (
    """
    insert into customers (tenant_id, id, kind, name, created_at, updated_at)
    select $1, md5('c' || i)::uuid, 'person', 'Customer ' || i, now(), now()
    from generate_series(1, 200) as i
    """,
    """
    insert into products (tenant_id, id, sku, name, unit, base_price, created_at, updated_at)
    select $1, md5('p' || i)::uuid, 'P-' || i, 'Product ' || i, 'UN', 10, now(), now()
    from generate_series(1, 200) as i
    """,
    "insert into locations (tenant_id, id, name, created_at) values ($1, md5('l')::uuid, 'Yard', now())",
    """
    insert into stock_levels (tenant_id, product_id, location_id, on_hand, created_at, updated_at)
    select $1, md5('p' || i)::uuid, md5('l')::uuid, 1000, now(), now()
    from generate_series(1, 200) as i
    """,
    """
    insert into quotes (
      tenant_id, id, serial, number, customer_id, status, subtotal, discount_amount, total, validity_days, valid_until,
      items, created_at, updated_at
    )
    select
      $1, md5('q' || i)::uuid, i, 'COT-' || i, md5('c' || 1 + i % 200)::uuid,
      (array['draft', 'sent', 'approved', 'cancelled', 'expired'])[1 + i % 5], 10, 0, 10, 7,
      now() + interval '7 days', '[]', now() - i * interval '1 hour', now()
    from generate_series(1, 5000) as i
    """,
    """
    insert into orders (
      tenant_id, id, serial, number, location_id, fulfilment, status, subtotal, discount_amount, total, items,
      created_at, updated_at, delivered_at
    )
    select
      $1, md5('o' || i)::uuid, i, 'PED-' || i, md5('l')::uuid, 'counter', 'delivered', 10, 0, 10, '[]',
      now() - i * interval '1 hour', now(), now() - i * interval '1 hour'
    from generate_series(1, 5000) as i
    """,
    """
    insert into stock_movements (
      tenant_id, id, product_id, location_id, kind, delta, on_hand_after, order_id, created_at
    )
    select
      $1, md5('m' || i)::uuid, md5('p' || 1 + i % 200)::uuid, md5('l')::uuid, 'sale', -1, 1000, md5('o' || i)::uuid,
      now() - i * interval '1 hour'
    from generate_series(1, 5000) as i
    """,
)
