"""Orders over HTTP."""

from __future__ import annotations

from uuid import UUID

from handlers.orders import leaving, rules
from handlers.orders.models import HandOver, OrderList, OrderNew, OrderView, Reason
from handlers.pages import bounds, newest_key, serial_of
from handlers.states import allowed_on_orders
from runtime.data.queries import sql
from runtime.web.pagination import Page, page_reply
from runtime.web.routing import Call, Reply, Routes

routes = Routes(tag="orders")


@routes.get(
    "/orders", may="orders:read", stale=True, summary="List orders", query=OrderList, answers=Page[OrderView]
)
async def list_orders(call: Call[OrderList]) -> Reply:
    """Newest first, each with its items."""
    query = call.query
    allowed = allowed_on_orders(call.identity.permissions)
    window = bounds(call)
    filters = {
        "status": query.status,
        "fulfilment": query.fulfilment,
        "customer_id": query.customer_id,
        "q": query.q or None,
    }
    if query.created_from is None and not any(filters.values()):
        window.pop("from_at")
        rows = await call.tx.fetch_all(sql.list_orders, allowed=allowed, **window)
    else:
        rows = await call.tx.fetch_all(
            sql.search_orders, allowed=allowed, serial=serial_of(query.q), **filters, **window
        )
    return page_reply(call, rows, query.limit, newest_key)


@routes.post(
    "/orders",
    may="orders:create",
    summary="Place an order",
    body=OrderNew,
    answers=OrderView,
    status=201,
    errors=(404, 409),
)
async def create_order(call: Call, body: OrderNew) -> Reply:
    """Sets the stock aside; 409 `insufficient_stock` lists what is short. A `counter` order is sold at once."""
    order = await rules.create(
        call.tx, call.tenant.settings, body, call.identity.role, call.identity.permissions
    )
    call.audit("order.created", "order", order.id, after={"fulfilment": body.fulfilment})
    return Reply(order.body, version=order.version)


@routes.get("/orders/{order_id}", may="orders:read", summary="Show an order", answers=OrderView)
async def get_order(call: Call, order_id: UUID) -> Reply:
    """One order, with its version as ETag."""
    order = await rules.get(call.tx, order_id, call.identity.permissions)
    return Reply(order.body, version=order.version)


@routes.post(
    "/orders/{order_id}/prepare",
    may="orders:prepare",
    summary="Start preparing an order",
    answers=OrderView,
    errors=(404, 409),
)
async def prepare_order(call: Call, order_id: UUID) -> Reply:
    """pending → preparing."""
    order = await rules.prepare(call.tx, order_id, call.identity.permissions)
    return _moved(call, "order.prepared", order)


@routes.post(
    "/orders/{order_id}/dispatch",
    may="orders:dispatch",
    summary="Send an order out for delivery",
    answers=OrderView,
    errors=(404, 409),
)
async def dispatch_order(call: Call, order_id: UUID) -> Reply:
    """preparing → out_for_delivery."""
    order = await rules.dispatch(call.tx, order_id, call.identity.permissions)
    return _moved(call, "order.dispatched", order)


@routes.post(
    "/orders/{order_id}/ready",
    may="orders:ready",
    summary="Have an order wait for its pick-up",
    answers=OrderView,
    errors=(404, 409),
)
async def ready_order(call: Call, order_id: UUID) -> Reply:
    """preparing → ready_for_pickup."""
    order = await rules.ready(call.tx, order_id, call.identity.permissions)
    return _moved(call, "order.ready", order)


@routes.post(
    "/orders/{order_id}/deliver",
    may="orders:deliver",
    summary="Deliver an order",
    body=HandOver,
    answers=OrderView,
    errors=(404, 409),
)
async def deliver_order(call: Call, order_id: UUID, body: HandOver) -> Reply:
    """out_for_delivery or ready_for_pickup → delivered; what has not left yet leaves the stock and is recorded as sold.
    With items, a part of an order is picked up: that part leaves, and the order is delivered with the last of it."""
    permissions = call.identity.permissions
    if body.items is None:
        order = await leaving.deliver(call.tx, call.tenant.settings, order_id, permissions)
        return _moved(call, "order.delivered", order)
    order = await leaving.hand_over(call.tx, call.tenant.settings, order_id, body.items, permissions)
    return _moved(call, "order.handed_over", order)


@routes.post(
    "/orders/{order_id}/cancel",
    may="orders:cancel",
    summary="Cancel an order",
    body=Reason,
    answers=OrderView,
    errors=(404, 409),
)
async def cancel_order(call: Call, order_id: UUID, body: Reason) -> Reply:
    """pending, preparing or out_for_delivery → cancelled; what is still set aside is available again. What has left
    with earlier deliveries stays sold; 409 `on_its_way` while a vehicle is out with more of it."""
    order = await rules.cancel(call.tx, order_id, body.reason, call.identity.permissions)
    return _moved(call, "order.cancelled", order)


def _moved(call: Call, action: str, order: rules.Written) -> Reply:
    call.audit(action, "order", order.id)
    return Reply(order.body, version=order.version)
