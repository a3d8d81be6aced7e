"""The lines of a sale: what clients send, the units, prices and totals that come of it.

Pure. Amounts are rounded half up to cents:
each line, then the discount on their sum. A line stands in the unit it is sold in and in the product's own unit, which
alone counts for the stock; its price is for one of either, so that no price is ever a rounded quotient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from pydantic import Field, StrictBool

from handlers.units import Unit
from runtime.errors import FieldProblem, InvalidError, RefusedError
from runtime.web.fields import MAX_MONEY, Body, LongText, Money, Percent, Quantity, View

MAX_ITEMS = 200

# Quantity (14 digits) times price (14) times discount (5), exactly.
_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)
_CENT = Decimal("0.01")
_HUNDRED = Decimal(100)
_NOTHING = Decimal(0)


class ItemNew(Body):
    """One line, in the product's own unit unless it names another; without ``unit_price`` the price of today holds.

    ``unit_price`` is for one ``price_unit``: the line's unit unless the product's own is named. A quantity that breaks
    a pack is refused unless ``round_up`` asks for the next whole one.
    """

    product_id: UUID
    quantity: Quantity
    unit: Unit | None = None
    round_up: StrictBool = False
    unit_price: Money | None = None
    price_unit: Unit | None = None
    discount_percent: Percent = _NOTHING
    note: LongText | None = None


class ItemView(View):
    """One line with its frozen prices; ``price_source`` says where ``unit_price`` came from.

    ``stock_quantity`` is exactly ``quantity`` in the product's own unit. ``unit_price`` is for one ``price_unit``,
    which is ``unit`` or ``stock_unit``: it is that one's quantity that the line's total is computed from.
    """

    id: UUID
    position: int = Field(ge=1, le=MAX_ITEMS)
    product_id: UUID
    sku: str
    name: str
    unit: str
    quantity: Quantity
    stock_unit: str
    stock_quantity: Quantity
    base_price: Money
    base_price_unit: str
    unit_price: Money
    price_unit: str
    discount_percent: Percent
    line_total: Money
    price_source: str = Field(examples=["base", "list", "manual"])
    note: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """A line with everything resolved; ``quantity`` is in ``unit``, the product's own, and exactly what was sold.

    ``base_price`` is what the store asks this customer now, for one ``base_price_unit``.
    """

    id: UUID
    product_id: UUID
    unit: str
    quantity: Decimal
    sold_unit: str
    sold_quantity: Decimal
    base_price: Decimal
    base_price_unit: str
    unit_price: Decimal
    price_unit: str
    discount_percent: Decimal
    line_total: Decimal
    price_source: str
    note: str | None

    def at(self, price: Decimal, price_unit: str) -> Decimal:
        """The whole line at a price for one of its two units, before any discount and any rounding."""
        return _EXACT.multiply(self.quantity if price_unit == self.unit else self.sold_quantity, price)


@dataclass(frozen=True, slots=True)
class Totals:
    """``total = subtotal - discount_amount``, in BRL."""

    subtotal: Decimal
    discount_percent: Decimal
    discount_amount: Decimal
    total: Decimal


def round_half_up(amount: Decimal) -> Decimal:
    """To whole cents; half a cent goes away from zero."""
    return amount.quantize(_CENT, context=_EXACT)


def share_of(amount: Decimal, whole: Decimal, before: Decimal, more: Decimal) -> Decimal:
    """What of ``amount`` falls on ``more`` of ``whole`` when ``before`` of it has had its share already.

    The difference of two rounded amounts: whatever the parts, they add up to the amount to the cent.
    """
    return round_half_up(amount * (before + more) / whole) - round_half_up(amount * before / whole)


def rounded(amount: Fraction) -> Decimal:
    """An amount of at least nothing to whole cents, half a cent up."""
    cents, rest = divmod(amount * 100, 1)
    return Decimal(int(cents) + (rest >= Fraction(1, 2))) / 100


def line_total(quantity: Decimal, unit_price: Decimal, discount_percent: Decimal) -> Decimal:
    """quantity · unit price · (1 - discount/100), rounded half up to cents."""
    gross = _EXACT.multiply(quantity, unit_price)
    kept = _EXACT.subtract(_HUNDRED, discount_percent)
    return round_half_up(_EXACT.divide(_EXACT.multiply(gross, kept), _HUNDRED))


def total_up(line_totals: Sequence[Decimal], discount_percent: Decimal) -> Totals:
    """The sum of the lines and the overall discount on it; 422 when it is more than an amount can hold."""
    subtotal = sum(line_totals, Decimal("0.00"))
    if subtotal > MAX_MONEY:
        raise InvalidError(too_large("/items"))
    discount = round_half_up(_EXACT.divide(_EXACT.multiply(subtotal, discount_percent), _HUNDRED))
    return Totals(subtotal, discount_percent, discount, subtotal - discount)


def line_columns(lines: Sequence[Line]) -> dict[str, list[Any]]:
    """The lines as the arrays that the inserting queries unnest."""
    return {
        "item_ids": [line.id for line in lines],
        "product_ids": [line.product_id for line in lines],
        "quantities": [line.quantity for line in lines],
        "sold_units": [line.sold_unit for line in lines],
        "sold_quantities": [line.sold_quantity for line in lines],
        "base_prices": [line.base_price for line in lines],
        "base_price_units": [line.base_price_unit for line in lines],
        "unit_prices": [line.unit_price for line in lines],
        "price_units": [line.price_unit for line in lines],
        "discounts": [line.discount_percent for line in lines],
        "line_totals": [line.line_total for line in lines],
        "price_sources": [line.price_source for line in lines],
        "notes_of_items": [line.note for line in lines],
    }


def total_columns(totals: Totals) -> dict[str, Decimal]:
    """The totals as parameters of the inserting queries."""
    return {
        "subtotal": totals.subtotal,
        "discount_percent": totals.discount_percent,
        "discount_amount": totals.discount_amount,
        "total": totals.total,
    }


def too_large(pointer: str) -> FieldProblem:
    """The refusal of an amount that no column can hold."""
    return FieldProblem(
        pointer,
        "too_large",
        "The amount is more than 999,999,999,999.99.",
        "O valor passa de 999.999.999.999,99.",
    )


def unknown_reference(pointer: str, code: str, en: str, pt: str) -> RefusedError:
    """The 404 for a thing that the body refers to and the store does not have (another store's things included)."""
    english, portuguese = f"The store has no such {en}.", f"A loja não tem este registro: {pt}."
    return RefusedError(
        code, english, portuguese, 404, fields=[FieldProblem(pointer, "not_found", english, portuguese)]
    )
