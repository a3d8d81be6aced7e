"""Quantities of an order's items that are asked for piece by piece."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from runtime.errors import FieldProblem, InvalidError
from runtime.web.problems import field_refused


def take_off(
    left: dict[UUID, Decimal], item_id: UUID, quantity: Decimal, pointer: str, name: str = "order_item_id"
) -> None:
    """Take the quantity off what is left of the item; 422 when it is not there or not that much."""
    if item_id not in left:
        raise field_refused(
            f"{pointer}/{name}", "unknown", "There is no such item here.", "Não há este item aqui."
        )
    if quantity > left[item_id]:
        raise InvalidError(
            FieldProblem(
                f"{pointer}/quantity",
                "too_many",
                f"At most {left[item_id]} of this item.",
                f"No máximo {left[item_id]} deste item.",
            )
        )
    left[item_id] -= quantity
