"""Sharing a quote, and what its customer does with the link."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from urllib.parse import quote as url_quote
from uuid import UUID

from anyio import to_thread
from pydantic import Field

from handlers.orders.models import Reason
from handlers.quote_links.document import QuoteDocument
from handlers.quote_links.page import HEADERS, render_page
from handlers.quote_links.pdf import render_pdf
from handlers.quotes import rules
from runtime.data.ids import new_id
from runtime.data.queries import Query, sql
from runtime.errors import NotFoundError, StateConflictError
from runtime.web.call import Call, Reply
from runtime.web.fields import Body, Money, View
from runtime.web.pagination import ListQuery, Page, page_reply
from runtime.web.routing import Routes

routes = Routes(tag="quotes")
pages = Routes(tag="public pages", prefix="")

TOKEN_BYTES = 24
EVERYTHING_HIDDEN: frozenset[str] = frozenset()


class ShareNew(Body):
    """How long the link is good."""

    days: int = Field(30, ge=1, le=180)


class ShareView(View):
    """A new link; the token is shown this once and cannot be had again."""

    id: UUID
    url: str
    token: str
    expires_at: datetime
    whatsapp_text: str
    whatsapp_url: str


class LinkView(View):
    """A link that was made, and whether its customer has looked."""

    id: UUID
    created_by: UUID | None
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    first_seen_at: datetime | None
    last_seen_at: datetime | None
    views: int


class PublicItemView(View):
    """An item as the customer sees it."""

    name: str
    unit: str
    quantity: str
    unit_price: Money
    discount_percent: str
    line_total: Money


class PublicQuoteView(View):
    """A quote as its customer sees it; ``pix`` is the text of a PIX payment."""

    store: str
    number: str
    status: str
    customer_name: str
    site_name: str | None
    items: list[PublicItemView]
    subtotal: Money
    discount_amount: Money
    total: Money
    valid_until: datetime
    notes: str
    pix: str | None
    allowed_actions: list[str]


@routes.post(
    "/quotes/{quote_id}/share",
    may="quotes:send",
    summary="Make a public link",
    body=ShareNew,
    answers=ShareView,
    status=201,
    errors=(409,),
)
async def share_quote(call: Call, quote_id: UUID, body: ShareNew) -> Reply:
    """A link to look at and answer the quote without signing in, and a text to send by WhatsApp.

    A draft is not shared: 409 until it is sent.
    """
    quote = await rules.get(call.tx, quote_id)
    document = QuoteDocument.of(call.tenant, quote.body)
    if document.status == "draft":
        raise StateConflictError("draft", "share", ["update", "send", "cancel"])
    token, link_id = secrets.token_hex(TOKEN_BYTES), new_id()
    expires_at = call.tx.now + timedelta(days=body.days)
    await call.tx.execute(
        sql.create_quote_link, id=link_id, quote_id=quote_id, token_hash=_hash(token), expires_at=expires_at
    )
    call.audit("quote.shared", "quote", quote_id, after={"link": str(link_id)})
    url = f"{call.request.scheme}://{call.request.host}/q/{token}"
    text = document.message(url)
    phone = "".join(filter(str.isdigit, await call.tx.fetch_value(sql.find_quote_phone, id=quote_id) or ""))
    return Reply(
        {
            "id": str(link_id),
            "url": url,
            "token": token,
            "expires_at": expires_at.isoformat(),
            "whatsapp_text": text,
            "whatsapp_url": f"https://wa.me/{_with_country(phone)}?text={url_quote(text)}",
        }
    )


@routes.get(
    "/quotes/{quote_id}/links",
    may="quotes:read",
    summary="The quote's public links",
    query=ListQuery,
    answers=Page[LinkView],
)
async def list_quote_links(call: Call[ListQuery], quote_id: UUID) -> Reply:
    """The newest first, with when each was looked at; never the tokens."""
    await rules.get(call.tx, quote_id)
    after = call.cursor()
    rows = await call.tx.fetch_all(
        sql.list_quote_links,
        quote_id=quote_id,
        after=UUID(after[0]) if after else None,
        limit=call.query.limit + 1,
    )
    return page_reply(call, rows, call.query.limit, key=lambda row: [row["id"]])


@routes.post(
    "/quotes/{quote_id}/unshare", may="quotes:send", summary="Take all links back", status=204, answers=None
)
async def unshare_quote(call: Call, quote_id: UUID) -> Reply:
    """Every link of the quote stops working at once."""
    await rules.get(call.tx, quote_id)
    await call.tx.execute(sql.revoke_quote_links, quote_id=quote_id)
    call.audit("quote.unshared", "quote", quote_id)
    return Reply(None, status=204)


@routes.get("/quotes/{quote_id}/pdf", may="quotes:read", summary="The quote as PDF", media="application/pdf")
async def get_quote_pdf(call: Call, quote_id: UUID) -> Reply:
    """`application/pdf`, with a PIX QR code when the store has a PIX key."""
    quote = await rules.get(call.tx, quote_id)
    return await _pdf(QuoteDocument.of(call.tenant, quote.body))


@routes.get("/public/quotes/{token}", public=True, summary="A shared quote", answers=PublicQuoteView)
async def get_shared_quote(call: Call, token: str) -> Reply:
    """What the link shows. 404 for a link that is unknown, taken back or past its time."""
    document, _ = await _document(call, token, sql.see_quote_link)
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
    "/public/quotes/{token}/pdf", public=True, summary="A shared quote as PDF", media="application/pdf"
)
async def get_shared_pdf(call: Call, token: str) -> Reply:
    """The same PDF that the store prints."""
    document, _ = await _document(call, token, sql.find_quote_link)
    return await _pdf(document)


@pages.get("/q/{token}", public=True, summary="The page of a shared quote", media="text/html")
async def show_page(call: Call, token: str) -> Reply:
    """HTML, in the store's language."""
    document, _ = await _document(call, token, sql.see_quote_link)
    return Reply(render_page(document, f"/q/{token}"), headers=HEADERS)


