"""Sharing a quote: links, the text that goes with them, and the PDF that the store prints."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote as url_quote
from uuid import UUID

from anyio import to_thread

from handlers.link_tokens import hash_of, new_token
from handlers.own_transactions import transaction
from handlers.quote_links.document import QuoteDocument
from handlers.quote_links.models import LinkView, ShareNew, ShareView
from handlers.quote_links.reading import document_of, pdf_reply
from handlers.quotes import rules
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.errors import StateConflictError
from runtime.web.call import Call, Reply
from runtime.web.pagination import ListQuery, Page, page_reply
from runtime.web.routing import Routes

routes = Routes(tag="quotes")


async def _message(call: Call, quote_id: UUID, body: ShareNew) -> tuple[str, str, str]:
    """Token, address and text of a link to a quote; what a sent quote says does not change any more."""
    async with transaction(call) as tx:
        quote = await rules.get(tx, quote_id)
    document = QuoteDocument.of(call.tenant, quote.body)
    if document.status == "draft":
        raise StateConflictError("draft", "share", ["update", "send", "cancel"])
    token = new_token()
    url = call.public_url(f"/q/{token}")
    return token, url, await to_thread.run_sync(document.message, url)


@routes.post(
    "/quotes/{quote_id}/share",
    may="quotes:send",
    prepare=_message,
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
    token, url, text = call.prepared
    link_id = new_id()
    expires_at = call.tx.now + timedelta(days=body.days)
    await call.tx.execute(
        sql.create_quote_link, id=link_id, quote_id=quote_id, token_hash=hash_of(token), expires_at=expires_at
    )
    call.audit("quote.shared", "quote", quote_id, after={"link": str(link_id)})
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
    stale=True,
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


@routes.get(
    "/quotes/{quote_id}/pdf",
    may="quotes:read",
    transaction=False,
    summary="The quote as PDF",
    media="application/pdf",
)
async def get_quote_pdf(call: Call, quote_id: UUID) -> Reply:
    """`application/pdf`, with the store's logo when it has one, and a PIX QR code when it has a PIX key."""
    async with transaction(call) as tx:
        document = await document_of(call, tx, quote_id)
    return await pdf_reply(call, document)


def _with_country(phone: str) -> str:
    """Brazil's code before a national number; wa.me lets the sender choose when there is none."""
    return f"55{phone}" if len(phone) in (10, 11) else phone
