"""What an order's own steps mean for its deliveries; everything else about them is ``handlers.deliveries``.

The caller holds the order's row, so that two steps of one order never make or end its deliveries side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from handlers.delivery_states import OPEN
from handlers.settings import TenantSettings
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.events.catalogue import DeliveryStatusChanged
from runtime.events.log import emit


async def open_delivery(
    tx: TenantTransaction,
    order_id: UUID,
    chosen: Sequence[tuple[UUID, Any]] | None = None,
    *,
    priority: int = 1,
    scheduled_on: Any = None,
    window_from: datetime | None = None,
    window_to: datetime | None = None,
    notes: str = "",
) -> UUID | None:
    """A delivery of the chosen (item, quantity), or of all that the order still waits for.

    None when nothing is left to deliver.
    """
    delivery_id = new_id()
    made = await tx.execute(
        sql.open_delivery,
        id=delivery_id,
        order_id=order_id,
        default_prefix=TenantSettings().delivery_prefix,
        item_ids=None if chosen is None else [item_id for item_id, _ in chosen],
        quantities=None if chosen is None else [quantity for _, quantity in chosen],
        priority=priority,
        scheduled_on=scheduled_on,
        window_from=window_from,
        window_to=window_to,
        notes=notes,
    )
    if not made:
        return None
    emit(tx, DeliveryStatusChanged(delivery_id=delivery_id, order_id=order_id, status="planned"))
    return delivery_id


async def end_deliveries(tx: TenantTransaction, order_id: UUID, status: str) -> None:
    """The order was delivered or cancelled as a whole: what is still open of its deliveries ends the same way, but for
    those that carry another order, too."""
    ended = await tx.fetch_all(
        sql.end_order_deliveries, order_id=order_id, status=status, open_states=list(OPEN)
    )
    for row in ended:
        emit(
            tx,
            DeliveryStatusChanged(
                delivery_id=row["id"],
                order_id=row["order_id"],
                route_id=row["route_id"],
                previous=row["previous"],
                status=status,
                on_time=row["on_time"],
            ),
        )
