"""What people answer to the stock engine's suggestions, and what they have answered."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from handlers.insights.answers import check_snooze
from handlers.insights.forecast import require_product
from handlers.insights.models import (
    Acceptance,
    AnsweredView,
    Dismissal,
    FeedbackList,
    FeedbackView,
    Snooze,
)
from handlers.suppliers.prices import local_day
from runtime.data.queries import sql
from runtime.errors import ConflictError
from runtime.events.catalogue import SuggestionAccepted, SuggestionDismissed, SuggestionSnoozed
from runtime.events.log import emit
from runtime.web.pagination import Page, page_reply
from runtime.web.routing import Call, Reply, Routes

routes = Routes(tag="insights")


@routes.post(
    "/insights/stock/suggestions/{product_id}/accept",
    may="insights:configure",
    summary="Accept a suggestion",
    body=Acceptance,
    answers=AnsweredView,
    errors=(404, 409),
)
async def accept_suggestion(call: Call, product_id: UUID, body: Acceptance) -> Reply:
    """The store orders the goods: they count as on order until they are received or long overdue."""
    suggested = await _open_suggestion(call, product_id)
    quantity = suggested if body.quantity is None else body.quantity
    emit(call.tx, SuggestionAccepted(product_id=product_id, quantity=quantity, suggested=suggested))
    answer = AnsweredView(product_id=product_id, status="accepted", quantity=quantity)
    call.audit("suggestion.accepted", "product", product_id, after=answer.model_dump(mode="json"))
    return Reply(answer)


@routes.post(
    "/insights/stock/suggestions/{product_id}/dismiss",
    may="insights:configure",
    summary="Dismiss a suggestion",
    body=Dismissal,
    answers=AnsweredView,
    errors=(404, 409),
)
async def dismiss_suggestion(call: Call, product_id: UUID, body: Dismissal) -> Reply:
    """The suggestion stays away for one review period, and returns if its cause is still there then."""
    await _open_suggestion(call, product_id)
    emit(call.tx, SuggestionDismissed(product_id=product_id, reason=body.reason))
    answer = AnsweredView(product_id=product_id, status="dismissed", quantity=None)
    call.audit("suggestion.dismissed", "product", product_id, after={"reason": body.reason})
    return Reply(answer)


@routes.post(
    "/insights/stock/suggestions/{product_id}/snooze",
    may="insights:configure",
    summary="Put a suggestion off",
    body=Snooze,
    answers=AnsweredView,
    errors=(404, 409),
)
async def snooze_suggestion(call: Call, product_id: UUID, body: Snooze) -> Reply:
    """The suggestion stays away until that day, and returns if its cause is still there then."""
    check_snooze(body.until, local_day(call.tx.now, call.tenant.time_zone))
    await _open_suggestion(call, product_id)
    emit(call.tx, SuggestionSnoozed(product_id=product_id, until=body.until))
    answer = AnsweredView(product_id=product_id, status="snoozed", quantity=None, until=body.until)
    call.audit("suggestion.snoozed", "product", product_id, after={"until": body.until.isoformat()})
    return Reply(answer)


@routes.get(
    "/insights/stock/feedback",
    may="insights:read",
    stale=True,
    summary="List what was answered to suggestions",
    query=FeedbackList,
    answers=Page[FeedbackView],
)
async def list_feedback(call: Call[FeedbackList]) -> Reply:
    """The newest first. `changed` means that another quantity than the suggested one was ordered."""
    query, cursor = call.query, call.cursor()
    rows = await call.tx.fetch_all(
        sql.list_stock_feedback,
        product_id=query.product_id,
        answer=query.answer,
        before_seq=int(cursor[0]) if cursor else None,
        limit=query.limit + 1,
    )
    return page_reply(call, rows, query.limit, lambda row: [row["seq"]])


async def _open_suggestion(call: Call, product_id: UUID) -> Decimal:
    row = await call.tx.fetch_one(sql.read_suggestion, product_id=product_id)
    if row is None:
        await require_product(call, product_id)
        raise ConflictError(
            "no_suggestion",
            "There is no open suggestion for this product.",
            "Não há sugestão em aberto para este produto.",
        )
    return Decimal(f"{row['suggested_quantity']:.3f}")
