"""Several movements of one kind, booked at once with their events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal
from uuid import UUID

from handlers.settings import TenantSettings
from handlers.stock.lots import LotDelta, move_lots
from handlers.stock.shortages import refuse_shortages
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.events.catalogue import StockUpdated
from runtime.events.log import emit


@dataclass(frozen=True, slots=True)
class Delta:
    """By how much on-hand of a product changes at a location."""

    product_id: UUID
    location_id: UUID
    quantity: Decimal


async def book(
    tx: TenantTransaction,
    kind: Literal["return", "count", "transfer"],
    deltas: Sequence[Delta],
    *,
    reason: str | None,
    order_id: UUID | None = None,
    settings: TenantSettings | None = None,
) -> None:
    """Book the deltas and emit what became of each level.

    With ``settings`` what leaves a place must be available there, unless the store allows negative stock: 409.
    """
    levels = await tx.fetch_all(
        sql.book_deltas,
        kind=kind,
        product_ids=[delta.product_id for delta in deltas],
        location_ids=[delta.location_id for delta in deltas],
        deltas=[delta.quantity for delta in deltas],
        movement_ids=[new_id() for _ in deltas],
        reason=reason,
        order_id=order_id,
    )
    if settings is not None:
        short = [level for level in levels if level["delta"] < 0 and level["available"] < 0]
        refuse_shortages(
            settings,
            [(level["product_id"], -level["delta"], level["available"] - level["delta"]) for level in short],
        )
    kept = {level["product_id"] for level in levels if level["in_lots"]}
    in_lots = [
        LotDelta(level["product_id"], level["location_id"], level["delta"])
        for level in levels
        if level["product_id"] in kept
    ]
    available = await move_lots(tx, kind, in_lots, order_id=order_id) if in_lots else {}
    for level in levels:
        emit(
            tx,
            StockUpdated(
                product_id=level["product_id"],
                location_id=level["location_id"],
                delta=level["delta"],
                on_hand=level["on_hand"],
                available=available.get((level["product_id"], level["location_id"]), level["available"]),
                reason=kind,
            ),
        )
