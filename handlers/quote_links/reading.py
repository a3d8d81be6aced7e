"""From a link's token to the document behind it, and to its PDF."""

from __future__ import annotations

from uuid import UUID

import orjson
from anyio import CapacityLimiter, to_thread

from handlers.link_tokens import hash_of
from handlers.own_transactions import transaction
from handlers.quote_links.document import QuoteDocument
from handlers.quote_links.pdf import render_pdf
from handlers.quotes import rules
from handlers.quotes.availability import read_availability
from handlers.settings import TenantSettings
from handlers.store_logo import find_logo, read_logo
from runtime.data.queries import Query
from runtime.data.transactions import TenantTransaction
from runtime.errors import NotFoundError
from runtime.web.call import Call, Reply

EVERYTHING_HIDDEN: frozenset[str] = frozenset()
_PRINTING = CapacityLimiter(2)


async def read_document(call: Call, token: str, query: Query) -> QuoteDocument:
    """``find_document`` in a transaction of its own: what is made of the document takes long enough to give the
    connection back before."""
    async with transaction(call) as tx:
        document, _ = await find_document(call, tx, token, query)
    return document


async def find_document(
    call: Call, tx: TenantTransaction, token: str, query: Query
) -> tuple[QuoteDocument, UUID]:
    """What a link shows and its quote's id, by ``sql.find_quote_link`` or, counting the look, ``sql.see_quote_link``;
    404 for a link that is unknown, taken back or past its time."""
    quote_id = await tx.fetch_value(query, token_hash=hash_of(token))
    if quote_id is None:
        raise NotFoundError
    return await document_of(call, tx, quote_id), quote_id


async def document_of(call: Call, tx: TenantTransaction, quote_id: UUID) -> QuoteDocument:
    """A quote as its customer reads it; from when its lines can be had, if the store says so and it is still open."""
    quote = await rules.get(tx, quote_id, EVERYTHING_HIDDEN)
    logo = await find_logo(tx)
    settings: TenantSettings = call.tenant.settings
    if not settings.show_availability:
        return QuoteDocument.of(call.tenant, quote.body, logo=logo)
    content = orjson.loads(quote.body)
    if content["status"] not in ("draft", "sent", "approved"):
        return QuoteDocument.of(call.tenant, quote.body, logo=logo)
    lines = await read_availability(tx, settings, content["items"])
    return QuoteDocument.of(call.tenant, quote.body, lines, logo)


async def pdf_reply(call: Call, document: QuoteDocument) -> Reply:
    """The PDF, made in a worker thread, two at a time."""
    logo = await read_logo(call.context.files, call.tenant.id, document.logo)
    content = await to_thread.run_sync(render_pdf, document, logo, limiter=_PRINTING)
    return Reply(
        content,
        headers={
            "Content-Type": "application/pdf",
            "Content-Disposition": f'inline; filename="{document.number}.pdf"',
        },
    )