@pages.get("/q/{token}/pdf", public=True, summary="The PDF of a shared quote", media="application/pdf")
async def show_pdf(call: Call, token: str) -> Reply:
    """The same PDF that the store prints."""
    document, _ = await _document(call, token, sql.find_quote_link)
    return await _pdf(document)


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
    _, quote_id = await _document(call, token, sql.find_quote_link)
    if accept:
        written = await rules.approve(call.tx, quote_id)
    else:
        written = await rules.reject(call.tx, quote_id, reason)
    call.audit("quote.accepted_online" if accept else "quote.rejected_online", "quote", quote_id)
    return QuoteDocument.of(call.tenant, written.body)


async def _document(call: Call, token: str, query: Query) -> tuple[QuoteDocument, UUID]:
    quote_id = await call.tx.fetch_value(query, token_hash=_hash(token))
    if quote_id is None:
        raise NotFoundError
    quote = await rules.get(call.tx, quote_id, EVERYTHING_HIDDEN)
    return QuoteDocument.of(call.tenant, quote.body), quote_id


def _shown(document: QuoteDocument) -> dict[str, object]:
    return {
        "store": document.store,
        "number": document.number,
        "status": document.status,
        "customer_name": document.customer,
        "site_name": document.site,
        "items": [{name: item[name] for name in PublicItemView.model_fields} for item in document.items],
        "subtotal": str(document.subtotal),
        "discount_amount": str(document.discount),
        "total": str(document.total),
        "valid_until": document.valid_until.isoformat(),
        "notes": document.notes,
        "pix": document.pix,
        "allowed_actions": ["accept", "reject"] if document.can_be_answered else [],
    }


async def _pdf(document: QuoteDocument) -> Reply:
    content = await to_thread.run_sync(render_pdf, document)
    return Reply(
        content,
        headers={
            "Content-Type": "application/pdf",
            "Content-Disposition": f'inline; filename="{document.number}.pdf"',
        },
    )


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _with_country(phone: str) -> str:
    """Brazil's code before a national number; wa.me lets the sender choose when there is none."""
    return f"55{phone}" if len(phone) in (10, 11) else phone
