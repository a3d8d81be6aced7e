"""Feeding the engines: events written to the log of a tenant at a time of our choosing, applied by real consumers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from actors.sales.actor import SalesEngine
from actors.stock.actor import StockEngine
from runtime.data.database import Database
from runtime.data.ids import new_id
from runtime.events.catalogue import OrderReturned, Payload, SaleRecorded, SoldItem, StockUpdated
from runtime.events.consumer import Consumer
from runtime.events.log import emit

NOON = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
YARD = UUID(int=1)


def day(number: int) -> datetime:
    """Noon (in São Paulo, where the test stores are) of the day ``number`` days after the first."""
    return NOON + timedelta(days=number)


def sale(*items: tuple[UUID, float], price: float = 10, **about: UUID) -> SaleRecorded:
    """A sale of these products and quantities; ``about`` may name the customer."""
    lines = _lines(items, price)
    return SaleRecorded(order_id=new_id(), items=lines, total=sum(line.line_total for line in lines), **about)


def returned(*items: tuple[UUID, float], price: float = 10) -> OrderReturned:
    """These products came back."""
    return OrderReturned(order_id=new_id(), items=_lines(items, price))


def stock(
    product_id: UUID, on_hand: float, *, delta: float = 0, reason: Any = "count", location_id: UUID = YARD
) -> StockUpdated:
    """The stock of a product at a location is now this, all of it available."""
    level = Decimal(str(on_hand))
    return StockUpdated(
        product_id=product_id,
        location_id=location_id,
        delta=Decimal(str(delta)),
        on_hand=level,
        available=level,
        reason=reason,
    )


def _lines(items: tuple[tuple[UUID, float], ...], price: float) -> tuple[SoldItem, ...]:
    unit_price = Decimal(str(price))
    return tuple(
        SoldItem(
            product_id=product_id,
            quantity=Decimal(str(quantity)),
            unit_price=unit_price,
            line_total=Decimal(str(quantity)) * unit_price,
        )
        for product_id, quantity in items
    )


@dataclass(slots=True)
class Engines:
    """Both engines over one database."""

    api: Database
    engine: Database
    owner: asyncpg.Connection

    async def say(self, tenant_id: UUID, at: datetime, *payloads: Payload) -> None:
        """Write these events to the tenant's log, in one transaction of that moment."""
        async with self.api.tenant(tenant_id, now=at) as tx:
            for payload in payloads:
                emit(tx, payload)

    async def apply(self, *tenants: UUID, batch_events: int = 2_000) -> None:
        """Apply all that has been said to both engines."""
        for make in (StockEngine, SalesEngine):
            consumer = Consumer(make(), self.engine, batch_events=batch_events)
            while (await consumer.step(tenants)).behind:
                pass

    async def roll(self, tenant_id: UUID, today: datetime) -> None:
        """Have the stock engine begin this day."""
        arrived = False
        while not arrived:
            async with self.engine.engine([tenant_id]) as tx:
                arrived = await StockEngine().roll(tx, tenant_id, today.date())

    async def rows(self, table: str, tenant_id: UUID) -> list[dict[str, Any]]:
        """All of a tenant's rows in an engine table, in the order of its key."""
        found = await self.owner.fetch(f"select * from {table} where tenant_id = $1 order by 1, 2", tenant_id)
        rows = [dict(row) for row in found]
        return sorted(rows, key=lambda row: [str(value) for value in row.values()])

    async def product(self, tenant_id: UUID, product_id: UUID) -> asyncpg.Record:
        """What the stock engine knows of a product."""
        return await self.owner.fetchrow(
            "select * from engine_stock_products where tenant_id = $1 and product_id = $2",
            tenant_id,
            product_id,
        )


@pytest.fixture
def engines(
    database: Database,
    engine_database: Database,
    owner: asyncpg.Connection,
) -> Engines:
    """Both engines on this test's database."""
    return Engines(database, engine_database, owner)
