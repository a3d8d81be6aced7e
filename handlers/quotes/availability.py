"""From when each line of a quote can be had: out of the stock now, of what has been ordered, or of what would be.

Nothing is reserved by asking: what is shown is what a conversion would find at this moment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from handlers.settings import TenantSettings
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction

_NOTHING = Decimal(0)


class Supply(StrEnum):
    """Where what is missing comes from."""

    STOCK = "stock"
    PURCHASE_ORDER = "purchase_order"
    LEAD_TIME = "lead_time"


@dataclass(frozen=True, slots=True)
class Goods:
    """What can be had of a product, in its own unit: ``available`` now (negative when more is promised than there is),
    ``incoming`` by day, the earliest first, and on ``bought_on`` as much as anybody wants."""

    available: Decimal
    incoming: Sequence[tuple[date, Decimal]]
    bought_on: date


@dataclass(frozen=True, slots=True)
class Availability:
    """Of a line: how much of it is there now, in the product's own unit; the day on which it is whole (None: now)."""

    position: int
    now: Decimal
    complete_on: date | None
    supply: Supply

    @property
    def status(self) -> str:
        """``available``, ``partly`` or ``expected``."""
        if self.complete_on is None:
            return "available"
        return "partly" if self.now else "expected"

    def shown(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "position": self.position,
            "status": self.status,
            "available_quantity": f"{self.now:.3f}",
            "expected_on": None if self.complete_on is None else self.complete_on.isoformat(),
            "supply": self.supply.value,
        }


def promise(items: Sequence[Mapping[str, Any]], goods: Mapping[str, Goods]) -> list[Availability]:
    """From when each line can be had. Lines of one product share what is there, the first ones first."""
    taken: dict[str, Decimal] = {}
    promised = []
    for item in items:
        product, quantity = item["product_id"], Decimal(item["stock_quantity"])
        before = taken.get(product, _NOTHING)
        taken[product] = before + quantity
        known = goods[product]
        now = min(quantity, max(_NOTHING, known.available - before))
        complete_on, supply = _whole(known, taken[product])
        promised.append(Availability(item["position"], now, complete_on, supply))
    return promised


def _whole(goods: Goods, quantity: Decimal) -> tuple[date | None, Supply]:
    missing = quantity - goods.available
    if missing <= 0:
        return None, Supply.STOCK
    for day, arriving in goods.incoming:
        missing -= arriving
        if missing <= 0:
            return day, Supply.PURCHASE_ORDER
    latest = max((day for day, _ in goods.incoming), default=goods.bought_on)
    return max(latest, goods.bought_on), Supply.LEAD_TIME


async def read_availability(
    tx: TenantTransaction, settings: TenantSettings, items: Sequence[Mapping[str, Any]]
) -> list[Availability]:
    """The availability of a quote's lines, one query; empty while the store has no location to sell from."""
    rows = await tx.fetch_all(
        sql.find_availability,
        product_ids=[UUID(product) for product in dict.fromkeys(item["product_id"] for item in items)],
        default_lead_time_days=settings.default_lead_time_days,
    )
    goods = {
        str(row["product_id"]): Goods(
            row["available"], [(day, quantity) for day, quantity in row["incoming"]], row["bought_on"]
        )
        for row in rows
    }
    return promise(items, goods) if goods else []
