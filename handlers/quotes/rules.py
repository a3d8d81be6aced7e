"""Quotes after the draft: sent, decided on, made into exactly one order, or expired by time.

Every step is one statement that carries its own guard; see ``handlers.orders.rules`` for the order of locks.
"""

from __future__ import annotations

from uuid import UUID

from handlers.orders import rules as orders
from handlers.orders.models import Fulfilment
from handlers.orders.rules import Written
from handlers.quotes.discount_approvals import not_approved
from handlers.settings import TenantSettings
from handlers.states import ALL_PERMISSIONS, QUOTE, allowed_on_orders, allowed_on_quotes
from handlers.stock.rules import ensure_default_location
from handlers.stock.shortages import refuse_shortages
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.data.transactions import Record, TenantTransaction
from runtime.errors import NotFoundError
from runtime.events.catalogue import (
    OrderCreated,
    Payload,
    QuoteApproved,
    QuoteCancelled,
    QuoteConverted,
    QuoteExpired,
    QuoteRejected,
    QuoteSent,
)
from runtime.events.log import emit

EXPIRED_AT_ONCE = 500


async def send(
    tx: TenantTransaction, quote_id: UUID, permissions: frozenset[str] = ALL_PERMISSIONS
) -> Written:
    """draft -> sent; the days of validity count from now. 409 while its discounts are not approved."""
    return await _move(tx, quote_id, "send", QuoteSent(quote_id=quote_id), permissions)


async def approve(
    tx: TenantTransaction, quote_id: UUID, permissions: frozenset[str] = ALL_PERMISSIONS
) -> Written:
    """sent -> approved."""
    return await _move(tx, quote_id, "approve", QuoteApproved(quote_id=quote_id), permissions)


async def reject(
    tx: TenantTransaction,
    quote_id: UUID,
    reason: str | None = None,
    permissions: frozenset[str] = ALL_PERMISSIONS,
) -> Written:
    """sent -> rejected."""
    return await _move(tx, quote_id, "reject", QuoteRejected(quote_id=quote_id), permissions, reason)


async def cancel(
    tx: TenantTransaction,
    quote_id: UUID,
    reason: str | None = None,
    permissions: frozenset[str] = ALL_PERMISSIONS,
) -> Written:
    """draft, sent or approved -> cancelled."""
    return await _move(tx, quote_id, "cancel", QuoteCancelled(quote_id=quote_id), permissions, reason)


async def convert(
    tx: TenantTransaction,
    settings: TenantSettings,
    quote_id: UUID,
    fulfilment: Fulfilment = Fulfilment.DELIVERY,
    permissions: frozenset[str] = ALL_PERMISSIONS,
) -> tuple[Written, bool]:
    """approved -> converted: the quote's one order, and whether this call made it.

    However often or concurrently asked, there is one order: the others get the same one. 409 in any other state (an
    approved quote past its last day counts as expired) and when the stock is short.
    """
    quote = await _reserved(tx, quote_id)
    if quote["order_id"] is not None:
        return await orders.get(tx, quote["order_id"], permissions), False
    if quote["state"] not in QUOTE.sources("convert"):
        raise QUOTE.conflict(quote["state"], "convert", permissions)
    refuse_shortages(settings, quote["short"])
    order_id = new_id()
    placed = await tx.fetch_one(
        sql.convert_quote,
        id=quote_id,
        order_id=order_id,
        location_id=quote["location_id"],
        fulfilment=fulfilment,
        status=orders.first_status(fulfilment),
        prefix=settings.order_prefix,
        allowed=allowed_on_orders(permissions),
    )
    if placed is None:
        raise LookupError("a quote that is locked and approved converts")
    emit(tx, QuoteConverted(quote_id=quote_id, order_id=order_id))
    await orders.record_placed(
        tx,
        settings,
        OrderCreated(
            order_id=order_id,
            number=placed["number"],
            quote_id=quote_id,
            customer_id=quote["customer_id"],
            fulfilment=fulfilment.value,
            total=quote["total"],
            items=orders.ordered_items(quote["items"]),
        ),
        orders.sold_items(quote["items"]),
        quote["location_id"],
    )
    return Written(order_id, 1, placed["body"]), True


async def get(
    tx: TenantTransaction, quote_id: UUID, permissions: frozenset[str] = ALL_PERMISSIONS
) -> Written:
    """A quote as it is; 404 when the store has no such quote."""
    row = await tx.fetch_one(sql.get_quote, id=quote_id, allowed=allowed_on_quotes(permissions))
    if row is None:
        raise NotFoundError
    return Written(quote_id, row["version"], row["body"])


async def expire_due(tx: TenantTransaction) -> int:
    """Expire the store's sent and approved quotes whose last day is over at ``tx.now``; returns how many.

    At most ``EXPIRED_AT_ONCE`` in one transaction: fewer than that means that none is left. Quotes that another
    transaction is working on are left for the next turn.
    """
    rows = await tx.fetch_all(sql.expire_quotes, limit=EXPIRED_AT_ONCE)
    for row in rows:
        emit(tx, QuoteExpired(quote_id=row["id"]))
    return len(rows)


async def _reserved(tx: TenantTransaction, quote_id: UUID) -> Record:
    """The locked quote, its stock set aside when it is approved."""
    quote = await tx.fetch_one(sql.reserve_quote_stock, id=quote_id)
    if quote is not None and quote["location_id"] is None:
        await ensure_default_location(tx)
        quote = await tx.fetch_one(sql.reserve_quote_stock, id=quote_id)
    if quote is None:
        raise NotFoundError
    return quote


async def _move(
    tx: TenantTransaction,
    quote_id: UUID,
    action: str,
    event: Payload,
    permissions: frozenset[str],
    reason: str | None = None,
) -> Written:
    moved = await tx.fetch_one(
        sql.move_quote,
        id=quote_id,
        target=QUOTE.actions[action].target,
        sources=QUOTE.sources(action),
        reason=reason or None,
        allowed=allowed_on_quotes(permissions),
    )
    if moved is None:
        found = await tx.fetch_one(sql.find_quote_state, id=quote_id)
        if found is None:
            raise NotFoundError
        if found["state"] in QUOTE.sources(action):
            raise not_approved(found["discount_approval"], permissions)
        raise QUOTE.conflict(found["state"], action, permissions)
    emit(tx, event)
    return Written(quote_id, moved["version"], moved["body"])
