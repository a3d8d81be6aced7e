"""Returns: delivered goods that came back, with a reason, and with their stock when they can be sold again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import Field, StrictBool, StringConstraints

from handlers.lines import share_of
from handlers.orders.quantities import take_off
from handlers.sold_lines import part_sold_in
from handlers.stock_keeping.booking import Delta, book
from handlers.units import Unit
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.data.transactions import Record, TenantTransaction
from runtime.errors import FieldProblem, InvalidError, NotFoundError, StateConflictError
from runtime.events.catalogue import OrderReturned, SoldItem
from runtime.events.log import emit
from runtime.web.call import Call, Reply
from runtime.web.fields import Body, Money, Quantity, View
from runtime.web.pagination import ListQuery, Page, page_reply
from runtime.web.routing import Routes

routes = Routes(tag="orders")


class ReturnItemNew(Body):
    """How much of which item came back, in the unit it was sold in unless the product's own is named."""

    item_id: UUID
    quantity: Quantity
    unit: Unit | None = None


class ReturnNew(Body):
    """Goods of a delivered order that came back. Not ``restocked``: broken, or otherwise not to be sold again."""

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
    restocked: StrictBool = True
    items: list[ReturnItemNew] = Field(min_length=1, max_length=200)


class ReturnItemView(View):
    """What came back of an item, in the unit it was sold in and, exactly, in the product's own; and what was paid for
    it."""

    order_item_id: UUID
    product_id: UUID
    unit: str
    quantity: str
    stock_unit: str
    stock_quantity: str
    amount: Money


class ReturnView(View):
    """A return; ``amount`` is what was paid for its items, before the order's overall discount."""

    id: UUID
    order_id: UUID
    reason: str
    restocked: bool
    amount: Money
    created_by: UUID | None
    created_at: datetime
    items: list[ReturnItemView]


@routes.get(
    "/orders/{order_id}/returns",
    may="orders:read",
    stale=True,
    summary="An order's returns",
    query=ListQuery,
    answers=Page[ReturnView],
)
async def list_returns(call: Call[ListQuery], order_id: UUID) -> Reply:
    """The newest first."""
    if await call.tx.fetch_one(sql.find_order_state, id=order_id) is None:
        raise NotFoundError
    after = call.cursor()
    rows = await call.tx.fetch_all(
        sql.list_returns,
        order_id=order_id,
        only_id=None,
        after=UUID(after[0]) if after else None,
        limit=call.query.limit + 1,
    )
    return page_reply(call, rows, call.query.limit, key=lambda row: [row["id"]])


@routes.post(
    "/orders/{order_id}/returns",
    may="orders:cancel",
    summary="Take goods back",
    body=ReturnNew,
    answers=ReturnView,
    status=201,
    errors=(409,),
)
async def create_return(call: Call, order_id: UUID, body: ReturnNew) -> Reply:
    """Only what has left of an order: of each item no more than the customer got and has not come back before."""
    return_id = await take_back(call.tx, order_id, body)
    call.audit("order.returned", "order", order_id, after={"return_id": str(return_id)})
    [row] = await call.tx.fetch_all(
        sql.list_returns, order_id=order_id, only_id=return_id, after=None, limit=1
    )
    return Reply(row["body"])


async def take_back(tx: TenantTransaction, order_id: UUID, body: ReturnNew) -> UUID:
    """Write a return; 404, 409 when nothing of the order has left, 422 for more than can have come back."""
    order = await tx.fetch_one(sql.lock_returned_order, order_id=order_id)
    if order is None:
        raise NotFoundError
    if order["status"] != "delivered" and order["left_total"] is None:
        raise StateConflictError(order["status"], "return", [])
    taken = _matched(await tx.fetch_all(sql.list_returnable_items, order_id=order_id), body)
    sold = [
        SoldItem(
            product_id=item["product_id"],
            quantity=quantity,
            unit_price=item["unit_price"],
            line_total=_share(item, quantity),
            **part_sold_in(item, quantity),
        )
        for item, quantity in taken
    ]
    return_id = new_id()
    await tx.execute(
        sql.create_return,
        id=return_id,
        order_id=order_id,
        reason=body.reason,
        restocked=body.restocked,
        amount=sum((item.line_total for item in sold), Decimal(0)),
        item_ids=[new_id() for _ in taken],
        order_item_ids=[item["id"] for item, _ in taken],
        product_ids=[item.product_id for item in sold],
        quantities=[item.quantity for item in sold],
        amounts=[item.line_total for item in sold],
    )
    if body.restocked:
        back = [Delta(item.product_id, order["location_id"], item.quantity) for item in sold]
        # The reason stays with the return, where it can be forgotten; the ledger never forgets.
        await book(tx, "return", back, reason=None, order_id=order_id)
    emit(tx, OrderReturned(order_id=order_id, items=tuple(sold)))
    return return_id


def _matched(items: Sequence[Record], body: ReturnNew) -> list[tuple[Record, Decimal]]:
    """The order's items with the quantities that came back, each item once."""
    by_id = {item["id"]: item for item in items}
    left = {item["id"]: item["had"] - item["returned"] for item in items}
    taken: dict[UUID, Decimal] = {}
    problems: list[FieldProblem] = []
    for place, given in enumerate(body.items):
        try:
            back = take_off(
                left, by_id, given.item_id, given.quantity, given.unit, f"/items/{place}", "item_id"
            )
        except InvalidError as refused:
            problems += refused.fields
            continue
        taken[given.item_id] = taken.get(given.item_id, Decimal(0)) + back
    if problems:
        raise InvalidError(*problems)
    return [(by_id[item_id], quantity) for item_id, quantity in taken.items()]


def _share(item: Record, quantity: Decimal) -> Decimal:
    """What was paid for ``quantity`` more of the item than has come back before."""
    return share_of(item["line_total"], item["quantity"], item["returned"], quantity)
