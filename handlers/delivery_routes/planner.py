"""Planning a day: read, solve in another process, write; no transaction is open while the solver runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import anyio
import anyio.to_process
from anyio import BrokenWorkerProcess

from handlers.delivery_routes.models import CrewNew, LeftOutView, PlanNew, PlanView
from handlers.delivery_routes.planning import DayPlan, Facts, PlannedRoute
from handlers.delivery_states import allowed_on_routes
from handlers.insights.explanations import Numbers
from handlers.lines import unknown_reference
from handlers.own_transactions import transaction
from handlers.route_solver import Problem, Solution, solve, solve_in_background
from handlers.suppliers.prices import local_day
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.errors import ConflictError, RetryLaterError
from runtime.events.catalogue import DeliveryStatusChanged
from runtime.events.log import emit
from runtime.web.call import Call
from runtime.web.problems import field_refused

MAX_STOPS = 300

# One at a time: each keeps a processor busy. Whoever waits longer than this is asked to come again.
_SOLVING = anyio.CapacityLimiter(1)
_PATIENCE_S = 5.0

_REASONS = {
    "too_heavy": (
        "Mais pesada do que qualquer veículo leva; divida-a em entregas menores.",
        "Heavier than any vehicle carries; split it into smaller deliveries.",
    ),
    "too_large": (
        "Maior do que qualquer veículo leva; divida-a em entregas menores.",
        "Larger than any vehicle carries; split it into smaller deliveries.",
    ),
    "window_over": (
        "A janela combinada está fora do horário de entregas deste dia.",
        "Its window lies outside of this day's delivery hours.",
    ),
    "no_room": (
        "Não cabe nos veículos e no horário deste dia.",
        "There is no room for it in this day's vehicles and hours.",
    ),
}


@dataclass(frozen=True, slots=True)
class SolvedDay:
    """A day's plan before it is written."""

    plan: DayPlan
    solution: Solution


async def solve_day(call: Call[Any], body: PlanNew) -> SolvedDay:
    """Read what there is and find out what goes where.

    404 for an unknown vehicle or driver, 422 for a day that is over or without vehicles, 503 when the solver is busy.
    """
    settings, time_zone = call.tenant.settings, call.tenant.time_zone
    async with transaction(call) as tx:
        if body.day < local_day(tx.now, time_zone):
            raise field_refused("/day", "past", "The day is over.", "O dia já passou.")
        plan = DayPlan(await read_facts(tx, body), settings, time_zone, tx.now)
    if plan.facts.deliveries and not plan.facts.vehicles:
        raise field_refused(
            "/vehicles",
            "none",
            "There is no vehicle to plan with.",
            "Não há veículo disponível para planejar.",
        )
    return SolvedDay(plan, await run_solver(plan.problem(body.seconds)))


async def keep_day(tx: TenantTransaction, solved: SolvedDay, call: Call[Any]) -> str:
    """Write a solved day and answer it as JSON; 409 when what was planned with has changed meanwhile."""
    plan, day = solved.plan, solved.plan.facts.day
    written = await write_plan(tx, plan, plan.routes(solved.solution), call.locale)
    bodies = [
        row["body"]
        for row in await tx.fetch_all(
            sql.list_day_routes, day=day, allowed=allowed_on_routes(call.identity.permissions)
        )
    ]
    left_out = [_left_out(row, reason, call.locale) for row, reason in plan.left_out(solved.solution)]
    outcome = {"day": day.isoformat(), "routes": written, "left_out": len(left_out)}
    call.audit("routes.planned", "route", None, after=outcome)
    said = [*plan.assumptions(call.locale), *plan.unmeasured(call.locale)]
    view = PlanView.model_construct(day=day, routes=[], left_out=left_out, explanation=said)
    # The routes come from the database as JSON, as everywhere else.
    return view.model_dump_json().replace('"routes":[]', f'"routes":[{",".join(bodies)}]', 1)


async def read_facts(tx: TenantTransaction, body: PlanNew) -> Facts:
    """What there is to plan with; vehicles that are out on that day only when they are named."""
    deliveries = await tx.fetch_all(sql.list_plannable_deliveries, day=body.day, limit=MAX_STOPS)
    vehicles = await tx.fetch_all(sql.list_plannable_vehicles, day=body.day)
    known = {row["id"]: row for row in vehicles if row["active"]}
    drivers: dict[UUID, UUID | None] = {}
    if body.vehicles is None:
        chosen = [row for row in known.values() if not row["out"] or row["route_id"] is not None]
    else:
        await _check_crews(tx, body.vehicles, known)
        drivers = {crew.vehicle_id: crew.driver_id for crew in body.vehicles}
        chosen = [known[vehicle_id] for vehicle_id in drivers]
    references = await tx.fetch_all(sql.list_place_references)
    return Facts(
        day=body.day,
        deliveries=deliveries,
        vehicles=chosen,
        references={row["prefix"]: (row["latitude"], row["longitude"]) for row in references},
        drivers=drivers,
    )


