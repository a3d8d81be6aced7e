"""From what clients ask for to lines: what the database knows of it, and the units and prices that come of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from handlers.lines import ItemNew, Line, line_total, too_large, unknown_reference
from handlers.units import ProductUnits
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.errors import FieldProblem, InvalidError
from runtime.web.fields import MAX_MONEY


@dataclass(frozen=True, slots=True)
class Asked:
    """What the store asks this customer for one ``price_unit`` of a product, and where that price comes from: site,
    customer, list, base."""

    price: Decimal
    price_unit: str
    source: str
    active: bool
    units: ProductUnits


@dataclass(frozen=True, slots=True)
class Parts:
    """What the database knows of the things a sale refers to; None stands for a product the store does not have."""

    products: Sequence[Asked | None]
    customer_active: bool | None
    site_customer_id: UUID | None
    location_id: UUID | None
    site_active: bool | None


async def read_parts(
    tx: TenantTransaction,
    wanted: Sequence[tuple[UUID, Decimal, str | None]],
    customer_id: UUID | None,
    site_id: UUID | None,
) -> Parts:
    """What is known of the products, quantities and their units (at least one; without a unit the product's own), the
    customer, the site and the default location."""
    rows = await tx.fetch_all(
        sql.find_sale_parts,
        product_ids=[product_id for product_id, _, _ in wanted],
        quantities=[quantity for _, quantity, _ in wanted],
        units=[unit for _, _, unit in wanted],
        customer_id=customer_id,
        site_id=site_id,
    )
    return Parts(
        [
            None
            if row["base_price"] is None
            else Asked(
                row["base_price"],
                row["price_unit"],
                row["price_source"],
                row["active"],
                ProductUnits(row["unit"], row["unit_conversions"], row["sale_pack"]),
            )
            for row in rows
        ],
        rows[0]["customer_active"],
        rows[0]["site_customer_id"],
        rows[0]["location_id"],
        rows[0]["site_active"],
    )


def check_customer(parts: Parts, customer_id: UUID | None, site_id: UUID | None) -> None:
    """Refuse a customer or site that the store does not have (404), is out of use, or does not fit (422)."""
    if customer_id is not None and parts.customer_active is None:
        raise unknown_reference("/customer_id", "customer_not_found", "customer", "cliente")
    if parts.customer_active is False:
        raise InvalidError(
            FieldProblem("/customer_id", "inactive", "The customer is inactive.", "O cliente está inativo.")
        )
    if site_id is None:
        return
    if parts.site_customer_id is None:
        raise unknown_reference("/site_id", "site_not_found", "site", "obra")
    if parts.site_customer_id != customer_id:
        raise InvalidError(
            FieldProblem(
                "/site_id",
                "other_customer",
                "The site belongs to another customer.",
                "A obra é de outro cliente.",
            )
        )
    if parts.site_active is False:
        raise InvalidError(
            FieldProblem("/site_id", "inactive", "The site is inactive.", "A obra está inativa.")
        )


def wanted_of(items: Sequence[ItemNew]) -> list[tuple[UUID, Decimal, str | None]]:
    """What ``read_parts`` is to find for these items."""
    return [(item.product_id, item.quantity, item.unit) for item in items]


def resolve(items: Sequence[ItemNew], parts: Parts) -> list[Line]:
    """The lines with their units, prices and totals.

    404 for a product the store does not have; 422 for an inactive one, and for a quantity or a unit that it is not
    sold in.
    """
    problems: list[FieldProblem] = []
    lines: list[Line] = []
    for place, (item, product) in enumerate(zip(items, parts.products, strict=True)):
        at = f"/items/{place}"
        if product is None:
            raise unknown_reference(f"{at}/product_id", "product_not_found", "product", "produto")
        if not product.active:
            problems.append(
                FieldProblem(
                    f"{at}/product_id",
                    "inactive",
                    "The product is inactive.",
                    "O produto está inativo.",
                )
            )
        try:
            line = _resolve_one(item, product, at)
        except InvalidError as refused:
            problems += refused.fields
            continue
        if line.line_total > MAX_MONEY:
            problems.append(too_large(f"{at}/quantity"))
        lines.append(line)
    if problems:
        raise InvalidError(*problems)
    return lines


def _resolve_one(item: ItemNew, product: Asked, at: str) -> Line:
    own = product.units.own
    measured = product.units.measure(item.quantity, item.unit, "sale", at, round_up=item.round_up)
    if item.unit_price is None:
        unit_price, price_unit, source = product.price, product.price_unit, product.source
    else:
        unit_price, price_unit, source = item.unit_price, str(item.price_unit or measured.unit), "manual"
    if price_unit not in (own, measured.unit) or (item.price_unit and item.unit_price is None):
        raise InvalidError(
            FieldProblem(
                f"{at}/price_unit",
                "not_priced",
                "A given price is for one of the line's unit or of the product's own.",
                "Um preço informado é por uma unidade da linha ou da própria unidade do produto.",
            )
        )
    priced = measured.stock_quantity if price_unit == own else measured.quantity
    return Line(
        id=new_id(),
        product_id=item.product_id,
        unit=own,
        quantity=measured.stock_quantity,
        sold_unit=measured.unit,
        sold_quantity=measured.quantity,
        base_price=product.price,
        base_price_unit=product.price_unit,
        unit_price=unit_price,
        price_unit=price_unit,
        discount_percent=item.discount_percent,
        line_total=line_total(priced, unit_price, item.discount_percent),
        price_source=source,
        note=item.note,
    )
