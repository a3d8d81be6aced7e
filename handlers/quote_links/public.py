"""What a customer does with a link: look, print, accept, reject; as JSON and on a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anyio import to_thread

from handlers.link_tokens import hash_of
from handlers.orders.models import Reason
from handlers.own_transactions import transaction
from handlers.quote_links.document import QuoteDocument
from handlers.quote_links.models import PublicItemView, PublicQuoteView
from handlers.quote_links.page import HEADERS, render_page
from handlers.quote_links.reading import find_document, pdf_reply, read_document
from handlers.quotes import rules
from handlers.store_logo import find_logo, logo_reply
from runtime.data.queries import sql
from runtime.errors import StateConflictError
from runtime.web.call import Call, Reply
from runtime.web.routing import Routes

routes = Routes(tag="quotes")
pages = Routes(tag="public pages", prefix="")


@routes.get("/public/quotes/{token}", public=True, summary="A shared quote", answers=PublicQuoteView)
async def get_shared_quote(call: Call, token: str) -> Reply:
    """What the link shows. 404 for a link that is unknown, taken back or past its time."""
    document, _ = await find_document(call, call.tx, token, sql.see_quote_link)
    return Reply(_shown(document))


@routes.post(
    "/public/quotes/{token}/accept",
    public=True,
    summary="Accept a shared quote",
    answers=PublicQuoteView,
    errors=(409,),
)
async def accept_shared_quote(call: Call, token: str) -> Reply:
    """sent -> approved, by the customer. 409 in any other state."""
    return Reply(_shown(await _answer(call, token, accept=True, reason=None)))


@routes.post(
    "/public/quotes/{token}/reject",
    public=True,
    summary="Reject a shared quote",
    body=Reason,
    answers=PublicQuoteView,
    errors=(409,),
)
async def reject_shared_quote(call: Call, token: str, body: Reason) -> Reply:
    """sent -> rejected, by the customer. 409 in any other state."""
    return Reply(_shown(await _answer(call, token, accept=False, reason=body.reason)))


@routes.get(
    "/public/quotes/{token}/pdf",
    public=True,
    transaction=False,
    summary="A shared quote as PDF",
    media="application/pdf",
)
async def get_shared_pdf(call: Call, token: str) -> Reply:
    """The same PDF that the store prints."""
    return await pdf_reply(call, await read_document(call, token, sql.find_quote_link))


@pages.get(
    "/q/{token}", public=True, transaction=False, summary="The page of a shared quote", media="text/html"
)
async def show_page(call: Call, token: str) -> Reply:
    """HTML, in the store's language."""
    document = await read_document(call, token, sql.see_quote_link)
    return Reply(await to_thread.run_sync(render_page, document, f"/q/{token}"), headers=HEADERS)


@pages.get(
    "/q/{token}/pdf",
    public=True,
    transaction=False,
    summary="The PDF of a shared quote",
    media="application/pdf",
)
async def show_pdf(call: Call, token: str) -> Reply:
    """The same PDF that the store prints."""
    return await pdf_reply(call, await read_document(call, token, sql.find_quote_link))


@pages.get(
    "/q/{token}/logo",
    public=True,
    transaction=False,
    summary="The store's logo, for a shared quote",
    media="image/*",
)
async def show_logo(call: Call, token: str) -> Reply:
    """`image/png`; 404 for a store without a logo, and for a link that is unknown, taken back or past its time."""
    async with transaction(call) as tx:
        known = await tx.fetch_value(sql.find_quote_link, token_hash=hash_of(token))
        logo = None if known is None else await find_logo(tx)
    return await logo_reply(call.context.files, call.tenant.id, logo)


@pages.post("/q/{token}/accept", public=True, summary="Accept on the page", status=303)
async def accept_on_page(call: Call, token: str) -> Reply:
    """The page's button: the token in the address is what makes the form the customer's own."""
    return await _back_to_page(call, token, accept=True)


@pages.post("/q/{token}/reject", public=True, summary="Reject on the page", status=303)
async def reject_on_page(call: Call, token: str) -> Reply:
    """The page's other button."""
    return await _back_to_page(call, token, accept=False)


async def _back_to_page(call: Call, token: str, *, accept: bool) -> Reply:
    try:
        await _answer(call, token, accept=accept, reason=None)
    except StateConflictError:
        call.audited.clear()  # answered before: the page shows how
    return Reply(None, status=303, headers={"Location": f"/q/{token}"})


async def _answer(call: Call, token: str, *, accept: bool, reason: str | None) -> QuoteDocument:
    _, quote_id = await find_document(call, call.tx, token, sql.find_quote_link)
    if accept:
        written = await rules.approve(call.tx, quote_id)
    else:
        written = await rules.reject(call.tx, quote_id, reason)
    call.audit("quote.accepted_online" if accept else "quote.rejected_online", "quote", quote_id)
    return QuoteDocument.of(call.tenant, written.body)


def _shown(document: QuoteDocument) -> dict[str, object]:
    return {
        "store": document.store,
        "number": document.number,
        "status": document.status,
        "customer_name": document.customer,
        "site_name": document.site,
        "items": [_item(document, item) for item in document.items],
        "subtotal": str(document.subtotal),
        "discount_amount": str(document.discount),
        "total": str(document.total),
        "valid_until": document.valid_until.isoformat(),
        "notes": document.notes,
        "pix": document.pix,
        "allowed_actions": ["accept", "reject"] if document.can_be_answered else [],
    }


def _item(document: QuoteDocument, item: Mapping[str, Any]) -> dict[str, object]:
    line = document.availability.get(item["position"])
    return {
        **{name: item[name] for name in PublicItemView.model_fields if name in item},
        "availability": None if line is None else line.status,
        "expected_on": None if line is None or line.complete_on is None else line.complete_on.isoformat(),
    }
