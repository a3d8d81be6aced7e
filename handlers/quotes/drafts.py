"""Drafts: written, and changed with their former content kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from handlers.changes import CheckVersion, any_version
from handlers.line_resolution import Parts, check_customer, read_parts, resolve, wanted_of
from handlers.lines import Line, line_columns, total_columns, total_up
from handlers.orders.rules import Written
from handlers.permissions import Role
from handlers.quotes.discount_approvals import Judgement, judge, record
from handlers.quotes.models import QuoteChange, QuoteNew
from handlers.quotes.rules import get
from handlers.settings import TenantSettings
from handlers.sold_lines import present_lines, quote_item
from handlers.states import ALL_PERMISSIONS, QUOTE, allowed_on_quotes
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.errors import NotFoundError
from runtime.events.catalogue import QuoteCreated
from runtime.events.log import emit


async def create(
    tx: TenantTransaction,
    settings: TenantSettings,
    body: QuoteNew,
    by_role: str = Role.OWNER,
    permissions: frozenset[str] = ALL_PERMISSIONS,
) -> Written:
    """Write a draft with the next number.

    404 for unknown things, 422 for inactive ones. Discounts above a seller's limit wait for approval.
    """
    parts = await read_parts(tx, wanted_of(body.items), body.customer_id, body.site_id)
    check_customer(parts, body.customer_id, body.site_id)
    lines = resolve(body.items, parts)
    judgement = await judge(tx, settings, by_role, lines, body.discount_percent)
    totals = total_up([line.line_total for line in lines], body.discount_percent)
    quote_id = new_id()
    written = await tx.fetch_one(
        sql.create_quote,
        id=quote_id,
        customer_id=body.customer_id,
        site_id=body.site_id,
        prefix=settings.quote_prefix,
        validity_days=body.validity_days or settings.quote_validity_days,
        notes=body.notes,
        discount_approval=judgement.status,
        floor_percent=settings.price_floor_percent,
        allowed=allowed_on_quotes(permissions),
        **line_columns(lines),
        **total_columns(totals),
    )
    if written is None:
        raise LookupError("an insert answers its row")
    emit(
        tx,
        QuoteCreated(
            quote_id=quote_id,
            number=written["number"],
            customer_id=body.customer_id,
            total=totals.total,
            items=tuple(map(quote_item, lines)),
        ),
    )
    await record(tx, settings, quote_id, 1, body.customer_id, judgement)
    return Written(quote_id, 1, written["body"])


async def change(
    tx: TenantTransaction,
    settings: TenantSettings,
    quote_id: UUID,
    body: QuoteChange,
    by_role: str = Role.OWNER,
    permissions: frozenset[str] = ALL_PERMISSIONS,
    check_version: CheckVersion = any_version,
) -> Written:
    """Change a draft; its former content stays readable as a version. 409 in any other state.

    Items that are not replaced keep the prices they were written with; where they are below what the customer would be
    asked today, a seller that gives more discount or changes the customer is judged by that.
    """
    current = await tx.fetch_one(sql.lock_quote, id=quote_id)
    if current is None:
        raise NotFoundError
    if current["state"] not in QUOTE.sources("update"):
        raise QUOTE.conflict(current["state"], "update", permissions)
    check_version(current["version"])
    if not body.model_fields_set:
        return await get(tx, quote_id, permissions)
    wanted = {
        name: getattr(body, name) if name in body.model_fields_set else current[name]
        for name in ("customer_id", "site_id", "discount_percent", "validity_days", "notes")
    }
    new_items = body.items if "items" in body.model_fields_set else None
    lines = judged = present_lines(current["items"])
    is_for_other = bool(body.model_fields_set & {"items", "customer_id", "site_id"})
    is_discounted = "discount_percent" in body.model_fields_set
    if is_for_other or (is_discounted and by_role == Role.SELLER):
        asked = (
            [(line.product_id, line.sold_quantity, line.sold_unit) for line in lines]
            if new_items is None
            else wanted_of(new_items)
        )
        parts = await read_parts(tx, asked, wanted["customer_id"], wanted["site_id"])
        if is_for_other:
            check_customer(parts, wanted["customer_id"], wanted["site_id"])
        if new_items is not None:
            lines = judged = resolve(new_items, parts)
        else:
            judged = _at_todays_prices(lines, parts)
    approval, judgement = current["discount_approval"], Judgement(None)
    if is_for_other or is_discounted:
        judgement = await judge(
            tx, settings, by_role, judged, wanted["discount_percent"], quote_id, wanted["customer_id"]
        )
        if approval == "pending":
            await tx.execute(sql.supersede_discount_request, quote_id=quote_id)
        approval = judgement.status
    totals = total_up([line.line_total for line in lines], wanted.pop("discount_percent"))
    await tx.execute(sql.keep_quote_version, id=quote_id)
    changed = await tx.fetch_one(
        sql.change_quote,
        id=quote_id,
        discount_approval=approval,
        floor_percent=settings.price_floor_percent,
        allowed=allowed_on_quotes(permissions),
        **wanted,
        **line_columns(lines if new_items is not None else []),
        **total_columns(totals),
    )
    if changed is None:
        raise LookupError("a locked quote is there")
    await record(tx, settings, quote_id, changed["version"], wanted["customer_id"], judgement)
    return Written(quote_id, changed["version"], changed["body"])


def _at_todays_prices(lines: Sequence[Line], parts: Parts) -> list[Line]:
    """Kept lines as they are judged: by what the customer would be asked today, where that is more."""
    return [
        replace(line, base_price=asked.price, base_price_unit=asked.price_unit)
        if asked is not None
        and line.at(asked.price, asked.price_unit) > line.at(line.base_price, line.base_price_unit)
        else line
        for line, asked in zip(lines, parts.products, strict=True)
    ]
