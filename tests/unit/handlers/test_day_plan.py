"""From the store's facts to the solver's problem and back, with what had to be assumed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from handlers.delivery_routes.places import Place, distance_m, distances, haversine_m, place
from handlers.delivery_routes.planning import DayPlan, Facts, trip_cost
from handlers.route_solver import Solution, Tour, Visit
from handlers.settings import TenantSettings

DAY = date(2026, 12, 1)
BEFORE = datetime(2026, 11, 30, 12, tzinfo=UTC)
SETTINGS = TenantSettings(
    latitude=-22.9,
    longitude=-47.06,
    delivery_cost_per_km=Decimal("2.00"),
    delivery_cost_per_hour=Decimal("30.00"),
)
TRUCK = {"id": UUID(int=1), "capacity_kg": Decimal("1000.0005"), "capacity_m3": Decimal("5.5")}


def delivery(number: int, **given: Any) -> dict[str, Any]:
    return {
        "id": UUID(int=100 + number),
        "number": f"ENT-{number:06}",
        "priority": 1,
        "window_from": None,
        "window_to": None,
        "weight_kg": Decimal("100"),
        "volume_m3": Decimal("0.5"),
        "measured": True,
        "latitude": -22.91,
        "longitude": -47.06,
        "postal_code": None,
        "locked_to": None,
        **given,
    }


def plan(
    *deliveries: dict[str, Any], now: datetime = BEFORE, settings: TenantSettings = SETTINGS, **more: Any
) -> DayPlan:
    facts = Facts(DAY, deliveries, [TRUCK], more.get("references", {}), {})
    return DayPlan(facts, settings, "America/Sao_Paulo", now)


def test_haversine_gives_the_known_distance_between_two_cities() -> None:
    # São Paulo (Sé) to Campinas (Largo do Rosário), about 83 km as the crow flies.
    assert haversine_m(-23.5505, -46.6333, -22.9056, -47.0608) == pytest.approx(84_000, rel=0.02)


def test_places_come_from_coordinates_then_from_the_cep() -> None:
    known = {"13010": (-22.905, -47.061), "130": (-22.9, -47.0)}
    assert place(-1.0, -2.0, "13010111", known).by == "coordinates"
    assert place(None, None, "13010111", known) == Place(-22.905, -47.061, "13010111", "postal_code")
    assert place(None, None, "13099111", known).latitude == -22.9
    assert place(None, None, "70000000", known) == Place(None, None, "70000000", "cluster")
    assert place(None, None, None, known).by == "unknown"


def test_equal_beginnings_of_ceps_lie_nearer() -> None:
    one = place(None, None, "13010111", {})
    others = [
        place(None, None, cep, {}) for cep in ("13010111", "13010222", "13013000", "13500000", "70000000")
    ]
    metres = [distance_m(one, other) for other in others]
    assert metres == sorted(metres)
    assert len(set(metres)) == len(metres)
    matrix = distances([one, *others])
    assert all(matrix[a][b] == matrix[b][a] for a in range(6) for b in range(6))
    assert [matrix[n][n] for n in range(6)] == [0] * 6


def test_loads_are_rounded_up_and_capacities_down() -> None:
    problem = plan(delivery(1, weight_kg=Decimal("0.0001"), volume_m3=Decimal("0.0011"))).problem(1)
    assert (problem.stops[0].grams, problem.stops[0].litres) == (1, 2)
    assert (problem.trucks[0].grams, problem.trucks[0].litres) == (1_000_000, 5_500)


def test_windows_are_seconds_of_the_stores_day() -> None:
    window = {
        "window_from": datetime(2026, 12, 1, 12, tzinfo=UTC),
        "window_to": datetime(2026, 12, 1, 14, 30, tzinfo=UTC),
    }
    [stop] = plan(delivery(1, **window)).problem(1).stops
    assert (stop.earliest, stop.latest) == (9 * 3600, 11 * 3600 + 1800)


def test_todays_plan_begins_now_and_tomorrows_in_the_morning() -> None:
    assert plan().opens == 8 * 3600
    assert plan(now=datetime(2026, 12, 1, 16, tzinfo=UTC)).opens == 13 * 3600
    late = plan(now=datetime(2026, 12, 1, 23, tzinfo=UTC))
    assert late.opens == late.closes == 20 * 3600


def test_a_routes_cost_is_borne_by_its_deliveries() -> None:
    made = plan(delivery(1), delivery(2))
    visits = (Visit(1, 1, 9 * 3600, 4_000, 1_800), Visit(0, 1, 10 * 3600, 1_000, 900))
    [route] = made.routes(Solution((Tour(0, visits, 8 * 3600, 11 * 3600, 9_000),), ()))
    assert route.cost == Decimal("108.00")  # 9 km at 2, 3 hours at 30
    assert [leg.delivery["number"] for leg in route.legs] == ["ENT-000002", "ENT-000001"]
    assert sum(leg.cost for leg in route.legs) == route.cost
    assert route.legs[0].cost > route.legs[1].cost
    assert route.departure == datetime(2026, 12, 1, 11, tzinfo=UTC)
    assert route.back - route.departure == timedelta(hours=3)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"weight_kg": Decimal("1001")}, "too_heavy"),
        ({"volume_m3": Decimal("5.6")}, "too_large"),
        ({"window_to": datetime(2026, 11, 30, tzinfo=UTC)}, "window_over"),
        ({"window_from": datetime(2026, 12, 3, tzinfo=UTC)}, "window_over"),
        ({}, "no_room"),
    ],
)
def test_the_reason_for_leaving_out_is_told(given: dict[str, Any], reason: str) -> None:
    [(_, told)] = plan(delivery(1, **given)).left_out(Solution((), (0,)))
    assert told == reason


def test_what_was_assumed_is_said_in_both_languages() -> None:
    nowhere = {"latitude": None, "longitude": None}
    made = plan(
        delivery(1, **nowhere),
        delivery(2, **nowhere, postal_code="70000000", measured=False),
        delivery(3, **nowhere, postal_code="13010222"),
        delivery(4),
        settings=TenantSettings(),
        references={"13010": (-22.9, -47.0)},
    )
    portuguese, english = made.assumptions("pt-BR"), made.assumptions("en")
    assert len(portuguese) == len(english) == 4
    assert portuguese[1] == "1 entrega sem coordenadas: lugar estimado por endereços conhecidos do mesmo CEP."
    assert english[3] == "1 delivery without coordinates or CEP: the distance is a guess."
    assert made.unmeasured("en") == ["1 delivery with a product whose weight or volume is unknown."]
    assert plan(delivery(1)).assumptions("pt-BR") == plan(delivery(1)).unmeasured("pt-BR") == []


def test_driving_costs_distance_and_time() -> None:
    assert trip_cost(SETTINGS, 10_500, 5_400) == Decimal("66.00")
    assert trip_cost(SETTINGS, 0, 0) == 0
