"""Orders that leave in parts: each part's goods leave the stock, and its share of the order's total is recorded as
sold, on the day it leaves; what is left stays reserved.

The caller's transaction holds the order's row from here on, so that of two parts the later sees what the other took.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from handlers.lines import round_half_up, share_of
from handlers.settings import TenantSettings
from handlers.sold_lines import part_sold_in
from handlers.stock.rules import record_taken
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.data.transactions import Record, TenantTransaction
from runtime.events.catalogue import OrderStatusChanged, SaleRecorded, SoldItem
from runtime.events.log import emit

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order whose row is held, and its items with what has left of each."""

    id: UUID
    row: Record
    items: Sequence[Record]

    @property
    def status(self) -> str:
        """Where the order is."""
        status: str = self.row["status"]
        return status

    def rest(self) -> dict[UUID, Decimal]:
        """What has not left yet, by item."""
        left = {item["id"]: item["quantity"] - item["left_quantity"] for item in self.items}
        return {item_id: quantity for item_id, quantity in left.items() if quantity}

    def is_whole(self) -> bool:
        """Whether nothing of it has left."""
        return not any(item["left_quantity"] for item in self.items)


async def hold(tx: TenantTransaction, order_id: UUID) -> OpenOrder | None:
    """The order with its row locked; None when the store has no such order."""
    row = await tx.fetch_one(sql.lock_leaving_order, id=order_id)
    if row is None:
        return None
    return OpenOrder(order_id, row, await tx.fetch_all(sql.list_open_items, order_id=order_id))


async def take_part(
    tx: TenantTransaction,
    settings: TenantSettings,
    order: OpenOrder,
    quantities: Mapping[UUID, Decimal],
    whole: Sequence[SoldItem],
    delivery_id: UUID | None = None,
) -> bool:
    """Book what leaves (by item, never more than is left); True when that was the last of it.

    ``whole`` are the order's items as sold, in the order of their positions. 409 when on-hand would fall below zero
    and the store does not allow that. The last part makes the order delivered.
    """
    leaving = [
        (item, sold, quantities[item["id"]])
        for item, sold in zip(order.items, whole, strict=True)
        if item["id"] in quantities
    ]
    items = [
        SoldItem(
            product_id=sold.product_id,
            quantity=quantity,
            unit_price=sold.unit_price,
            line_total=_amount(item, quantity),
            **part_sold_in(item, quantity),
        )
        for item, sold, quantity in leaving
    ]
    total = _share_of_total(order, sum((item.line_total for item in items), _NOTHING))
    is_last = order.rest() == dict(quantities)
    taken = await tx.fetch_all(
        sql.take_part,
        id=new_id(),
        order_id=order.id,
        delivery_id=delivery_id,
        location_id=order.row["location_id"],
        total=total,
        is_last=is_last,
        item_ids=[item["id"] for item, _, _ in leaving],
        product_ids=[item.product_id for item in items],
        quantities=[item.quantity for item in items],
        amounts=[item.line_total for item in items],
        movement_ids=[new_id() for _ in items],
    )
    await record_taken(tx, settings, order.row["location_id"], order.id, taken)
    if is_last:
        emit(tx, OrderStatusChanged(order_id=order.id, previous=order.status, status="delivered"))
    earlier = {item["product_id"] for item in order.items if item["left_quantity"]}
    emit(
        tx,
        SaleRecorded(
            order_id=order.id,
            customer_id=order.row["customer_id"],
            items=tuple(items),
            total=total,
            earlier_product_ids=tuple(sorted(earlier)),
        ),
    )
    return is_last


def _amount(item: Record, quantity: Decimal) -> Decimal:
    """What is to be paid for ``quantity`` more of the item than has left."""
    return share_of(item["line_total"], item["quantity"], item["left_quantity"], quantity)


def _share_of_total(order: OpenOrder, amount: Decimal) -> Decimal:
    """The part's share of the order's total, its overall discount taken off, likewise."""
    subtotal, total = order.row["subtotal"], order.row["total"]
    if not subtotal:
        return _NOTHING
    before = sum(
        (
            round_half_up(item["line_total"] * item["left_quantity"] / item["quantity"])
            for item in order.items
        ),
        _NOTHING,
    )
    return share_of(total, subtotal, before, amount)
