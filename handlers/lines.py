"""The lines of a sale: what clients send, the prices and totals that come of it, and the discount a seller may give.

Pure but for ``read_parts``, which asks the database what the lines refer to. Amounts are rounded half up to cents:
each line, then the discount on their sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any
from uuid import UUID

from pydantic import Field

from handlers.permissions import Role
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.errors import FieldProblem, InvalidError, RefusedError
from runtime.web.fields import MAX_MONEY, Body, LongText, Money, Percent, Quantity, View

MAX_ITEMS = 200

# Quantity (14 digits) times price (14) times discount (5), exactly.
_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)
_CENT = Decimal("0.01")
_HUNDRED = Decimal(100)
_NOTHING = Decimal(0)


class ItemNew(Body):
    """One line; without ``unit_price`` the product's price of today holds."""

    product_id: UUID
    quantity: Quantity
    unit_price: Money | None = None
    discount_percent: Percent = _NOTHING
    note: LongText | None = None


class ItemView(View):
    """One line with its frozen prices; ``price_source`` says where ``unit_price`` came from."""

    id: UUID
    position: int = Field(ge=1, le=MAX_ITEMS)
    product_id: UUID
    sku: str
    name: str
    unit: str
    quantity: Quantity
    base_price: Money
    unit_price: Money
    discount_percent: Percent
    line_total: Money
    price_source: str = Field(examples=["base", "list", "manual"])
    note: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """A line with everything resolved; ``base_price`` is what the store asks this customer now."""

    id: UUID
    product_id: UUID
    quantity: Decimal
    base_price: Decimal
    unit_price: Decimal
    discount_percent: Decimal
    line_total: Decimal
    price_source: str
    note: str | None


@dataclass(frozen=True, slots=True)
class Totals:
    """``total = subtotal - discount_amount``, in BRL."""

    subtotal: Decimal
    discount_percent: Decimal
    discount_amount: Decimal
    total: Decimal


@dataclass(frozen=True, slots=True)
class Asked:
    """What the store asks this customer for a product, and where that price comes from: site, customer, list, base."""

    price: Decimal
    source: str
    active: bool


@dataclass(frozen=True, slots=True)
class Parts:
    """What the database knows of the things a sale refers to; None stands for a product the store does not have."""

    products: Sequence[Asked | None]
    customer_active: bool | None
    site_customer_id: UUID | None
    location_id: UUID | None
    site_active: bool | None


def round_half_up(amount: Decimal) -> Decimal:
    """To whole cents; half a cent goes away from zero."""
    return amount.quantize(_CENT, context=_EXACT)


def line_total(quantity: Decimal, unit_price: Decimal, discount_percent: Decimal) -> Decimal:
    """quantity · unit price · (1 - discount/100), rounded half up to cents."""
    gross = _EXACT.multiply(quantity, unit_price)
    kept = _EXACT.subtract(_HUNDRED, discount_percent)
    return round_half_up(_EXACT.divide(_EXACT.multiply(gross, kept), _HUNDRED))


def total_up(line_totals: Sequence[Decimal], discount_percent: Decimal) -> Totals:
    """The sum of the lines and the overall discount on it; 422 when it is more than an amount can hold."""
    subtotal = sum(line_totals, Decimal("0.00"))
    if subtotal > MAX_MONEY:
        raise InvalidError(_too_large("/items"))
    discount = round_half_up(_EXACT.divide(_EXACT.multiply(subtotal, discount_percent), _HUNDRED))
    return Totals(subtotal, discount_percent, discount, subtotal - discount)


def given_discount(line: Line, overall_percent: Decimal) -> Decimal:
    """All that is taken off a line, in percent: its own discount, the overall one, and a price under the asked one.

    A price written above the asked one does not make room for a discount.
    """
    asking = max(line.base_price, line.unit_price)
    if asking == 0:
        return _NOTHING
    kept = _EXACT.multiply(_HUNDRED - line.discount_percent, _HUNDRED - overall_percent)
    paid = _EXACT.divide(_EXACT.multiply(kept, line.unit_price), _EXACT.multiply(_HUNDRED, asking))
    return _EXACT.subtract(_HUNDRED, paid)


def check_discount(
    role: str, limit_percent: Decimal, lines: Sequence[Line], overall_percent: Decimal
) -> None:
    """Refuse (403) a seller's discount above the store's limit; other roles have none."""
    if role != Role.SELLER:
        return
    above = [
        place for place, line in enumerate(lines) if given_discount(line, overall_percent) > limit_percent
    ]
    if above:
        raise RefusedError(
            "discount_limit",
            f"A seller may give at most {limit_percent} % discount; more takes finance or the owner.",
            f"O vendedor pode dar no máximo {limit_percent} % de desconto; acima disso, só financeiro ou dono.",
            403,
            extra={"limit_percent": str(limit_percent), "items": above},
        )


async def read_parts(
    tx: TenantTransaction,
    wanted: Sequence[tuple[UUID, Decimal]],
    customer_id: UUID | None,
    site_id: UUID | None,
) -> Parts:
    """What is known of the products and quantities (at least one), the customer, the site and the default location."""
    rows = await tx.fetch_all(
        sql.find_sale_parts,
        product_ids=[product_id for product_id, _ in wanted],
        quantities=[quantity for _, quantity in wanted],
        customer_id=customer_id,
        site_id=site_id,
    )
    return Parts(
        [
            None
            if row["base_price"] is None
            else Asked(row["base_price"], row["price_source"], row["active"])
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


def resolve(items: Sequence[ItemNew], parts: Parts) -> list[Line]:
    """The lines with their prices and totals; 404 for a product the store does not have, 422 for an inactive one."""
    problems: list[FieldProblem] = []
    lines: list[Line] = []
    for place, (item, product) in enumerate(zip(items, parts.products, strict=True)):
        if product is None:
            raise unknown_reference(f"/items/{place}/product_id", "product_not_found", "product", "produto")
        if not product.active:
            problems.append(
                FieldProblem(
                    f"/items/{place}/product_id",
                    "inactive",
                    "The product is inactive.",
                    "O produto está inativo.",
                )
            )
        unit_price = product.price if item.unit_price is None else item.unit_price
        total = line_total(item.quantity, unit_price, item.discount_percent)
        if total > MAX_MONEY:
            problems.append(_too_large(f"/items/{place}/quantity"))
        lines.append(
            Line(
                new_id(),
                item.product_id,
                item.quantity,
                product.price,
                unit_price,
                item.discount_percent,
                total,
                product.source if item.unit_price is None else "manual",
                item.note,
            )
        )
    if problems:
        raise InvalidError(*problems)
    return lines


def line_columns(lines: Sequence[Line]) -> dict[str, list[Any]]:
    """The lines as the arrays that the inserting queries unnest."""
    return {
        "item_ids": [line.id for line in lines],
        "product_ids": [line.product_id for line in lines],
        "quantities": [line.quantity for line in lines],
        "base_prices": [line.base_price for line in lines],
        "unit_prices": [line.unit_price for line in lines],
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


def _too_large(pointer: str) -> FieldProblem:
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
