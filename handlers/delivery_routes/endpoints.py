"""Routes over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any
from uuid import UUID

from handlers.deliveries.rules import Caller
from handlers.delivery_routes import planner, rules
from handlers.delivery_routes.models import (
    LoadedItemView,
    LoadedStopView,
    LoadedTripView,
    LoadingSheetView,
    PlanNew,
    PlanView,
    RouteChange,
    RouteEnd,
    RouteList,
    RouteView,
)
from handlers.delivery_states import allowed_on_routes
from handlers.orders.rules import Written
from handlers.pages import bounds, newest_key
from runtime.data.queries import sql
from runtime.data.transactions import Record
from runtime.errors import NotFoundError
from runtime.web.pagination import Page, page_reply
from runtime.web.routing import Call, Reply, Routes

routes = Routes(tag="routes")


@routes.get(
    "/routes", may="routes:read", stale=True, summary="List routes", query=RouteList, answers=Page[RouteView]
)
async def list_routes(call: Call[RouteList]) -> Reply:
    """Newest first. A driver sees the own routes and no others."""
    query = call.query
    own = Caller.of(call.identity).driver_id
    if own is not None and query.driver_id not in (None, own):
        return page_reply(call, [], query.limit, newest_key)
    rows = await call.tx.fetch_all(
        sql.list_routes,
        allowed=allowed_on_routes(call.identity.permissions),
        day=query.day,
        status=query.status,
        driver_id=own or query.driver_id,
        **bounds(call),
    )
    return page_reply(call, rows, query.limit, newest_key)


@routes.post(
    "/routes/plan",
    may="routes:plan",
    summary="Plan a day",
    prepare=planner.solve_day,
    body=PlanNew,
    answers=PlanView,
    errors=(404, 409),
)
async def plan_routes(call: Call, body: PlanNew) -> Reply:
    """Puts what is to be delivered on the day onto its vehicles: weight and volume, windows and hours kept, the
    important first, as few kilometres as possible. Planning again moves everything that has not left, except what is
    locked. 409 `plan_outdated` when a delivery changed meanwhile."""
    return Reply(await planner.keep_day(call.tx, call.prepared, call))


@routes.get("/routes/{route_id}", may="routes:read", summary="Show a route", answers=RouteView)
async def get_route(call: Call, route_id: UUID) -> Reply:
    """One route with its stops, with its version as ETag. 403 `not_your_route` for another driver's."""
    route = await rules.get(call.tx, route_id, Caller.of(call.identity))
    return Reply(route.body, version=route.version)


@routes.patch(
    "/routes/{route_id}",
    may="routes:plan",
    summary="Say who drives a route",
    body=RouteChange,
    answers=RouteView,
    errors=(404, 409, 412),
)
async def change_route(call: Call, route_id: UUID, body: RouteChange) -> Reply:
    """Until the vehicle leaves; the driver is an active user of the store with that role, or the owner."""
    caller = Caller.of(call.identity)
    if "driver_id" not in body.model_fields_set:
        route = await rules.get(call.tx, route_id, caller)
        call.if_match(route.version)
    else:
        route = await rules.set_driver(call.tx, route_id, body.driver_id, caller, call.if_match)
    driver = None if body.driver_id is None else str(body.driver_id)
    return _done(call, "route.updated", route, {"driver_id": driver})


@routes.post(
    "/routes/{route_id}/depart",
    may="routes:drive",
    summary="Leave the store",
    answers=RouteView,
    errors=(404, 409),
)
async def depart_route(call: Call, route_id: UUID) -> Reply:
    """planned → out, with all of its deliveries; their orders are out for delivery from now on."""
    return _done(call, "route.departed", await rules.depart(call.tx, route_id, Caller.of(call.identity)))


@routes.post(
    "/routes/{route_id}/finish",
    may="routes:drive",
    summary="Be back at the store",
    body=RouteEnd,
    answers=RouteView,
    errors=(404, 409),
)
async def finish_route(call: Call, route_id: UUID, body: RouteEnd) -> Reply:
    """out → finished, once every delivery was delivered or failed. Distance and time at the store's rates are the
    route's cost, of which each delivery bears its part."""
    route = await rules.finish(
        call.tx, call.tenant.settings, route_id, body.driven_km, Caller.of(call.identity)
    )
    return _done(call, "route.finished", route)


@routes.post(
    "/routes/{route_id}/cancel",
    may="routes:plan",
    summary="Cancel a planned route",
    answers=RouteView,
    errors=(404, 409),
)
async def cancel_route(call: Call, route_id: UUID) -> Reply:
    """planned → cancelled; its deliveries wait for the next plan."""
    return _done(call, "route.cancelled", await rules.cancel(call.tx, route_id, Caller.of(call.identity)))


@routes.get(
    "/routes/{route_id}/loading-sheet",
    may="routes:read",
    summary="What has to be on the vehicle",
    answers=LoadingSheetView,
)
async def get_loading_sheet(call: Call, route_id: UUID) -> Reply:
    """Per trip: all products summed, and the stops in the order in which they are loaded, the last one first."""
    heading = await call.tx.fetch_one(sql.get_route_heading, id=route_id)
    if heading is None:
        raise NotFoundError
    Caller.of(call.identity).check_own(heading["driver_id"])
    rows = await call.tx.fetch_all(sql.list_loading, route_id=route_id)
    return Reply(
        LoadingSheetView(
            route_id=route_id,
            day=heading["day"],
            vehicle_plate=heading["plate"],
            vehicle_name=heading["vehicle_name"],
            driver_name=heading["driver_name"],
            trips=[_trip(number, list(found)) for number, found in groupby(rows, lambda row: row["trip"])],
        )
    )


def _trip(number: int, rows: Sequence[Record]) -> LoadedTripView:
    stops = [list(found) for _, found in groupby(rows, lambda row: row["delivery_id"])]
    products: dict[UUID, LoadedItemView] = {}
    for row in rows:
        item = _item(row)
        former = products.get(item.product_id)
        if former is not None:
            item = item.model_copy(update={"quantity": item.quantity + former.quantity})
        products[item.product_id] = item
    return LoadedTripView(
        trip=number,
        weight_kg=sum(found[0]["weight_kg"] for found in stops),
        volume_m3=sum(found[0]["volume_m3"] for found in stops),
        products=sorted(products.values(), key=lambda item: (item.name, item.sku)),
        loading_order=[
            LoadedStopView(
                **{name: found[0][name] for name in LoadedStopView.model_fields if name != "items"},
                items=[_item(row) for row in found],
            )
            for found in stops
        ],
    )


def _item(row: Record) -> LoadedItemView:
    columns: dict[str, Any] = {name: row[name] for name in LoadedItemView.model_fields}
    return LoadedItemView(**columns)


def _done(call: Call, action: str, route: Written, after: object = None) -> Reply:
    call.audit(action, "route", route.id, after=after)
    return Reply(route.body, version=route.version)
