"""Planning and driving a day over HTTP, with the real solver in its own process."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import pytest

from handlers.delivery_routes import planner
from handlers.delivery_routes.models import LoadingSheetView, PlanView, RouteView
from handlers.route_solver import Problem, Stop, Truck
from tests.support.delivering import PROOF, STORE_AT, Depot, tomorrow


async def test_a_day_is_planned_within_the_vehicles_capacity(depot: Depot) -> None:
    orders = [
        await depot.order("30", await depot.site(STORE_AT[0] + 0.01 * n, STORE_AT[1] - 0.01 * n))
        for n in range(1, 4)
    ]
    plan = await depot.plan()
    PlanView.model_validate(plan)
    [route] = plan["routes"]
    assert plan["left_out"] == []
    assert (route["status"], route["driver_id"], route["allowed_actions"]) == (
        "planned",
        depot.driver_id,
        ["update", "cancel"],
    )
    by_trip: dict[int, float] = {}
    for stop in route["stops"]:
        by_trip[stop["trip"]] = by_trip.get(stop["trip"], 0) + float(stop["weight_kg"])
    assert sorted(by_trip.values()) == [1500, 3000]
    assert {stop["placed_by"] for stop in route["stops"]} == {"coordinates"}
    assert [stop["position"] for stop in route["stops"]] == [1, 2, 3]
    arrivals = [stop["planned_arrival"] for stop in route["stops"]]
    assert arrivals == sorted(arrivals)
    assert route["explanation"] == []
    assert route["planned_distance_m"] > 0
    shown = [(await depot.deliveries(order))[0] for order in orders]
    assert sum(float(one["planned_cost"]) for one in shown) == pytest.approx(
        float(route["planned_cost"]), abs=0.03
    )


async def test_a_plan_says_what_it_had_to_assume_and_leaves_out(depot: Depot) -> None:
    await depot.order("1", await depot.site(postal_code="13010-111", latitude=-22.91, longitude=-47.06))
    await depot.order("1", await depot.site(postal_code="13010-222"))
    await depot.order("1", await depot.site(postal_code="70000-000"))
    await depot.order("1", await depot.site())
    heavy = await depot.order("61")
    plan = await depot.plan()
    placed = {stop["placed_by"] for stop in plan["routes"][0]["stops"]}
    assert placed == {"coordinates", "postal_code", "cluster", "unknown"}
    assert len(plan["explanation"]) == 3
    [left] = plan["left_out"]
    assert (left["reason"], left["delivery_id"]) == ("too_heavy", (await depot.deliveries(heavy))[0]["id"])
    assert "divida-a" in left["explanation"]


async def test_windows_are_kept_and_a_window_outside_of_the_day_is_left_out(depot: Depot) -> None:
    early, late, never = [await depot.order("1") for _ in range(3)]
    day = tomorrow()
    windows = {
        early["id"]: (f"{day}T09:00:00-03:00", f"{day}T10:00:00-03:00"),
        late["id"]: (f"{day}T15:00:00-03:00", f"{day}T16:00:00-03:00"),
        never["id"]: (f"{day}T22:00:00-03:00", f"{day}T23:00:00-03:00"),
    }
    for order_id, (first, last) in windows.items():
        [delivery] = await depot.deliveries({"id": order_id})
        body = {"window_from": first, "window_to": last}
        await depot.keeper.json("PATCH", f"deliveries/{delivery['id']}", body, status=200)
    plan = await depot.plan()
    arrivals = [stop["planned_arrival"][11:13] for stop in plan["routes"][0]["stops"]]
    assert len(arrivals) == 2
    assert [one["reason"] for one in plan["left_out"]] == ["window_over"]
    shown = [(await depot.deliveries(order))[0] for order in (early, late)]
    for one in shown:
        assert one["window_from"] <= one["planned_arrival"] <= one["window_to"]


async def test_what_is_locked_stays_on_its_vehicle_when_the_day_is_planned_anew(depot: Depot) -> None:
    truck = {"plate": "ABC1D23", "name": "Second", "capacity_kg": "3000", "capacity_m3": "12"}
    other = (await depot.make("vehicles", truck))["id"]
    order = await depot.order("1")
    await depot.plan(vehicles=[{"vehicle_id": other}])
    [delivery] = await depot.deliveries(order)
    await depot.keeper.json("PATCH", f"deliveries/{delivery['id']}", {"locked": True}, status=200)
    for n in range(5):
        await depot.order("10", await depot.site(STORE_AT[0] - 0.01 * n, STORE_AT[1]))
    plan = await depot.plan(vehicles=None)
    [held] = await depot.deliveries(order)
    on = {route["id"]: route["vehicle_id"] for route in plan["routes"]}
    assert on[held["route_id"]] == other
    statuses = [
        event["status"]
        for event in await depot.events("delivery_status")
        if event["delivery_id"] == held["id"]
    ]
    assert statuses == ["planned", "assigned"]


async def test_planning_anew_moves_everything_that_has_not_left(depot: Depot) -> None:
    first = await depot.order("2")
    [route] = (await depot.plan())["routes"]
    await depot.order("2")
    [again] = (await depot.plan())["routes"]
    assert (again["id"], again["version"], len(again["stops"])) == (route["id"], 2, 2)
    cancelled = await depot.keeper.json("POST", f"routes/{route['id']}/cancel", status=200)
    assert (cancelled["status"], cancelled["stops"]) == ("cancelled", [])
    assert (await depot.deliveries(first))[0]["status"] == "planned"
    await depot.keeper.json("POST", f"routes/{route['id']}/cancel", status=409)


async def test_a_route_leaves_with_a_driver_and_comes_back_with_its_cost(depot: Depot) -> None:
    order = await depot.order("2", dispatched=False)
    await depot.make("deliveries", {"order_id": order["id"]})
    [route] = (await depot.plan(vehicles=[{"vehicle_id": depot.vehicle}]))["routes"]
    path = f"routes/{route['id']}"
    assert (await depot.make(f"{path}/depart", status=409))["code"] == "no_driver"
    seller = str(depot.store.users["seller"])
    assert (await depot.keeper.json("PATCH", path, {"driver_id": seller}, status=404))["status"] == 404
    named = await depot.keeper.json("PATCH", path, {"driver_id": depot.driver_id}, status=200)
    assert named["driver_name"] == "driver"
    left = await depot.driver.json("POST", f"{path}/depart", status=200)
    RouteView.model_validate(left)
    assert (left["status"], left["allowed_actions"]) == ("out", ["finish"])
    assert (await depot.api.json("GET", f"orders/{order['id']}"))["status"] == "out_for_delivery"
    open_yet = await depot.driver.json("POST", f"{path}/finish", {}, status=409)
    [delivery] = await depot.deliveries(order)
    assert (open_yet["code"], open_yet["delivery_ids"]) == ("deliveries_open", [delivery["id"]])
    await depot.driver.json("POST", f"deliveries/{delivery['id']}/deliver", PROOF, status=200)
    await depot.owner.execute("update routes set departed_at = departed_at - interval '2 hours'")
    back = await depot.driver.json("POST", f"{path}/finish", {"driven_km": "10.5"}, status=200)
    # 10.5 km at 3.50 and two hours at 45.00.
    assert (back["status"], back["driven_distance_m"]) == ("finished", 10500)
    assert float(back["cost"]) == pytest.approx(36.75 + 90, abs=0.2)
    [delivery] = await depot.deliveries(order)
    assert delivery["cost"] == back["cost"]


async def test_the_loading_sheet_sums_products_and_loads_the_last_stop_first(depot: Depot) -> None:
    for n in range(1, 4):
        await depot.order("30", await depot.site(STORE_AT[0] + 0.01 * n, STORE_AT[1]))
    [route] = (await depot.plan())["routes"]
    sheet = await depot.driver.json("GET", f"routes/{route['id']}/loading-sheet", status=200)
    LoadingSheetView.model_validate(sheet)
    assert [[p["quantity"] for p in trip["products"]] for trip in sheet["trips"]] in (
        [["60.000"], ["30.000"]],
        [["30.000"], ["60.000"]],
    )
    for trip in sheet["trips"]:
        positions = [stop["position"] for stop in trip["loading_order"]]
        assert positions == sorted(positions, reverse=True)


async def test_days_that_are_over_and_unknown_crews_are_refused(depot: Depot) -> None:
    yesterday = str(date.fromisoformat(tomorrow()) - timedelta(days=2))
    assert (await depot.plan(422, day=yesterday))["errors"][0]["pointer"] == "/day"
    unknown = [{"vehicle_id": depot.customer}]
    assert (await depot.plan(404, vehicles=unknown))["code"] == "vehicle_not_found"
    nobody = [{"vehicle_id": depot.vehicle, "driver_id": str(depot.store.users["finance"])}]
    assert (await depot.plan(404, vehicles=nobody))["code"] == "driver_not_found"
    assert (await depot.plan(seconds=1))["routes"] == []
    await depot.api.json("PATCH", f"vehicles/{depot.vehicle}", {"active": False}, status=200)
    await depot.order("1")
    assert (await depot.plan(422, vehicles=None))["errors"][0]["pointer"] == "/vehicles"
    assert (await depot.driver.post("routes/plan", json={"day": tomorrow()})).status == 403


async def test_a_plan_made_of_what_has_changed_meanwhile_is_not_written(
    depot: Depot, monkeypatch: pytest.MonkeyPatch
) -> None:
    [delivery] = await depot.deliveries(await depot.order("1"))
    solve = planner.run_solver

    async def overtaken(problem: Problem) -> object:
        await depot.keeper.json("PATCH", f"deliveries/{delivery['id']}", {"notes": "x"}, status=200)
        return await solve(problem)

    monkeypatch.setattr(planner, "run_solver", overtaken)
    assert (await depot.plan(409))["code"] == "plan_outdated"
    assert (await depot.deliveries({"id": delivery["order_id"]}))[0]["status"] == "planned"


async def test_a_store_without_coordinates_plans_from_the_middle_and_says_so(depot: Depot) -> None:
    nowhere = {"settings": {"latitude": None, "longitude": None}}
    await depot.api.json("PATCH", "settings", nowhere, status=200)
    half = {"settings": {"latitude": -22}}
    await depot.api.json("PATCH", "settings", half, status=422)
    await depot.order("1")
    plan = await depot.plan()
    assert len(plan["routes"]) == 1
    assert "A loja não tem coordenadas" in plan["explanation"][0]


async def test_the_event_loop_keeps_turning_while_a_day_is_solved() -> None:
    places = range(81)
    matrix = tuple(tuple(abs(a - b) * 700 + (a * b) % 501 if a != b else 0 for b in places) for a in places)
    stops = tuple(Stop(grams=(n % 9 + 1) * 100_000, litres=100) for n in range(80))
    problem = Problem(stops, (Truck(2_000_000, 9_000),) * 4, matrix, matrix, 0, 10**6, 60, 60, budget_s=3)
    near = ((0, 700), (700, 0))
    await planner.run_solver(Problem(stops[:1], problem.trucks, near, near, 0, 10**6, 60, 60, 0.5))
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.005)
            turns += 1

    counting = asyncio.create_task(count_turns())
    solution = await planner.run_solver(problem)
    counting.cancel()
    assert sum(len(tour.visits) for tour in solution.tours) == 80
    # A solver on the loop's own thread would let it turn once, before it begins.
    assert turns > 20


async def test_a_day_planned_again_under_its_key_is_not_planned_twice(depot: Depot) -> None:
    await depot.order()
    body = {"day": tomorrow(), "vehicles": [{"vehicle_id": depot.vehicle}], "seconds": 1}
    key = {"Idempotency-Key": "plan-1"}
    first = await depot.keeper.post("routes/plan", json=body, headers=key)
    planned = await first.json()
    assert (first.status, len(planned["routes"])) == (200, 1)
    await depot.order()
    again = await depot.keeper.post("routes/plan", json=body, headers=key)
    assert (again.status, again.headers["Idempotent-Replayed"]) == (200, "true")
    assert await again.json() == planned
    assert len(await depot.owner.fetch("select from audit_log where action = 'routes.planned'")) == 1
    waiting = await depot.api.json("GET", "deliveries?status=planned", status=200)
    assert len(waiting["items"]) == 1
