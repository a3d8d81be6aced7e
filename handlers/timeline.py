"""A customer's history: what they asked for, what they got, and what they paid the last time."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from handlers.lines import ItemView
from handlers.pages import NewestFirst, bounds, newest_key
from runtime.data.queries import sql
from runtime.errors import NotFoundError
from runtime.web.call import Call, Reply
from runtime.web.fields import Money, View
from runtime.web.pagination import Page, page_reply
from runtime.web.routing import Routes

routes = Routes(tag="customers")


class TimelineView(View):
    """A quote or an order of the customer."""

    kind: Literal["quote", "order"]
    id: UUID
    number: str
    status: str
    total: Money
    created_at: datetime
    items: list[ItemView]


class PaidView(View):
    """What was paid for the product in one order."""

    order_id: UUID
    number: str
    created_at: datetime
    quantity: str
    unit_price: Money
    discount_percent: str
    line_total: Money


@routes.get(
    "/customers/{customer_id}/timeline",
    may="customers:read",
    stale=True,
    summary="A customer's quotes and orders",
    query=NewestFirst,
    answers=Page[TimelineView],
)
async def list_timeline(call: Call[NewestFirst], customer_id: UUID) -> Reply:
    """Quotes and orders in one list, the newest first."""
    await _known(call, customer_id)
    rows = await call.tx.fetch_all(sql.list_timeline, customer_id=customer_id, **bounds(call))
    return page_reply(call, rows, call.query.limit, newest_key)


@routes.get(
    "/customers/{customer_id}/paid-prices/{product_id}",
    may="customers:read",
    stale=True,
    summary="What a customer paid for a product",
    answers=Page[PaidView],
)
async def list_paid_prices(call: Call, customer_id: UUID, product_id: UUID) -> Reply:
    """The last ten times, the latest first."""
    await _known(call, customer_id)
    if await call.tx.fetch_one(sql.find_product, product_id=product_id) is None:
        raise NotFoundError
    return Reply(
        await call.tx.fetch_value(sql.list_paid_prices, customer_id=customer_id, product_id=product_id)
    )


async def _known(call: Call, customer_id: UUID) -> None:
    if await call.tx.fetch_one(sql.get_customer, id=customer_id) is None:
        raise NotFoundError
