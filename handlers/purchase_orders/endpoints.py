"""Purchase orders over HTTP."""

from __future__ import annotations

from uuid import UUID

from handlers.insights.explanations import Numbers
from handlers.orders.models import Reason
from handlers.orders.rules import Written
from handlers.pages import FIRST_ID, bounds, newest_key, serial_of
from handlers.purchase_orders import receipts, rules, suggested
from handlers.purchase_orders.models import (
    DraftsView,
    FromSuggestions,
    PurchaseOrderChange,
    PurchaseOrderList,
    PurchaseOrderNew,
    PurchaseOrderView,
    ReceiptList,
    ReceiptNew,
    ReceiptView,
)
from handlers.purchase_orders.states import allowed_on_purchase_orders
from runtime.data.queries import sql
from runtime.web.pagination import Page, page_reply
from runtime.web.routing import Call, Reply, Routes

routes = Routes(tag="purchase-orders")


@routes.get(
    "/purchase-orders",
    may="purchase_orders:read",
    stale=True,
    summary="List purchase orders",
    query=PurchaseOrderList,
    answers=Page[PurchaseOrderView],
)
async def list_purchase_orders(call: Call[PurchaseOrderList]) -> Reply:
    """Newest first, each with its items and how much of them has come."""
    query = call.query
    rows = await call.tx.fetch_all(
        sql.list_purchase_orders,
        allowed=allowed_on_purchase_orders(call.identity.permissions),
        status=query.status,
        supplier_id=query.supplier_id,
        product_id=query.product_id,
        q=query.q or None,
        serial=serial_of(query.q),
        **bounds(call),
    )
    return page_reply(call, rows, query.limit, newest_key)


@routes.post(
    "/purchase-orders",
    may="purchase_orders:create",
    summary="Write a purchase order",
    body=PurchaseOrderNew,
    answers=PurchaseOrderView,
    status=201,
    errors=(404,),
)
async def create_purchase_order(call: Call, body: PurchaseOrderNew) -> Reply:
    """A draft. An item without `unit_cost` takes the supplier's price of today, else what was paid last."""
    order = await rules.create(call.tx, body, call.identity.permissions, call.tenant.time_zone)
    return _done(call, "purchase_order.created", order)


@routes.post(
    "/purchase-orders/from-suggestions",
    may="purchase_orders:create",
    summary="Write purchase orders from suggestions",
    body=FromSuggestions,
    answers=DraftsView,
    status=201,
    errors=(404,),
)
async def create_from_suggestions(call: Call, body: FromSuggestions) -> Reply:
    """One draft per supplier. Each product goes to the lowest price of today whose minimum quantity fits, the shorter
    lead time deciding between equal prices; each item's note says why. Without products, all open suggestions of the
    stock engine are taken, the most urgent 200 at a time; those that are followed count as accepted. Send an
    Idempotency-Key, so that a repeated request makes no second set of drafts."""
    drafts = await suggested.draft_suggested(
        call.tx, body, Numbers(call.locale), call.identity.permissions, call.tenant.time_zone
    )
    outcome = {"drafts": len(drafts.written), "unplaced": len(drafts.unplaced)}
    call.audit("suggestions.drafted", "purchase_order", None, after=outcome)
    for order in drafts.written:
        call.audit("purchase_order.created", "purchase_order", order.id, after={"from_suggestions": True})
    items = ",".join(order.body for order in drafts.written)
    unplaced = ",".join(one.model_dump_json() for one in drafts.unplaced)
    return Reply(f'{{"items":[{items}],"unplaced":[{unplaced}]}}')


@routes.get(
    "/purchase-orders/{order_id}",
    may="purchase_orders:read",
    summary="Show a purchase order",
    answers=PurchaseOrderView,
)
async def get_purchase_order(call: Call, order_id: UUID) -> Reply:
    """One purchase order, with its version as ETag."""
    order = await rules.get(call.tx, order_id, call.identity.permissions)
    return Reply(order.body, version=order.version)


@routes.patch(
    "/purchase-orders/{order_id}",
    may="purchase_orders:update",
    summary="Change a draft purchase order",
    body=PurchaseOrderChange,
    answers=PurchaseOrderView,
    errors=(404, 409, 412),
)
async def change_purchase_order(call: Call, order_id: UUID, body: PurchaseOrderChange) -> Reply:
    """Only a draft can be changed."""
    order = await rules.change(
        call.tx, order_id, body, call.identity.permissions, call.tenant.time_zone, call.if_match
    )
    return _done(call, "purchase_order.updated", order, {"changed": sorted(body.model_fields_set)})


@routes.post(
    "/purchase-orders/{order_id}/send",
    may="purchase_orders:send",
    summary="Send a purchase order",
    answers=PurchaseOrderView,
    errors=(404, 409),
)
async def send_purchase_order(call: Call, order_id: UUID) -> Reply:
    """draft → sent; the goods count as incoming from now on."""
    order = await rules.send(call.tx, order_id, call.identity.permissions, call.tenant.time_zone)
    return _done(call, "purchase_order.sent", order)


@routes.post(
    "/purchase-orders/{order_id}/receive",
    may="purchase_orders:receive",
    summary="Receive goods of a purchase order",
    body=ReceiptNew,
    answers=PurchaseOrderView,
    errors=(404, 409),
)
async def receive_purchase_order(call: Call, order_id: UUID, body: ReceiptNew) -> Reply:
    """sent or partially_received → received, or partially_received while something is awaited. The goods enter the
    stock at their cost. 409 `more_than_ordered` unless `allow_excess` is true."""
    order = await receipts.receive(call.tx, call.tenant.settings, order_id, body, call.identity.permissions)
    return _done(call, "purchase_order.received", order, body.model_dump(mode="json"))


@routes.post(
    "/purchase-orders/{order_id}/cancel",
    may="purchase_orders:cancel",
    summary="Cancel a purchase order",
    body=Reason,
    answers=PurchaseOrderView,
    errors=(404, 409),
)
async def cancel_purchase_order(call: Call, order_id: UUID, body: Reason) -> Reply:
    """draft, sent or partially_received → cancelled; what has not come is awaited no more, what has come stays."""
    order = await rules.cancel(call.tx, order_id, body.reason, call.identity.permissions)
    return _done(call, "purchase_order.cancelled", order)


@routes.get(
    "/purchase-orders/{order_id}/receipts",
    may="purchase_orders:read",
    stale=True,
    summary="List a purchase order's receipts",
    query=ReceiptList,
    answers=Page[ReceiptView],
    errors=(404,),
)
async def list_receipts(call: Call[ReceiptList], order_id: UUID) -> Reply:
    """What came in when, oldest first, each with the lead time measured from the sending."""
    await rules.get(call.tx, order_id, call.identity.permissions)
    cursor = call.cursor()
    rows = await call.tx.fetch_all(
        sql.list_purchase_receipts,
        purchase_order_id=order_id,
        after_id=UUID(cursor[0]) if cursor else FIRST_ID,
        limit=call.query.limit + 1,
    )
    return page_reply(call, rows, call.query.limit, lambda row: [row["id"]])


def _done(call: Call, action: str, order: Written, after: object = None) -> Reply:
    call.audit(action, "purchase_order", order.id, after=after)
    return Reply(order.body, version=order.version)
