"""Receiving: goods of a purchase order come in, in one piece or in several."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from handlers.lines import rounded, unknown_reference
from handlers.orders.rules import Written
from handlers.purchase_orders.lines import measure_line, share
from handlers.purchase_orders.models import ReceiptNew
from handlers.purchase_orders.rules import get, lock
from handlers.settings import TenantSettings
from handlers.states import ALL_PERMISSIONS
from handlers.stock import MovementNew, move
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.data.transactions import Record, TenantTransaction
from runtime.errors import ConflictError
from runtime.events.catalogue import PurchaseItem, PurchaseOrderReceived
from runtime.events.log import emit
from runtime.web.fields import MAX_MONEY
from runtime.web.problems import field_refused


@dataclass(frozen=True, slots=True)
class _Arrival:
    """Goods that came in, in their own unit; ``value`` is what all of them cost, unrounded."""

    product_id: UUID
    quantity: Decimal
    value: Fraction
    lot_code: str | None = None
    expires_on: date | None = None

    @property
    def unit_cost(self) -> Decimal:
        """What one cost, to the cent."""
        return rounded(self.value / Fraction(self.quantity))


async def receive(
    tx: TenantTransaction,
    settings: TenantSettings,
    order_id: UUID,
    body: ReceiptNew,
    permissions: frozenset[str] = ALL_PERMISSIONS,
) -> Written:
    """sent or partially_received -> received when everything has come, else partially_received.

    The goods enter the stock at their cost, which moves the products' average cost and becomes their last one; the
    lead time is measured. 404 for a product that was not ordered, 409 for more than was ordered unless
    ``allow_excess``.
    """
    order = await lock(tx, order_id, "receive", permissions)
    lines = {
        row["product_id"]: row
        for row in await tx.fetch_all(sql.list_purchase_items, purchase_order_id=order_id)
    }
    arrivals = _arrivals(body, lines)
    if not body.allow_excess:
        _refuse_excess(arrivals, lines)
    location_id = body.location_id or order["location_id"]
    movements: dict[UUID, UUID] = {}
    # In the order of the ids, so that two receipts never wait for each other in a circle.
    for arrival in sorted(arrivals, key=lambda one: one.product_id):
        movement = MovementNew(
            product_id=arrival.product_id,
            kind="receipt",
            quantity=arrival.quantity,
            location_id=location_id,
            reason=order["number"],
            unit_cost=arrival.unit_cost,
            lot_code=arrival.lot_code,
            expires_on=arrival.expires_on,
        )
        movements[arrival.product_id], _ = await move(
            tx, settings, movement, purchase_order_id=order_id, value=arrival.value
        )
    receipt_id = new_id()
    await tx.execute(
        sql.insert_purchase_receipt,
        id=receipt_id,
        purchase_order_id=order_id,
        supplier_id=order["supplier_id"],
        location_id=location_id,
        document=body.document,
        notes=body.notes,
        sent_at=order["sent_at"],
    )
    await tx.execute(
        sql.record_received_items,
        receipt_id=receipt_id,
        purchase_order_id=order_id,
        product_ids=[arrival.product_id for arrival in arrivals],
        movement_ids=[movements[arrival.product_id] for arrival in arrivals],
        quantities=[arrival.quantity for arrival in arrivals],
        unit_costs=[arrival.unit_cost for arrival in arrivals],
    )
    arrived = {arrival.product_id: arrival.quantity for arrival in arrivals}
    complete = all(
        row["received_quantity"] + arrived.get(product_id, 0) >= row["quantity"]
        for product_id, row in lines.items()
    )
    await tx.execute(
        sql.move_purchase_order,
        id=order_id,
        status="received" if complete else "partially_received",
        reason=None,
        expected_on=None,
    )
    emit(
        tx,
        PurchaseOrderReceived(
            purchase_order_id=order_id,
            supplier_id=order["supplier_id"],
            sent_at=order["sent_at"],
            complete=complete,
            items=tuple(
                PurchaseItem(
                    product_id=arrival.product_id,
                    quantity=arrival.quantity,
                    unit_cost=arrival.unit_cost,
                    ordered=_awaited(lines[arrival.product_id], arrival.quantity),
                )
                for arrival in arrivals
            ),
        ),
    )
    return await get(tx, order_id, permissions)


def _awaited(line: Record, arrived: Decimal) -> Decimal:
    """How much of what arrived had been awaited."""
    outstanding: Decimal = line["quantity"] - line["received_quantity"]
    return max(min(outstanding, arrived), Decimal(0))


def _arrivals(body: ReceiptNew, lines: dict[UUID, Record]) -> list[_Arrival]:
    if body.items is None:
        return [
            _Arrival(product_id, awaited, share(line, awaited))
            for product_id, line in lines.items()
            if (awaited := line["quantity"] - line["received_quantity"]) > 0
        ]
    arrivals = []
    for place, item in enumerate(body.items):
        line = lines.get(item.product_id)
        if line is None:
            raise unknown_reference(f"/items/{place}/product_id", "not_ordered", "item", "item deste pedido")
        came = measure_line(line, item.quantity, item.unit, f"/items/{place}")
        if item.unit_cost is None:
            value = share(line, came.stock_quantity)
        else:
            value = Fraction(item.quantity) * Fraction(item.unit_cost)
        arrival = _Arrival(item.product_id, came.stock_quantity, value, item.lot_code, item.expires_on)
        if arrival.unit_cost > MAX_MONEY:
            raise field_refused(
                f"/items/{place}/unit_cost", "too_large", "The cost is too large.", "O custo é grande demais."
            )
        arrivals.append(arrival)
    return arrivals


def _refuse_excess(arrivals: list[_Arrival], lines: dict[UUID, Record]) -> None:
    excess = []
    for arrival in arrivals:
        line = lines[arrival.product_id]
        awaited = max(line["quantity"] - line["received_quantity"], Decimal(0))
        if arrival.quantity > awaited:
            excess.append(
                {
                    "product_id": str(arrival.product_id),
                    "received": f"{arrival.quantity:.3f}",
                    "awaited": f"{awaited:.3f}",
                }
            )
    if excess:
        raise ConflictError(
            "more_than_ordered",
            "More came in than was ordered; repeat with allow_excess if that is right.",
            "Chegou mais do que foi pedido; repita com allow_excess se estiver certo.",
            products=excess,
        )
