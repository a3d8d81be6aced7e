"""Quotes over HTTP."""

from __future__ import annotations

from uuid import UUID

import orjson

from handlers.orders.models import OrderView, Reason
from handlers.orders.rules import Written
from handlers.pages import bounds, newest_key, serial_of
from handlers.quotes import drafts, rules
from handlers.quotes.availability import read_availability
from handlers.quotes.buying_again import duplicate
from handlers.quotes.models import (
    ConvertNew,
    CopyView,
    QuoteChange,
    QuoteList,
    QuoteNew,
    QuoteQuery,
    QuoteView,
)
from handlers.states import allowed_on_quotes
from runtime.data.queries import sql
from runtime.web.pagination import Page, page_reply
from runtime.web.routing import Call, Reply, Routes

routes = Routes(tag="quotes")


@routes.get(
    "/quotes", may="quotes:read", stale=True, summary="List quotes", query=QuoteList, answers=Page[QuoteView]
)
async def list_quotes(call: Call[QuoteList]) -> Reply:
    """Newest first, each with its items."""
    query = call.query
    allowed = allowed_on_quotes(call.identity.permissions)
    window = bounds(call)
    filters = query.model_dump(include={"status", "customer_id", "discount_approval"}) | {
        "q": query.q or None
    }
    if query.created_from is None and not any(filters.values()):
        window.pop("from_at")
        rows = await call.tx.fetch_all(sql.list_quotes, allowed=allowed, **window)
    else:
        rows = await call.tx.fetch_all(
            sql.search_quotes, allowed=allowed, serial=serial_of(query.q), **filters, **window
        )
    return page_reply(call, rows, query.limit, newest_key)


@routes.post(
    "/quotes",
    may="quotes:create",
    summary="Write a quote",
    body=QuoteNew,
    answers=QuoteView,
    status=201,
    errors=(404,),
)
async def create_quote(call: Call, body: QuoteNew) -> Reply:
    """A draft. An item without `unit_price` takes the product's price of today and keeps it. With discounts above what
    a seller may give, a seller's draft waits for approval (`discount_approval`) and cannot be sent before."""
    quote = await drafts.create(
        call.tx, call.tenant.settings, body, call.identity.role, call.identity.permissions
    )
    return _done(call, "quote.created", quote)


@routes.get(
    "/quotes/{quote_id}", may="quotes:read", summary="Show a quote", query=QuoteQuery, answers=QuoteView
)
async def get_quote(call: Call[QuoteQuery], quote_id: UUID) -> Reply:
    """One quote, with its version as ETag; with `include=availability`, which changes by itself, without."""
    quote = await rules.get(call.tx, quote_id, call.identity.permissions)
    if call.query.include is None:
        return Reply(quote.body, version=quote.version)
    content = orjson.loads(quote.body)
    lines = await read_availability(call.tx, call.tenant.settings, content["items"])
    return Reply({**content, "availability": [line.shown() for line in lines]})


@routes.patch(
    "/quotes/{quote_id}",
    may="quotes:update",
    summary="Change a draft",
    body=QuoteChange,
    answers=QuoteView,
    errors=(404, 409, 412),
)
async def change_quote(call: Call, quote_id: UUID, body: QuoteChange) -> Reply:
    """Only a draft can be changed; what it said before stays readable among its versions."""
    quote = await drafts.change(
        call.tx,
        call.tenant.settings,
        quote_id,
        body,
        call.identity.role,
        call.identity.permissions,
        call.if_match,
    )
    return _done(call, "quote.updated", quote, {"changed": sorted(body.model_fields_set)})


@routes.post(
    "/quotes/{quote_id}/send",
    may="quotes:send",
    summary="Send a quote",
    answers=QuoteView,
    errors=(404, 409),
)
async def send_quote(call: Call, quote_id: UUID) -> Reply:
    """draft → sent; the days of validity count from now. 409 `discount_not_approved` while its discounts wait for
    approval, or were denied."""
    quote = await rules.send(call.tx, quote_id, call.identity.permissions)
    return _done(call, "quote.sent", quote)


@routes.post(
    "/quotes/{quote_id}/approve",
    may="quotes:approve",
    summary="Approve a quote",
    answers=QuoteView,
    errors=(404, 409),
)
async def approve_quote(call: Call, quote_id: UUID) -> Reply:
    """sent → approved."""
    quote = await rules.approve(call.tx, quote_id, call.identity.permissions)
    return _done(call, "quote.approved", quote)


@routes.post(
    "/quotes/{quote_id}/reject",
    may="quotes:reject",
    summary="Reject a quote",
    body=Reason,
    answers=QuoteView,
    errors=(404, 409),
)
async def reject_quote(call: Call, quote_id: UUID, body: Reason) -> Reply:
    """sent → rejected."""
    quote = await rules.reject(call.tx, quote_id, body.reason, call.identity.permissions)
    return _done(call, "quote.rejected", quote)


@routes.post(
    "/quotes/{quote_id}/cancel",
    may="quotes:cancel",
    summary="Cancel a quote",
    body=Reason,
    answers=QuoteView,
    errors=(404, 409),
)
async def cancel_quote(call: Call, quote_id: UUID, body: Reason) -> Reply:
    """draft, sent or approved → cancelled."""
    quote = await rules.cancel(call.tx, quote_id, body.reason, call.identity.permissions)
    return _done(call, "quote.cancelled", quote)


@routes.post(
    "/quotes/{quote_id}/convert",
    may="quotes:convert",
    summary="Make the order of an approved quote",
    body=ConvertNew,
    answers=OrderView,
    status=201,
    errors=(404, 409),
)
async def convert_quote(call: Call, quote_id: UUID, body: ConvertNew) -> Reply:
    """201 with the order the first time, 200 with the same order ever after, however many ask at once."""
    order, made = await rules.convert(
        call.tx, call.tenant.settings, quote_id, body.fulfilment, call.identity.permissions
    )
    if made:
        call.audit("quote.converted", "quote", quote_id, after={"order_id": str(order.id)})
    return Reply(order.body, status=201 if made else 200, version=order.version)


@routes.post(
    "/quotes/{quote_id}/duplicate",
    may="quotes:create",
    summary="Make a new draft from a quote",
    answers=CopyView,
    status=201,
    errors=(404,),
)
async def duplicate_quote(call: Call, quote_id: UUID) -> Reply:
    """The same customer and items with today's prices, from a quote in any state; `since_then` says what changed."""
    quote = await duplicate(
        call.tx,
        call.tenant.settings,
        sql.find_quote_content,
        quote_id,
        call.identity.role,
        call.identity.permissions,
    )
    return _done(call, "quote.created", quote, {"from_quote": str(quote_id)})


@routes.post(
    "/orders/{order_id}/duplicate",
    may="quotes:create",
    summary="Make a new draft quote from an order",
    answers=CopyView,
    status=201,
    errors=(404,),
)
async def duplicate_order(call: Call, order_id: UUID) -> Reply:
    """Buying again: the same customer and items with today's prices, from an order in any state. `since_then` says
    what changed: prices and quantities then and now, and the products that are no longer sold, which are left out."""
    quote = await duplicate(
        call.tx,
        call.tenant.settings,
        sql.find_order_content,
        order_id,
        call.identity.role,
        call.identity.permissions,
    )
    return _done(call, "quote.created", quote, {"from_order": str(order_id)})


def _done(call: Call, action: str, quote: Written, after: object = None) -> Reply:
    call.audit(action, "quote", quote.id, after=after)
    return Reply(quote.body, version=quote.version)
