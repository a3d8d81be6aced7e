"""Deliveries over HTTP."""

from __future__ import annotations

from uuid import UUID

from handlers.deliveries import driving, rules
from handlers.deliveries.models import (
    DeliveryChange,
    DeliveryList,
    DeliveryNew,
    DeliveryView,
    FailureNew,
    LoadNew,
    OccurrenceNew,
    ProofNew,
)
from handlers.deliveries.rules import Caller
from handlers.delivery_states import allowed_on_deliveries
from handlers.orders.models import Reason
from handlers.orders.rules import Written
from handlers.pages import bounds, newest_key, serial_of
from runtime.data.queries import sql
from runtime.web.pagination import Page, page_reply
from runtime.web.routing import Call, Reply, Routes

routes = Routes(tag="deliveries")


@routes.get(
    "/deliveries",
    may="deliveries:read",
    stale=True,
    summary="List deliveries",
    query=DeliveryList,
    answers=Page[DeliveryView],
)
async def list_deliveries(call: Call[DeliveryList]) -> Reply:
    """Newest first. A driver sees the deliveries of the own routes and no others."""
    query = call.query
    serial = serial_of(query.q)
    if query.q and serial is None:
        return page_reply(call, [], query.limit, newest_key)
    allowed, window = allowed_on_deliveries(call.identity.permissions), bounds(call)
    filters = query.model_dump(include={"status", "order_id", "route_id", "scheduled_on"}) | {
        "serial": serial,
        "driver_id": Caller.of(call.identity).driver_id,
    }
    if query.created_from is None and all(value is None for value in filters.values()):
        window.pop("from_at")
        rows = await call.tx.fetch_all(sql.list_newest_deliveries, allowed=allowed, **window)
    else:
        rows = await call.tx.fetch_all(sql.list_deliveries, allowed=allowed, **filters, **window)
    return page_reply(call, rows, query.limit, newest_key)


@routes.post(
    "/deliveries",
    may="deliveries:create",
    summary="Make a delivery of an order or of a part of it",
    body=DeliveryNew,
    answers=DeliveryView,
    status=201,
    errors=(404, 409),
)
async def create_delivery(call: Call, body: DeliveryNew) -> Reply:
    """Of an order that is being prepared or is out for delivery; without items, of all that no other delivery has.
    Dispatching an order does the same by itself."""
    return _done(call, "delivery.created", await rules.create(call.tx, body, Caller.of(call.identity)))


@routes.post(
    "/deliveries/{delivery_id}/orders",
    may="deliveries:create",
    summary="Put another order on a delivery",
    body=LoadNew,
    answers=DeliveryView,
    errors=(404, 409),
)
async def load_order(call: Call, delivery_id: UUID, body: LoadNew) -> Reply:
    """Another order of the same customer that goes to the same site or address, or a part of it, while the delivery is
    planned; 409 `other_place` otherwise. Each order's goods leave and are sold for themselves."""
    loaded = await rules.load(call.tx, delivery_id, body, Caller.of(call.identity))
    return _done(call, "delivery.loaded", loaded, {"order": str(body.order_id)})


@routes.get(
    "/deliveries/{delivery_id}", may="deliveries:read", summary="Show a delivery", answers=DeliveryView
)
async def get_delivery(call: Call, delivery_id: UUID) -> Reply:
    """One delivery, with its version as ETag. 403 `not_your_route` for another driver's."""
    delivery = await rules.get(call.tx, delivery_id, Caller.of(call.identity))
    return Reply(delivery.body, version=delivery.version)


@routes.patch(
    "/deliveries/{delivery_id}",
    may="deliveries:update",
    summary="Change a delivery",
    body=DeliveryChange,
    answers=DeliveryView,
    errors=(404, 409, 412),
)
async def change_delivery(call: Call, delivery_id: UUID, body: DeliveryChange) -> Reply:
    """Day, window, priority and notes until its vehicle leaves; `"locked": true` keeps it on the vehicle it is on when
    the day is planned anew."""
    changed = await rules.change(call.tx, delivery_id, body, Caller.of(call.identity), call.if_match)
    return _done(call, "delivery.updated", changed, {"changed": sorted(body.model_fields_set)})


@routes.post(
    "/deliveries/{delivery_id}/cancel",
    may="deliveries:update",
    summary="Cancel a delivery",
    body=Reason,
    answers=DeliveryView,
    errors=(404, 409),
)
async def cancel_delivery(call: Call, delivery_id: UUID, body: Reason) -> Reply:
    """planned or assigned → cancelled; its items can go into another delivery."""
    cancelled = await rules.cancel(call.tx, delivery_id, body.reason, Caller.of(call.identity))
    return _done(call, "delivery.cancelled", cancelled)


@routes.post(
    "/deliveries/{delivery_id}/arrive",
    may="deliveries:drive",
    summary="Arrive at the customer's",
    answers=DeliveryView,
    errors=(404, 409),
)
async def arrive_at_delivery(call: Call, delivery_id: UUID) -> Reply:
    """out → arrived."""
    return _done(
        call, "delivery.arrived", await driving.arrive(call.tx, delivery_id, Caller.of(call.identity))
    )


@routes.post(
    "/deliveries/{delivery_id}/deliver",
    may="deliveries:drive",
    summary="Hand the goods over",
    body=ProofNew,
    answers=DeliveryView,
    errors=(404, 409),
)
async def hand_over_delivery(call: Call, delivery_id: UUID, body: ProofNew) -> Reply:
    """out or arrived → delivered, or delivered_with_issue when something was reported. What was reported missing,
    wrong, damaged or refused is still owed. The rest leaves the stock and is recorded as sold; the order is delivered
    when the customer has everything."""
    delivered = await driving.deliver(
        call.tx, call.tenant.settings, delivery_id, body, Caller.of(call.identity)
    )
    return _done(call, "delivery.delivered", delivered)


@routes.post(
    "/deliveries/{delivery_id}/fail",
    may="deliveries:drive",
    summary="Bring the goods back",
    body=FailureNew,
    answers=DeliveryView,
    errors=(404, 409),
)
async def fail_delivery(call: Call, delivery_id: UUID, body: FailureNew) -> Reply:
    """out or arrived → failed; its items can go into another delivery."""
    failed = await driving.fail(call.tx, delivery_id, body, Caller.of(call.identity))
    return _done(call, "delivery.failed", failed, {"kind": body.kind})


@routes.post(
    "/deliveries/{delivery_id}/occurrences",
    may="deliveries:drive",
    summary="Report an occurrence",
    body=OccurrenceNew,
    answers=DeliveryView,
    status=201,
    errors=(404, 409),
)
async def report_occurrence(call: Call, delivery_id: UUID, body: OccurrenceNew) -> Reply:
    """While the driver is on the way or at the customer's; of an item with its quantity, or of the whole delivery."""
    reported = await driving.report(call.tx, delivery_id, body, Caller.of(call.identity))
    return _done(call, "delivery.occurrence", reported, {"kind": body.kind})


def _done(call: Call, action: str, delivery: Written, after: object = None) -> Reply:
    # Never names, documents or notes: the audit log outlives an erasure request.
    call.audit(action, "delivery", delivery.id, after=after)
    return Reply(delivery.body, version=delivery.version)
