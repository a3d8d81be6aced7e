"""A store to do business in, below HTTP: through the plain functions that the operations, the demo's loader and the
scheduler call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest

from handlers import customers, orders, products, quotes, stock
from handlers.quotes import QuoteChange
from handlers.settings import TenantSettings
from runtime.data.database import Database
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction


@dataclass
class Shop:
    """A store with one customer; every call is a transaction of its own."""

    database: Database
    owner: asyncpg.Connection
    tenant_id: UUID
    settings: TenantSettings = field(default_factory=TenantSettings)
    customer_id: UUID | None = None

    def transaction(self, now: datetime | None = None) -> AbstractAsyncContextManager[TenantTransaction]:
        return self.database.tenant(self.tenant_id, now=now)

    async def product(self, sku: str, price: str = "10.00", on_hand: str = "0", **more: Any) -> UUID:
        body = products.ProductNew(sku=sku, name=f"Product {sku}", unit="UN", base_price=price, **more)
        async with self.transaction() as tx:
            product_id = await products.create(tx, body)
        if Decimal(on_hand):
            await self.move(product_id, "receipt", on_hand)
        return product_id

    async def move(self, product_id: UUID, kind: str, quantity: str, **more: Any) -> dict[str, Any]:
        body = stock.MovementNew(product_id=product_id, kind=kind, quantity=quantity, **more)
        async with self.transaction() as tx:
            _, shown = await stock.move(tx, self.settings, body)
        return orjson.loads(shown)

    async def draft(self, *items: dict[str, Any], role: str = "owner", **more: Any) -> dict[str, Any]:
        body = quotes.QuoteNew(customer_id=self.customer_id, items=list(items), **more)
        async with self.transaction() as tx:
            return orjson.loads((await quotes.create(tx, self.settings, body, role)).body)

    async def change(self, quote_id: str, role: str = "owner", **changes: Any) -> dict[str, Any]:
        async with self.transaction() as tx:
            changed = await quotes.change(tx, self.settings, UUID(quote_id), QuoteChange(**changes), role)
        return orjson.loads(changed.body)

    async def duplicate(self, quote_id: str, role: str = "owner") -> dict[str, Any]:
        async with self.transaction() as tx:
            copy = await quotes.duplicate(tx, self.settings, sql.find_quote_content, UUID(quote_id), role)
        return orjson.loads(copy.body)

    async def order(
        self, *items: dict[str, Any], fulfilment: str = "pickup", role: str = "owner", **more: Any
    ) -> UUID:
        body = orders.OrderNew(fulfilment=fulfilment, customer_id=self.customer_id, items=list(items), **more)
        async with self.transaction() as tx:
            return (await orders.create(tx, self.settings, body, role)).id

    async def level(self, product_id: UUID) -> tuple[str, ...]:
        """On hand, reserved, available."""
        row = await self.owner.fetchrow(
            "select on_hand, reserved, available from stock_levels where tenant_id = $1 and product_id = $2",
            self.tenant_id,
            product_id,
        )
        return tuple(str(value) for value in row)

    async def payloads(self, event_type: str) -> list[dict[str, Any]]:
        rows = await self.owner.fetch(
            "select payload::text from event_outbox where tenant_id = $1 and event_type = $2 order by tenant_seq",
            self.tenant_id,
            event_type,
        )
        return [orjson.loads(row[0]) for row in rows]


def item(product_id: UUID, quantity: str = "1", **more: Any) -> dict[str, Any]:
    """A line as clients send it."""
    return {"product_id": product_id, "quantity": quantity, **more}


@pytest.fixture
async def shop(
    database: Database, owner: asyncpg.Connection, new_tenant: Callable[[], Awaitable[UUID]]
) -> Shop:
    """A store without a location yet: the first movement makes the default one."""
    made = Shop(database, owner, await new_tenant())
    async with made.transaction() as tx:
        made.customer_id = await customers.create(tx, customers.CustomerNew(kind="person", name="Maria"))
    return made
