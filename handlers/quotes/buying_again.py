"""Buying again: a new draft at today's prices from an older quote or order, and what has changed since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from handlers.lines import ItemNew
from handlers.orders.rules import Written
from handlers.permissions import Role
from handlers.quotes.drafts import create
from handlers.quotes.models import QuoteNew
from handlers.settings import TenantSettings
from handlers.states import ALL_PERMISSIONS
from handlers.units import ProductUnits, read_units
from runtime.data.queries import Query, sql
from runtime.data.transactions import TenantTransaction
from runtime.errors import FieldProblem, InvalidError, NotFoundError


async def duplicate(
    tx: TenantTransaction,
    settings: TenantSettings,
    source: Query,
    source_id: UUID,
    by_role: str = Role.OWNER,
    permissions: frozenset[str] = ALL_PERMISSIONS,
) -> Written:
    """A new draft with today's prices from a quote (``sql.find_quote_content``) or an order
    (``sql.find_order_content``); the answer says what changed (``since_then``).

    Discontinued products are left out, unless nothing else is there: 422. A unit that a product is no longer sold in
    gives way to the product's own, and what is only sold whole by now is rounded up. Discounts are taken over as far as
    the caller may give them: a seller's draft comes without those above the store's limit. A sale without a customer
    (at the counter) cannot become a quote: 422.
    """
    content = await tx.fetch_one(source, id=source_id)
    if content is None:
        raise NotFoundError
    if content["customer_id"] is None:
        raise InvalidError(
            FieldProblem(
                "/customer_id",
                "missing",
                "A sale without a customer cannot become a quote.",
                "Uma venda sem cliente não pode virar cotação.",
            )
        )
    former = orjson.loads(content["items"])
    rows = await tx.fetch_all(
        sql.find_discontinued, product_ids=list({UUID(item["product_id"]) for item in former})
    )
    discontinued = {str(row["id"]) for row in rows}
    kept = [item for item in former if item["product_id"] not in discontinued] or former
    units = await read_units(tx, {UUID(item["product_id"]) for item in kept})
    body = QuoteNew.model_validate(_copied(content, kept, units))
    if by_role == Role.SELLER:
        body = _within(body, settings.seller_discount_limit_percent)
    written = await create(tx, settings, body, by_role, permissions)
    quote = orjson.loads(written.body)
    quote["since_then"] = {
        "former_total": str(content["total"]),
        "price_changes": _changes(
            kept, quote["items"], {"unit_price": "former_price", "price_unit": "former_price_unit"}
        ),
        "quantity_changes": _changes(
            kept,
            quote["items"],
            {
                "quantity": "former_quantity",
                "unit": "former_unit",
                "stock_quantity": "former_stock_quantity",
                "stock_unit": "former_stock_unit",
            },
        ),
        "discontinued": [_named(item) for item in former if item["product_id"] in discontinued],
    }
    return replace(written, body=orjson.dumps(quote).decode())


def _copied(
    content: Mapping[str, Any], items: Sequence[Mapping[str, Any]], units: Mapping[UUID, ProductUnits]
) -> dict[str, Any]:
    return {
        "customer_id": content["customer_id"],
        "site_id": content["site_id"],
        "discount_percent": content["discount_percent"],
        "validity_days": content["validity_days"],
        "notes": content["notes"],
        "items": [
            {
                "product_id": UUID(item["product_id"]),
                **_quantity(item, units[UUID(item["product_id"])]),
                "round_up": True,
                "discount_percent": item["discount_percent"],
                "note": item["note"],
            }
            for item in items
        ],
    }


def _quantity(item: Mapping[str, Any], units: ProductUnits) -> dict[str, Any]:
    """As it was sold, else, where the product is no longer sold in that unit, as it was counted."""
    unit = item["unit"]
    if units.factor(unit) is None or not units.is_for(unit, "sale"):
        return {"quantity": item["stock_quantity"], "unit": item["stock_unit"]}
    return {"quantity": item["quantity"], "unit": unit}


def _changes(
    former: Sequence[Mapping[str, Any]], items: Sequence[Mapping[str, Any]], fields: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The lines of the draft of which one of the fields is another than it was, with what it was under the name beside
    it; position by position."""
    return [
        {
            "position": new["position"],
            **_named(new),
            **{was: old[name] for name, was in fields.items()},
            **{name: new[name] for name in fields},
        }
        for old, new in zip(former, items, strict=True)
        if any(old[name] != new[name] for name in fields)
    ]


def _named(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: item[name] for name in ("product_id", "sku", "name")}


def _within(body: QuoteNew, limit_percent: Decimal) -> QuoteNew:
    """The body without the discounts that would break the limit."""

    def kept(item: ItemNew) -> Decimal:
        return (100 - item.discount_percent) * (100 - body.discount_percent) / 100

    if all(100 - kept(item) <= limit_percent for item in body.items):
        return body
    items = [item.model_copy(update={"discount_percent": Decimal(0)}) for item in body.items]
    overall = min(body.discount_percent, limit_percent)
    return body.model_copy(update={"items": items, "discount_percent": overall})
