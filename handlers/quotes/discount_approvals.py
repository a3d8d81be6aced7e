"""Discounts above what a seller may give: the draft is kept, and waits for somebody who may.

What has been approved holds for a product, up to a discount and a quantity, for the quote's customer. A change that
stays within needs nobody; one that goes beyond asks anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal
from uuid import UUID

import orjson

from handlers.discounts import Excess, above_limit
from handlers.lines import Line
from handlers.orders.rules import Written
from handlers.permissions import Role
from handlers.settings import TenantSettings
from handlers.states import ALL_PERMISSIONS, allowed_on_draft, allowed_on_quotes
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.data.transactions import Record, TenantTransaction
from runtime.errors import (
    ConflictError,
    NotFoundError,
    PreconditionFailedError,
    RefusedError,
    StateConflictError,
)
from runtime.events.catalogue import QuoteDiscountApproved, QuoteDiscountDenied, QuoteDiscountRequested
from runtime.events.log import emit


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a draft's discounts need: nothing (``status`` None), or they are approved or waiting.

    ``excess`` is what is to be recorded: nothing when a former approval covers it.
    """

    status: Literal["pending", "approved"] | None
    excess: Sequence[Excess] = ()


async def judge(
    tx: TenantTransaction,
    settings: TenantSettings,
    by_role: str,
    lines: Sequence[Line],
    overall_percent: Decimal,
    quote_id: UUID | None = None,
    customer_id: UUID | None = None,
) -> Judgement:
    """Whether the discounts of a draft wait for approval; of a changed draft (``quote_id``), what was approved for its
    customer counts."""
    excess = above_limit(settings.seller_discount_limit_percent, lines, overall_percent)
    if not excess:
        return Judgement(None)
    if by_role != Role.SELLER:
        return Judgement("approved", excess)
    if quote_id is not None:
        approved = await tx.fetch_all(sql.list_approved_discounts, quote_id=quote_id, customer_id=customer_id)
        if all(_is_covered(one, approved) for one in excess):
            return Judgement("approved")
    return Judgement("pending", excess)


async def record(
    tx: TenantTransaction,
    settings: TenantSettings,
    quote_id: UUID,
    version: int,
    customer_id: UUID,
    judgement: Judgement,
) -> None:
    """Keep what is asked for, or was given by somebody who may; a request is told to the log."""
    if not judgement.excess:
        return
    largest = max(one.percent for one in judgement.excess)
    await tx.execute(
        sql.record_discount,
        id=new_id(),
        quote_id=quote_id,
        version=version,
        customer_id=customer_id,
        status=judgement.status,
        discount_percent=largest,
        limit_percent=settings.seller_discount_limit_percent,
        products=orjson.dumps(
            [
                {
                    "product_id": str(one.product_id),
                    "quantity": f"{one.quantity:.3f}",
                    "discount_percent": str(one.percent),
                }
                for one in judgement.excess
            ]
        ).decode(),
    )
    if judgement.status == "pending":
        emit(
            tx,
            QuoteDiscountRequested(
                quote_id=quote_id,
                discount_percent=largest,
                limit_percent=settings.seller_discount_limit_percent,
            ),
        )


async def decide(
    tx: TenantTransaction,
    settings: TenantSettings,
    quote_id: UUID,
    *,
    version: int,
    approve: bool,
    reason: str = "",
    by_role: str = Role.OWNER,
    permissions: frozenset[str] = ALL_PERMISSIONS,
) -> Written:
    """Approve or deny what a draft waits for; ``version`` is the quote's that was looked at.

    409 when it waits for nothing, 412 when it has changed meanwhile, 403 ``discount_limit`` when finance would approve
    more than the store lets it.
    """
    quote = await tx.fetch_one(sql.lock_quote, id=quote_id)
    if quote is None:
        raise NotFoundError
    request = None
    if quote["state"] == "draft":
        request = await tx.fetch_one(sql.find_discount_request, quote_id=quote_id)
    if request is None:
        action = "approve_discount" if approve else "deny_discount"
        raise StateConflictError(quote["state"], action, _allowed(quote, permissions))
    if quote["version"] != version:
        raise PreconditionFailedError
    percent, limit = request["discount_percent"], settings.finance_discount_limit_percent
    if approve and by_role == Role.FINANCE and percent > limit:
        raise RefusedError(
            "discount_limit",
            f"Finance may approve at most {limit} % discount; more takes the owner.",
            f"O financeiro pode aprovar no máximo {limit} % de desconto; acima disso, só o dono.",
            403,
            extra={"limit_percent": str(limit)},
        )
    decided = await tx.fetch_one(
        sql.decide_on_discount,
        id=request["id"],
        quote_id=quote_id,
        status="approved" if approve else "denied",
        reason=reason or None,
        allowed=allowed_on_quotes(permissions),
    )
    if decided is None:
        raise LookupError("a locked quote is there")
    event = QuoteDiscountApproved if approve else QuoteDiscountDenied
    emit(tx, event(quote_id=quote_id, discount_percent=percent))
    return Written(quote_id, decided["version"], decided["body"])


def not_approved(approval: str, permissions: frozenset[str]) -> ConflictError:
    """The 409 for a draft that would be sent while its discounts wait for approval or are denied."""
    return ConflictError(
        "discount_not_approved",
        "The discounts of this quote are above the seller's limit and have not been approved.",
        "Os descontos desta cotação passam do limite do vendedor e não foram aprovados.",
        current_state="draft",
        discount_approval=approval,
        allowed_actions=allowed_on_draft(approval, permissions),
    )


def _is_covered(excess: Excess, approved: Sequence[Record]) -> bool:
    return any(
        row["product_id"] == excess.product_id
        and row["discount_percent"] >= excess.percent
        and row["quantity"] >= excess.quantity
        for row in approved
    )


def _allowed(quote: Record, permissions: frozenset[str]) -> list[str]:
    allowed: dict[str, list[str]] = orjson.loads(allowed_on_quotes(permissions))
    waits = quote["state"] == "draft" and quote["discount_approval"] in ("pending", "denied")
    return allowed[f"draft/{quote['discount_approval']}" if waits else quote["state"]]
