"""Lines as they were written: read back from the JSON of a quote or an order, and told in events."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

import orjson

from handlers.lines import Line, round_half_up
from runtime.data.transactions import Record
from runtime.events.catalogue import OrderItem, QuoteItem, SoldItem


def present_lines(items: str) -> list[Line]:
    """The lines of a quote or an order, from the JSON they are shown with."""
    return [
        Line(
            id=UUID(item["id"]),
            product_id=UUID(item["product_id"]),
            unit=item["stock_unit"],
            quantity=Decimal(item["stock_quantity"]),
            sold_unit=item["unit"],
            sold_quantity=Decimal(item["quantity"]),
            base_price=Decimal(item["base_price"]),
            base_price_unit=item["base_price_unit"],
            unit_price=Decimal(item["unit_price"]),
            price_unit=item["price_unit"],
            discount_percent=Decimal(item["discount_percent"]),
            line_total=Decimal(item["line_total"]),
            price_source=item["price_source"],
            note=item["note"],
        )
        for item in orjson.loads(items)
    ]


def quote_item(line: Line) -> QuoteItem:
    """A line as a quote's creation tells it."""
    return QuoteItem(product_id=line.product_id, quantity=line.quantity, **_sold_in(line))


def order_item(line: Line) -> OrderItem:
    """A line as an order's creation tells it."""
    return OrderItem(
        product_id=line.product_id,
        quantity=line.quantity,
        unit_price=stock_unit_price(line),
        **_sold_in(line),
    )


def sold_item(line: Line) -> SoldItem:
    """A line as a sale tells it."""
    return SoldItem(
        product_id=line.product_id,
        quantity=line.quantity,
        unit_price=stock_unit_price(line),
        line_total=line.line_total,
        **_sold_in(line),
    )


def stock_unit_price(line: Line) -> Decimal:
    """The price for one of the product's own unit, before discounts; of a price for another, rounded to cents."""
    if line.price_unit == line.unit:
        return line.unit_price
    return round_half_up(line.at(line.unit_price, line.price_unit) / line.quantity)


def part_sold_in(line: Record, quantity: Decimal) -> dict[str, Any]:
    """How much of the unit that a line is sold in a part of it is, for its event; nothing where that has no end."""
    if line["sold_unit"] == line["unit"]:
        return {}
    sold = Fraction(quantity) * Fraction(line["sold_quantity"]) / Fraction(line["quantity"]) * 1000
    if sold.denominator != 1:
        return {}
    return {"sold_unit": line["sold_unit"], "sold_quantity": Decimal(int(sold)) / 1000}


def _sold_in(line: Line) -> dict[str, str | Decimal]:
    if line.sold_unit == line.unit:
        return {}
    return {"sold_unit": line.sold_unit, "sold_quantity": line.sold_quantity}
