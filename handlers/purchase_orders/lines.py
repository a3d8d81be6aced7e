"""The lines of a purchase order: what is bought in which unit, at what cost, and what that is in the product's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from handlers.lines import round_half_up, unknown_reference
from handlers.purchase_orders.models import PurchaseItemNew
from handlers.suppliers.prices import quoted_in
from handlers.units import Measured, ProductUnits, line_units
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.data.transactions import Record, TenantTransaction
from runtime.errors import FieldProblem, InvalidError
from runtime.web.fields import MAX_MONEY
from runtime.web.problems import field_refused

_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)
_ONE = Decimal(1)
_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one ``unit`` costs; ``units`` of it hold ``holds`` of the product's own."""

    amount: Decimal
    unit: str
    units: Decimal = _ONE
    holds: Decimal = _ONE

    def of(self, quantity: Decimal) -> Decimal:
        """What a quantity in the product's own unit costs, rounded half up to cents, once."""
        priced = _EXACT.multiply(_EXACT.multiply(quantity, self.units), self.amount)
        return round_half_up(_EXACT.divide(priced, self.holds))


@dataclass(frozen=True, slots=True)
class Lines:
    """The items of a draft with their costs, as the arrays that the inserting query unnests."""

    columns: dict[str, list[Any]]
    total: Decimal


def measure_line(line: Record, quantity: Decimal, unit: str | None, at: str) -> Measured:
    """A quantity of a line, in the unit it is bought in or in the product's own; 422 for others and what is inexact."""
    units = line_units(line["unit"], line["quantity"], line["bought_unit"], line["bought_quantity"])
    return units.measure(quantity, unit or line["bought_unit"], "stock", at)


def share(line: Record, quantity: Decimal) -> Fraction:
    """What a quantity in the product's own unit costs at the line's cost, unrounded."""
    return (
        Fraction(quantity)
        * Fraction(line["bought_cost"])
        * Fraction(line["cost_units"])
        / Fraction(line["cost_holds"])
    )


async def resolve(
    tx: TenantTransaction,
    supplier_id: UUID,
    location_id: UUID,
    items: Sequence[PurchaseItemNew],
    today: date,
) -> Lines:
    """The items with their units, costs and totals; 404 for unknown things, 422 for what cannot be bought so."""
    parts = await tx.fetch_all(
        sql.find_purchase_parts,
        supplier_id=supplier_id,
        location_id=location_id,
        today=today,
        product_ids=[item.product_id for item in items],
    )
    if parts[0]["supplier_active"] is None:
        raise unknown_reference("/supplier_id", "supplier_not_found", "supplier", "fornecedor")
    if not parts[0]["supplier_active"]:
        raise field_refused(
            "/supplier_id", "inactive", "The supplier is inactive.", "O fornecedor está inativo."
        )
    if not parts[0]["location_exists"]:
        raise unknown_reference("/location_id", "location_not_found", "location", "local")
    problems: list[FieldProblem] = []
    written: list[tuple[PurchaseItemNew, Measured, Cost]] = []
    for place, (item, part) in enumerate(zip(items, parts, strict=True)):
        at = f"/items/{place}"
        if not part["known"]:
            raise unknown_reference(f"{at}/product_id", "product_not_found", "product", "produto")
        if not part["active"]:
            problems.append(
                FieldProblem(
                    f"{at}/product_id", "inactive", "The product is inactive.", "O produto está inativo."
                )
            )
        units = ProductUnits(part["unit"], part["unit_conversions"])
        try:
            measured = units.measure(item.quantity, item.unit, "purchase", at)
        except InvalidError as refused:
            problems += refused.fields
            continue
        cost = _cost(item, part, units, measured)
        if cost is None:
            problems.append(
                FieldProblem(
                    f"{at}/unit_cost",
                    "missing",
                    "No cost is known; give one.",
                    "Não há custo conhecido; informe.",
                )
            )
            continue
        written.append((item, measured, cost))
    totals = [cost.of(measured.stock_quantity) for _, measured, cost in written]
    if sum(totals) > MAX_MONEY:
        problems.append(
            FieldProblem("/items", "too_large", "The amount is too large.", "O valor é grande demais.")
        )
    own_costs = [cost.of(_ONE) for _, _, cost in written]
    if max(own_costs, default=_NOTHING) > MAX_MONEY:
        problems.append(
            FieldProblem("/items", "too_large", "The cost is too large.", "O custo é grande demais.")
        )
    if problems:
        raise InvalidError(*problems)
    return Lines(
        {
            "item_ids": [new_id() for _ in written],
            "product_ids": [item.product_id for item, _, _ in written],
            "quantities": [measured.stock_quantity for _, measured, _ in written],
            "unit_costs": own_costs,
            "bought_units": [measured.unit for _, measured, _ in written],
            "bought_quantities": [measured.quantity for _, measured, _ in written],
            "bought_costs": [cost.amount for _, _, cost in written],
            "cost_units": [cost.unit for _, _, cost in written],
            "cost_counts": [cost.units for _, _, cost in written],
            "cost_holds": [cost.holds for _, _, cost in written],
            "line_totals": totals,
            "notes_of_items": [item.note for item, _, _ in written],
        },
        sum(totals, _NOTHING),
    )


def _cost(item: PurchaseItemNew, part: Record, units: ProductUnits, measured: Measured) -> Cost | None:
    """The cost given, else the supplier's price of today as it was quoted, else what was paid last."""
    if item.unit_cost is not None:
        count, holds = units.ratio(measured.unit) or (_ONE, _ONE)
        return Cost(item.unit_cost, measured.unit, count, holds)
    quoted = quoted_in(part)
    if quoted is not None:
        return Cost(quoted.price, quoted.unit, quoted.units, quoted.holds)
    known = part["cost"] if part["price"] is None else part["price"]
    return None if known is None else Cost(known, units.own)
