"""Orders' goods on their way out: delivered as a whole, picked up or brought in parts, closed with the rest.

Locks are taken in the order that ``rules`` names; whoever leaves last makes the order delivered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from handlers.orders.deliveries import end_deliveries
from handlers.orders.models import HandedItem
from handlers.orders.parts import OpenOrder, hold, take_part
from handlers.orders.quantities import take_all_off
from handlers.orders.rules import Written, get, sold_items
from handlers.settings import TenantSettings
from handlers.states import ALL_PERMISSIONS, ORDER, allowed_on_orders, order_sources
from handlers.stock.rules import record_taken
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.errors import ConflictError, NotFoundError
from runtime.events.catalogue import OrderStatusChanged, SaleRecorded
from runtime.events.log import emit

_LEAVING_WHOLE = frozenset({"out_for_delivery", "ready_for_pickup"})


async def deliver(
    tx: TenantTransaction,
    settings: TenantSettings,
    order_id: UUID,
    permissions: frozenset[str] = ALL_PERMISSIONS,
) -> Written:
    """out_for_delivery or ready_for_pickup -> delivered: what has not left yet leaves and is recorded as sold.

    409 when on-hand would fall below zero and the store does not allow that.
    """
    moved = await tx.fetch_one(
        sql.deliver_order,
        id=order_id,
        sources=order_sources("deliver"),
        allowed=allowed_on_orders(permissions),
    )
    if moved is None:
        order = await _hold(tx, order_id, permissions)
        await leave(tx, settings, order, order.rest())
        return await get(tx, order_id, permissions)
    if moved["previous"] == "out_for_delivery":
        await end_deliveries(tx, order_id, "delivered")
    await record_taken(tx, settings, moved["location_id"], order_id, moved["taken"])
    emit(tx, OrderStatusChanged(order_id=order_id, previous=moved["previous"], status="delivered"))
    emit(
        tx,
        SaleRecorded(
            order_id=order_id,
            customer_id=moved["customer_id"],
            items=sold_items(moved["items"]),
            total=moved["total"],
        ),
    )
    return Written(order_id, moved["version"], moved["body"])


async def hand_over(
    tx: TenantTransaction,
    settings: TenantSettings,
    order_id: UUID,
    items: Sequence[HandedItem],
    permissions: frozenset[str] = ALL_PERMISSIONS,
) -> Written:
    """A part of an order is picked up; it is delivered when the customer has all of it.

    409 for an order that deliveries bring, 422 for more of an item than is left.
    """
    order = await _hold(tx, order_id, permissions)
    if order.row["fulfilment"] == "delivery":
        raise ConflictError(
            "leaves_by_delivery",
            "Parts of this order leave with its deliveries.",
            "As partes deste pedido saem com as suas entregas.",
        )
    rest = order.rest()
    known = {item["id"]: rest.get(item["id"], Decimal(0)) for item in order.items}
    lines = {item["id"]: item for item in order.items}
    asked = [(item.item_id, item.quantity, item.unit) for item in items]
    wanted = take_all_off(known, lines, asked, "item_id")
    whole = await leave(tx, settings, order, wanted, permissions=permissions)
    return whole or await get(tx, order_id, permissions)


async def leave(
    tx: TenantTransaction,
    settings: TenantSettings,
    order: OpenOrder,
    quantities: Mapping[UUID, Decimal],
    delivery_id: UUID | None = None,
    permissions: frozenset[str] = ALL_PERMISSIONS,
) -> Written | None:
    """What of an order's items leaves now, with a delivery or over the counter; the last of it ends the order.

    The order as it is then when it left as a whole, which has it written at once; else None.
    """
    if order.is_whole() and order.rest() == dict(quantities) and order.status in _LEAVING_WHOLE:
        return await deliver(tx, settings, order.id, permissions)
    if await take_part(tx, settings, order, quantities, sold_items(order.row["items"]), delivery_id):
        await end_deliveries(tx, order.id, "delivered")
    return None


async def _hold(tx: TenantTransaction, order_id: UUID, permissions: frozenset[str]) -> OpenOrder:
    """The order with its row held; 404, or 409 when nothing of it may be delivered now."""
    order = await hold(tx, order_id)
    if order is None:
        raise NotFoundError
    machine = ORDER[order.row["fulfilment"]]
    if "deliver" not in machine.actions or order.status not in machine.sources("deliver"):
        raise machine.conflict(order.status, "deliver", permissions)
    return order
