"""Quantities of an order's items that are asked for piece by piece."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from uuid import UUID

from handlers.units import line_units
from runtime.data.transactions import Record
from runtime.web.problems import field_refused


def take_off(
    left: dict[UUID, Decimal],
    lines: Mapping[UUID, Record],
    item_id: UUID,
    quantity: Decimal,
    unit: str | None,
    pointer: str,
    name: str = "order_item_id",
) -> Decimal:
    """Take the quantity off what is left of the item, and answer it in the product's own unit, which ``left`` is in.

    Without ``unit`` it is in the one that the line is sold in. 422 when the item is not there or not that much of it,
    for a unit that is neither of the line's two, and for what is not exact in the product's own.
    """
    if item_id not in left:
        raise field_refused(
            f"{pointer}/{name}", "unknown", "There is no such item here.", "Não há este item aqui."
        )
    line = lines[item_id]
    units = line_units(line["unit"], line["quantity"], line["sold_unit"], line["sold_quantity"])
    own = units.measure(quantity, unit or line["sold_unit"], "stock", pointer).stock_quantity
    if own > left[item_id]:
        rest = f"{left[item_id]} {line['unit']}"
        raise field_refused(
            f"{pointer}/quantity",
            "too_many",
            f"At most {rest} of this item.",
            f"No máximo {rest} deste item.",
        )
    left[item_id] -= own
    return own


def take_all_off(
    left: dict[UUID, Decimal],
    lines: Mapping[UUID, Record],
    asked: Iterable[tuple[UUID, Decimal, str | None]],
    name: str = "order_item_id",
) -> dict[UUID, Decimal]:
    """Take each (item, quantity, unit) of a body's `/items` off, and answer what is wanted of each item in all."""
    wanted: dict[UUID, Decimal] = {}
    for place, (item_id, quantity, unit) in enumerate(asked):
        taken = take_off(left, lines, item_id, quantity, unit, f"/items/{place}", name)
        wanted[item_id] = wanted.get(item_id, Decimal(0)) + taken
    return wanted
