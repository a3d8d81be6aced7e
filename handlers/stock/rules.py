"""Stock as a ledger: every change of on-hand is one movement, and reservations never exceed what is there."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

import orjson

from handlers.lines import Line, rounded, unknown_reference
from handlers.settings import TenantSettings
from handlers.stock.lots import LotDelta, move_lots
from handlers.stock.models import MovementNew
from handlers.stock.shortages import refuse_shortages
from handlers.units import ProductUnits
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.events.catalogue import ProductUpdated, StockUpdated
from runtime.events.log import emit
from runtime.web.fields import MAX_MONEY
from runtime.web.problems import field_refused

DEFAULT_LOCATION_NAME = "Loja"


async def ensure_default_location(tx: TenantTransaction) -> UUID:
    """The store's default location, made when there is none yet."""
    location_id: UUID | None = await tx.fetch_value(sql.find_default_location)
    if location_id is None:
        await tx.execute(sql.create_default_location, id=new_id(), name=DEFAULT_LOCATION_NAME)
        location_id = await tx.fetch_value(sql.find_default_location)
    if location_id is None:
        raise LookupError("a location that was just made is not visible")
    return location_id


async def reserve(
    tx: TenantTransaction, settings: TenantSettings, location_id: UUID, lines: Sequence[Line]
) -> None:
    """Set the lines' quantities aside, summed by product; 409 when that is more than is available."""
    rows = await tx.fetch_all(
        sql.reserve_stock,
        location_id=location_id,
        product_ids=[line.product_id for line in lines],
        quantities=[line.quantity for line in lines],
    )
    refuse_shortages(settings, rows)


async def record_taken(
    tx: TenantTransaction, settings: TenantSettings, location_id: UUID, order_id: UUID, rows: Sequence[Any]
) -> None:
    """Lots and events of what has left for an order (product, quantity, on hand after, available after, in lots); 409
    when the goods are not there, whatever was reserved."""
    refuse_shortages(settings, [(row[0], row[1], row[2] + row[1]) for row in rows if row[2] < 0])
    in_lots = [LotDelta(row[0], location_id, -row[1]) for row in rows if row[4]]
    if in_lots:
        await move_lots(tx, "sale", in_lots, order_id=order_id)
    for product_id, quantity, on_hand, available, _ in rows:
        emit(
            tx,
            StockUpdated(
                product_id=product_id,
                location_id=location_id,
                delta=-quantity,
                on_hand=on_hand,
                available=available,
                reason="sale",
            ),
        )


async def move(
    tx: TenantTransaction,
    settings: TenantSettings,
    body: MovementNew,
    *,
    purchase_order_id: UUID | None = None,
    value: Fraction | None = None,
) -> tuple[UUID, str]:
    """Book a movement by hand, or the receipt of bought goods, and return its id and JSON.

    ``value`` is what all of a receipt cost, where that is not quantity times ``unit_cost`` because the goods were
    priced in another unit; the average cost is moved by it.

    404 for a product or location the store does not have; 409 when on-hand would fall below zero. What is reserved
    does not count here: a loss has happened, whoever was promised the goods.
    """
    product = await tx.fetch_one(
        sql.lock_product_stock, product_id=body.product_id, location_id=body.location_id
    )
    if product is None:
        raise unknown_reference("/product_id", "product_not_found", "product", "produto")
    if body.location_id is not None and not product["location_exists"]:
        raise unknown_reference("/location_id", "location_not_found", "location", "local")
    if body.unit is not None:
        body, value = _in_own_unit(body, ProductUnits(product["unit"], product["unit_conversions"]))
    _check_lot(body, product["in_lots"])
    location_id = body.location_id or product["default_location_id"] or await ensure_default_location(tx)
    delta = -body.quantity if body.kind == "loss" else body.quantity
    movement_id = new_id()
    booked = await tx.fetch_one(
        sql.book_movement,
        id=movement_id,
        product_id=body.product_id,
        location_id=location_id,
        kind=body.kind,
        delta=delta,
        unit_cost=body.unit_cost,
        exact_cost=_exact_cost(body, value),
        cost=product["cost"],
        reason=body.reason or None,
    )
    if booked is None:
        raise LookupError("a booking answers its movement")
    if delta < 0 and booked["on_hand"] < 0:
        refuse_shortages(settings, [(body.product_id, -delta, booked["on_hand"] - delta)])
    available, shown = booked["available"], booked["body"]
    if product["in_lots"] or booked["in_lots"]:
        lot = LotDelta(body.product_id, location_id, delta, body.lot_code, body.expires_on)
        levels = await move_lots(tx, body.kind, [lot])
        available = levels[body.product_id, location_id]
        shown = orjson.dumps({**orjson.loads(shown), "available": str(available)}).decode()
    emit(
        tx,
        StockUpdated(
            product_id=body.product_id,
            location_id=location_id,
            delta=delta,
            on_hand=booked["on_hand"],
            available=available,
            reason=body.kind,
            purchase_order_id=purchase_order_id,
        ),
    )
    if booked["average_cost"] is not None:
        await _set_cost(tx, body.product_id, booked["average_cost"])
    return movement_id, shown


def _check_lot(body: MovementNew, in_lots: bool) -> None:
    """422 for goods that come in without their lot, and for a lot of goods that are not kept in lots."""
    if in_lots and body.lot_code is None and body.quantity > 0 and body.kind != "loss":
        raise field_refused(
            "/lot_code",
            "missing",
            "The product is kept in lots; name the lot.",
            "O produto é controlado por lote; informe o lote.",
        )
    if not in_lots and (body.lot_code is not None or body.expires_on is not None):
        raise field_refused(
            "/lot_code",
            "not_in_lots",
            "The product is not kept in lots.",
            "O produto não é controlado por lote.",
        )


def _in_own_unit(body: MovementNew, units: ProductUnits) -> tuple[MovementNew, Fraction | None]:
    """The movement in the product's own unit, and what all of it cost when that is known; 422 when it is not exact."""
    own = units.measure(body.quantity, body.unit, "stock", "").stock_quantity
    if body.unit_cost is None:
        return body.model_copy(update={"quantity": own, "unit": None}), None
    value = Fraction(body.quantity) * Fraction(body.unit_cost)
    cost = rounded(value / Fraction(own))
    if cost > MAX_MONEY:
        raise field_refused("/unit_cost", "too_large", "The cost is too large.", "O custo é grande demais.")
    return body.model_copy(update={"quantity": own, "unit": None, "unit_cost": cost}), value


def _exact_cost(body: MovementNew, value: Fraction | None) -> Decimal | None:
    """What one costs before it is rounded to cents."""
    if value is None:
        return body.unit_cost
    exact = value / Fraction(body.quantity)
    return Decimal(exact.numerator) / Decimal(exact.denominator)


async def _set_cost(tx: TenantTransaction, product_id: UUID, cost: Decimal) -> None:
    changed = await tx.fetch_one(sql.set_product_cost, product_id=product_id, cost=cost)
    if changed is not None:
        emit(tx, ProductUpdated(product_id=product_id, **dict(changed)))
