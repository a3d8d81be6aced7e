"""Discounts that wait for approval, and margins, over HTTP."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from handlers.orders.rules import Written
from handlers.quotes.discount_approvals import decide
from handlers.quotes.models import QuoteView
from runtime.data.queries import sql
from runtime.errors import NotFoundError
from runtime.web.call import Call, Reply
from runtime.web.fields import (
    Body,
    LongText,
    Money,
    Percent,
    Quantity,
    SignedMoney,
    Version,
    View,
    decimal_field,
)
from runtime.web.pagination import Page
from runtime.web.routing import Routes

routes = Routes(tag="quotes")

Markup = Annotated[Decimal, *decimal_field("-100", "999999999", 2)]
UnitCost = Annotated[Decimal, *decimal_field("0", "999999999999.99", 4)]


class Approval(Body):
    """The version of the quote that was looked at, so that nothing else is approved; and why, if there is something to
    say."""

    version: Version
    reason: LongText = ""


class Denial(Body):
    """The version of the quote that was looked at, and why not; the seller reads it."""

    version: Version
    reason: Annotated[LongText, StringConstraints(min_length=1), Field(examples=["Abaixo do custo."])]


class DiscountedProductView(View):
    """A product discounted above the limit, and how much of it, in its own unit."""

    product_id: UUID
    quantity: Quantity
    discount_percent: Percent


class DiscountApprovalView(View):
    """A request for discounts above the seller's limit, and its answer.

    `superseded`: the draft was changed before anybody answered.
    """

    id: UUID
    version: Version
    status: Literal["pending", "approved", "denied", "superseded"]
    discount_percent: Percent
    limit_percent: Percent
    products: list[DiscountedProductView]
    requested_by: UUID | None
    requested_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    reason: str | None


class LineMarginView(View):
    """A line's price after all discounts beside what the goods cost today; null where no cost is known."""

    position: int
    product_id: UUID
    name: str
    net_total: Money
    unit_cost: UnitCost | None
    cost: Money | None
    margin: SignedMoney | None
    markup_percent: Markup | None
    below_floor: bool


class MarginView(View):
    """Totals are those of the lines with a cost; `below_floor`: under cost plus `floor_percent`."""

    floor_percent: Percent
    items: list[LineMarginView]
    net_total: Money
    cost: Money
    margin: SignedMoney
    markup_percent: Markup | None
    below_floor: bool


@routes.get(
    "/quotes/{quote_id}/discount-approvals",
    may="quotes:read",
    stale=True,
    summary="Who asked for discounts, and who approved them",
    answers=Page[DiscountApprovalView],
)
async def list_discount_approvals(call: Call, quote_id: UUID) -> Reply:
    """The newest first. The quotes that wait for somebody are `GET /quotes?discount_approval=pending`."""
    body = await call.tx.fetch_value(sql.list_discount_approvals, quote_id=quote_id)
    if body is None:
        raise NotFoundError
    return Reply(body)


@routes.post(
    "/quotes/{quote_id}/approve-discount",
    may="quotes:approve_discount",
    summary="Approve a draft's discounts",
    body=Approval,
    answers=QuoteView,
    errors=(404, 409, 412),
)
async def approve_discount(call: Call, quote_id: UUID, body: Approval) -> Reply:
    """The draft may then be sent. 412 when it has changed since it was looked at, 403 `discount_limit` when it is more
    than finance may approve. A later change that raises a discount, or discounts more goods, asks anew."""
    return await _decided(call, quote_id, body, approve=True)


@routes.post(
    "/quotes/{quote_id}/deny-discount",
    may="quotes:approve_discount",
    summary="Deny a draft's discounts",
    body=Denial,
    answers=QuoteView,
    errors=(404, 409, 412),
)
async def deny_discount(call: Call, quote_id: UUID, body: Denial) -> Reply:
    """The draft stays, and has to be changed before it can be sent."""
    return await _decided(call, quote_id, body, approve=False)


@routes.get(
    "/quotes/{quote_id}/margin",
    may="costs:read",
    summary="What a quote leaves over its costs",
    answers=MarginView,
)
async def get_quote_margin(call: Call, quote_id: UUID) -> Reply:
    """By the costs of today: the moving average of the stock, else the product's own. The quote itself carries, for
    everybody, which lines sold below the floor when it was written (`margin_warning`), without a cost."""
    body = await call.tx.fetch_value(
        sql.get_quote_margin, id=quote_id, floor_percent=call.tenant.settings.price_floor_percent
    )
    if body is None:
        raise NotFoundError
    return Reply(body)


async def _decided(call: Call, quote_id: UUID, body: Approval | Denial, *, approve: bool) -> Reply:
    quote: Written = await decide(
        call.tx,
        call.tenant.settings,
        quote_id,
        version=body.version,
        approve=approve,
        reason=body.reason,
        by_role=call.identity.role,
        permissions=call.identity.permissions,
    )
    call.audit("quote.discount_approved" if approve else "quote.discount_denied", "quote", quote_id)
    return Reply(quote.body, version=quote.version)