async def run_solver(problem: Problem) -> Solution:
    """The solution, found in a process of its own that is kept for the next time; small problems that need no search
    are answered here. 503 when others have been waiting for too long or the process was lost."""
    if len(problem.stops) == 0 or not problem.trucks:
        return solve(problem)
    try:
        with anyio.fail_after(_PATIENCE_S):
            await _SOLVING.acquire()
    except TimeoutError:
        raise RetryLaterError("another day is being planned", 10) from None
    try:
        return await anyio.to_process.run_sync(solve_in_background, problem, cancellable=True)
    except BrokenWorkerProcess as error:
        raise RetryLaterError("the solver's process was lost") from error
    finally:
        _SOLVING.release()


async def write_plan(
    tx: TenantTransaction, plan: DayPlan, routes: Sequence[PlannedRoute], locale: str
) -> int:
    """Write the routes and put the deliveries on them; those left out wait again. Returns how many routes there are."""
    day = plan.facts.day
    deliveries = {row["id"]: row for row in plan.facts.deliveries}
    former = {row["id"]: row["vehicle_id"] for row in await tx.fetch_all(sql.lock_planned_routes, day=day)}
    held = await tx.fetch_all(sql.lock_planned_deliveries, ids=sorted(deliveries))
    unchanged = len(held) == len(deliveries) and all(
        row["version"] == deliveries[row["id"]]["version"] for row in held
    )
    others = await tx.fetch_value(sql.count_other_assigned, route_ids=list(former), ids=list(deliveries))
    if not unchanged or others:
        raise ConflictError(
            "plan_outdated",
            "Deliveries have changed while the day was being planned; plan it again.",
            "As entregas mudaram durante o planejamento; planeje novamente.",
        )
    warnings = plan.unmeasured(locale)
    columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
    for route in sorted(routes, key=lambda one: one.vehicle_id):
        route_id = await tx.fetch_value(
            sql.upsert_planned_route,
            id=new_id(),
            day=day,
            vehicle_id=route.vehicle_id,
            driver_id=plan.facts.drivers.get(route.vehicle_id),
            planned_departure=route.departure,
            planned_return=route.back,
            planned_distance_m=route.distance_m,
            planned_duration_s=route.duration_s,
            planned_cost=route.cost,
            explanation=[*plan.assumptions(locale, [leg.place for leg in route.legs]), *warnings],
        )
        for leg in route.legs:
            values = (
                leg.delivery["id"], route_id, leg.position, leg.trip, leg.place.by, leg.arrival,
                leg.distance_m, leg.duration_s, leg.cost,
            )  # fmt: skip
            for name, value in zip(_COLUMNS, values, strict=True):
                columns[name].append(value)
    if columns["ids"]:
        await tx.execute(sql.assign_deliveries, **columns)
    released = sorted(set(deliveries) - set(columns["ids"]))
    await tx.execute(sql.release_deliveries, ids=released)
    emptied = [
        route_id
        for route_id, vehicle_id in former.items()
        if vehicle_id not in {route.vehicle_id for route in routes}
    ]
    await tx.execute(sql.cancel_routes, ids=emptied)
    route_of = dict(zip(columns["ids"], columns["route_ids"], strict=True))
    for row in held:
        _tell(tx, row, route_of.get(row["id"]))
    return len(routes)


_COLUMNS = (
    "ids", "route_ids", "positions", "trips", "placed_by", "planned_arrivals", "leg_distances", "leg_durations",
    "planned_costs",
)  # fmt: skip


def _tell(tx: TenantTransaction, row: Mapping[str, Any], route_id: UUID | None) -> None:
    status = "planned" if route_id is None else "assigned"
    if row["status"] != status:
        emit(
            tx,
            DeliveryStatusChanged(
                delivery_id=row["id"],
                order_id=row["order_id"],
                route_id=route_id,
                previous=row["status"],
                status=status,
            ),
        )


async def _check_crews(
    tx: TenantTransaction, crews: Sequence[CrewNew], known: Mapping[UUID, Mapping[str, Any]]
) -> None:
    for at, crew in enumerate(crews):
        if crew.vehicle_id not in known:
            raise unknown_reference(f"/vehicles/{at}/vehicle_id", "vehicle_not_found", "vehicle", "veículo")
        await check_driver(tx, crew.driver_id, f"/vehicles/{at}/driver_id")


async def check_driver(tx: TenantTransaction, driver_id: UUID | None, pointer: str) -> None:
    """404 unless the store has such an active driver (or owner)."""
    if driver_id is None:
        return
    if not await tx.fetch_all(sql.list_drivers, ids=[driver_id]):
        raise unknown_reference(pointer, "driver_not_found", "driver", "motorista")


def _left_out(row: Mapping[str, Any], reason: Any, locale: str) -> LeftOutView:
    portuguese, english = _REASONS[reason]
    said = portuguese if Numbers(locale).portuguese else english
    return LeftOutView(delivery_id=row["id"], number=row["number"], reason=reason, explanation=said)
