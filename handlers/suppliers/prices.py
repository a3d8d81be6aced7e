"""A supplier's prices: registered, kept for ever, and compared with what counts on a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from handlers.lines import round_half_up, unknown_reference
from handlers.suppliers.models import PriceNew
from handlers.units import ProductUnits, read_units
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.errors import FieldProblem, InvalidError
from runtime.events.catalogue import SupplierPriceRegistered
from runtime.events.log import emit
from runtime.web.fields import MAX_MONEY
from runtime.web.problems import field_refused


@dataclass(frozen=True, slots=True)
class Quoted:
    """A price asked for another unit than the product's own: ``units`` of it hold ``holds`` of that."""

    unit: str
    price: Decimal
    units: Decimal
    holds: Decimal


@dataclass(frozen=True, slots=True)
class Terms:
    """What a supplier asks for a product; two prices with the same terms are the same price.

    ``price`` and ``minimum_quantity`` are for the product's own unit, the price rounded to cents when it was quoted for
    another.
    """

    price: Decimal
    minimum_quantity: Decimal
    payment_days: int | None
    lead_time_days: int | None
    valid_to: date | None
    quoted: Quoted | None = None


@dataclass(frozen=True, slots=True)
class Registration:
    """Terms for a product from a day on."""

    product_id: UUID
    valid_from: date
    terms: Terms


def local_day(moment: datetime, time_zone: str) -> date:
    """The day it is in the store at this moment."""
    return moment.astimezone(ZoneInfo(time_zone)).date()


async def register(
    tx: TenantTransaction, supplier_id: UUID, body: PriceNew, time_zone: str = "America/Sao_Paulo"
) -> UUID:
    """Register a price and return its id; 404 for a product the store does not have, 422 when it ends before it
    begins or is for a unit that the product is not bought in."""
    units = (await read_units(tx, [body.product_id])).get(body.product_id)
    if units is None:
        raise unknown_reference("/product_id", "product_not_found", "product", "produto")
    valid_from = body.valid_from or local_day(tx.now, time_zone)
    if body.valid_to is not None and body.valid_to < valid_from:
        raise InvalidError(
            FieldProblem(
                "/valid_to",
                "too_early",
                "The price ends before it begins.",
                "O preço termina antes de começar.",
            )
        )
    price, minimum, quoted = in_own_unit(units, body.price, body.minimum_quantity, body.unit)
    terms = Terms(price, minimum, body.payment_days, body.lead_time_days, body.valid_to, quoted)
    [price_id] = await add(tx, supplier_id, [Registration(body.product_id, valid_from, terms)], "manual")
    return price_id


def in_own_unit(
    units: ProductUnits, price: Decimal, minimum: Decimal, unit: str | None
) -> tuple[Decimal, Decimal, Quoted | None]:
    """The price and the minimum for the product's own unit, and the price as quoted when that was for another.

    422 for a unit that the product is not bought in, and for a minimum that is not exact in its own.
    """
    one = replace(units, purchase_pack=None)
    least = one.measure(minimum, unit, "purchase", "", field="minimum_quantity").stock_quantity
    ratio = None if unit is None or unit == units.own else units.ratio(unit)
    if unit is None or ratio is None:
        return price, least, None
    count, holds = ratio
    own = round_half_up(price * count / holds)
    if own > MAX_MONEY:
        raise field_refused("/price", "too_large", "The price is too large.", "O preço é grande demais.")
    return own, least, Quoted(unit, price, count, holds)


async def add(
    tx: TenantTransaction,
    supplier_id: UUID,
    registrations: Sequence[Registration],
    source: Literal["manual", "import"],
) -> list[UUID]:
    """Write these prices with their events; returns their ids in order."""
    ids = [new_id() for _ in registrations]
    await tx.execute(
        sql.insert_supplier_prices,
        ids=ids,
        supplier_id=supplier_id,
        source=source,
        product_ids=[one.product_id for one in registrations],
        prices=[one.terms.price for one in registrations],
        minimums=[one.terms.minimum_quantity for one in registrations],
        payment_days=[one.terms.payment_days for one in registrations],
        lead_times=[one.terms.lead_time_days for one in registrations],
        valid_from=[one.valid_from for one in registrations],
        valid_to=[one.terms.valid_to for one in registrations],
        quoted_units=[one.terms.quoted and one.terms.quoted.unit for one in registrations],
        quoted_prices=[one.terms.quoted and one.terms.quoted.price for one in registrations],
        quoted_counts=[one.terms.quoted and one.terms.quoted.units for one in registrations],
        quoted_holds=[one.terms.quoted and one.terms.quoted.holds for one in registrations],
    )
    for one in registrations:
        emit(
            tx,
            SupplierPriceRegistered(
                supplier_id=supplier_id,
                product_id=one.product_id,
                price=one.terms.price,
                minimum_quantity=one.terms.minimum_quantity,
                payment_days=one.terms.payment_days,
                lead_time_days=one.terms.lead_time_days,
                valid_from=one.valid_from,
                valid_to=one.terms.valid_to,
                quoted_unit=one.terms.quoted and one.terms.quoted.unit,
                quoted_price=one.terms.quoted and one.terms.quoted.price,
            ),
        )
    return ids


async def current_terms(
    tx: TenantTransaction, supplier_id: UUID, wanted: Sequence[tuple[UUID, date]]
) -> dict[UUID, Terms]:
    """The supplier's terms for each product on the day given with it; products without a price are left out."""
    rows = await tx.fetch_all(
        sql.find_supplier_prices,
        supplier_id=supplier_id,
        product_ids=[product_id for product_id, _ in wanted],
        days=[day for _, day in wanted],
    )
    return {row["product_id"]: _terms(row) for row in rows}


def _terms(row: Any) -> Terms:
    return Terms(
        row["price"],
        row["minimum_quantity"],
        row["payment_days"],
        row["lead_time_days"],
        row["valid_to"],
        quoted_in(row),
    )


def quoted_in(row: Any) -> Quoted | None:
    """The price as it was quoted, of a row with these columns; None for one that was for the product's own unit."""
    if row["quoted_unit"] is None:
        return None
    return Quoted(row["quoted_unit"], row["quoted_price"], row["quoted_units"], row["quoted_holds"])
