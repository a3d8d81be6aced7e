"""Routes on their way: who drives them, when they leave, and what they have cost when they are back.

Locks are taken in this order: route, orders by id, deliveries, document counter, event head.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from handlers import orders
from handlers.changes import CheckVersion, any_version
from handlers.deliveries.rules import INSIDE, Caller
from handlers.delivery_routes.planner import check_driver
from handlers.delivery_routes.planning import trip_cost
from handlers.delivery_states import OPEN, ROUTE, allowed_on_routes
from handlers.orders.rules import Written
from handlers.settings import TenantSettings
from runtime.data.queries import sql
from runtime.data.transactions import Record, TenantTransaction
from runtime.errors import ConflictError, NotFoundError
from runtime.events.catalogue import DeliveryRouteFinished, DeliveryStatusChanged
from runtime.events.log import emit

# Somebody forgot to say that the vehicle is back.
_LONGEST = timedelta(hours=24)


async def get(tx: TenantTransaction, route_id: UUID, caller: Caller = INSIDE) -> Written:
    """A route as it is; 404 when there is none, 403 when it is another driver's."""
    row = await tx.fetch_one(sql.get_route, id=route_id, allowed=allowed_on_routes(caller.permissions))
    if row is None:
        raise NotFoundError
    caller.check_own(row["driver_id"])
    return Written(route_id, row["version"], row["body"])


async def set_driver(
    tx: TenantTransaction,
    route_id: UUID,
    driver_id: UUID | None,
    caller: Caller = INSIDE,
    check_version: CheckVersion = any_version,
) -> Written:
    """Say who drives, before the vehicle leaves; 404 for somebody who is no driver of the store."""
    row = await _lock(tx, route_id, "update", caller)
    check_version(row["version"])
    await check_driver(tx, driver_id, "/driver_id")
    await tx.execute(sql.set_route_driver, id=route_id, driver_id=driver_id)
    return await get(tx, route_id, caller)


async def depart(tx: TenantTransaction, route_id: UUID, caller: Caller = INSIDE) -> Written:
    """planned -> out, with all of its deliveries; orders still being prepared are dispatched. 409 without a driver."""
    row = await _lock(tx, route_id, "depart", caller)
    if row["driver_id"] is None:
        raise ConflictError("no_driver", "Say who drives first.", "Informe antes quem dirige.")
    loaded = await tx.fetch_all(sql.list_route_deliveries, route_id=route_id)
    if not any(one["status"] == "assigned" for one in loaded):
        raise ConflictError("nothing_loaded", "The route has no delivery.", "A rota não tem entregas.")
    for order in await tx.fetch_all(sql.lock_orders_to_dispatch, route_id=route_id):
        await orders.dispatch(tx, order["id"])
    await tx.execute(sql.send_route_out, id=route_id)
    for one in await tx.fetch_all(sql.send_deliveries_out, route_id=route_id):
        emit(
            tx,
            DeliveryStatusChanged(
                delivery_id=one["id"],
                order_id=one["order_id"],
                route_id=route_id,
                previous="assigned",
                status="out",
            ),
        )
    return await get(tx, route_id, caller)


async def finish(
    tx: TenantTransaction,
    settings: TenantSettings,
    route_id: UUID,
    driven_km: Decimal | None = None,
    caller: Caller = INSIDE,
) -> Written:
    """out -> finished: the vehicle is back. 409 while a delivery has neither arrived nor failed."""
    row = await _lock(tx, route_id, "finish", caller)
    loaded = await tx.fetch_all(sql.list_route_deliveries, route_id=route_id)
    waiting = [str(one["id"]) for one in loaded if one["status"] in OPEN]
    if waiting:
        raise ConflictError(
            "deliveries_open",
            "Deliver or fail every delivery of the route first.",
            "Antes, conclua todas as entregas da rota.",
            delivery_ids=waiting,
        )
    driven_m = None if driven_km is None else int(driven_km * 1000)
    took = min(tx.now - row["departed_at"], _LONGEST)
    duration_s = max(0, int(took.total_seconds()))
    metres = row["planned_distance_m"] if driven_m is None else driven_m
    cost = trip_cost(settings, metres, duration_s)
    await tx.execute(
        sql.finish_route,
        id=route_id,
        driven_distance_m=driven_m,
        planned_cost=row["planned_cost"],
        cost=cost,
    )
    emit(
        tx,
        DeliveryRouteFinished(
            route_id=route_id,
            deliveries=sum(one["status"] != "cancelled" for one in loaded),
            planned_distance_m=row["planned_distance_m"],
            driven_distance_m=driven_m,
            duration_s=duration_s,
            planned_cost=row["planned_cost"],
            cost=cost,
        ),
    )
    return await get(tx, route_id, caller)


async def cancel(tx: TenantTransaction, route_id: UUID, caller: Caller = INSIDE) -> Written:
    """planned -> cancelled: its deliveries wait for another vehicle."""
    await _lock(tx, route_id, "cancel", caller)
    loaded = await tx.fetch_all(sql.list_route_deliveries, route_id=route_id)
    waiting = [one for one in loaded if one["status"] == "assigned"]
    await tx.execute(sql.release_deliveries, ids=sorted(one["id"] for one in waiting))
    await tx.execute(sql.cancel_routes, ids=[route_id])
    for one in waiting:
        emit(
            tx,
            DeliveryStatusChanged(
                delivery_id=one["id"], order_id=one["order_id"], previous="assigned", status="planned"
            ),
        )
    return await get(tx, route_id, caller)


async def _lock(tx: TenantTransaction, route_id: UUID, action: str, caller: Caller) -> Record:
    row = await tx.fetch_one(sql.lock_route, id=route_id)
    if row is None:
        raise NotFoundError
    caller.check_own(row["driver_id"])
    if row["status"] not in ROUTE.sources(action):
        raise ROUTE.conflict(row["status"], action, caller.permissions)
    return row
