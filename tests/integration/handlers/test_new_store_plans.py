"""Statements keep the shape they need even when they are planned while a store is new: the plan is kept for long."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from handlers.lines import line_columns
from runtime.data.database import Database
from runtime.data.queries import Query, sql

NOBODY = UUID(int=1)
NEW_QUOTE: dict[str, Any] = {
    "id": NOBODY, "customer_id": NOBODY, "site_id": None, "prefix": "COT-", "validity_days": 7, "notes": "",
    "discount_approval": None, "floor_percent": 0, "allowed": "{}", "subtotal": 0, "discount_percent": 0,
    "discount_amount": 0, "total": 0, **line_columns([]),
}  # fmt: skip


async def plan_of(database: Database, store: UUID, query: Query, **parameters: Any) -> str:
    explained = replace(query, text=f"explain (costs off) {query.text}")
    async with database.tenant(store) as tx:
        return "\n".join(row[0] for row in await tx.fetch_all(explained, **parameters))


async def test_settling_deliveries_looks_at_each_and_joins_none(store, database: Database) -> None:
    plan = await plan_of(
        database,
        store.id,
        sql.end_order_deliveries,
        order_id=NOBODY,
        status="delivered",
        open_states=["planned"],
    )
    assert "Anti Join" not in plan
    assert "SubPlan" in plan


async def test_the_check_against_cost_is_part_of_the_statement_that_writes_a_quote(
    store, database: Database
) -> None:
    plan = await plan_of(database, store.id, sql.create_quote, **NEW_QUOTE)
    assert "json_to_recordset" in plan
    assert "floor_breaches" not in plan
