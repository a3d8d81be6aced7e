"""Planning a day: what is to be delivered with which vehicles, as a problem for the solver and back as routes.

Pure: facts go in, a problem comes out; the solver's answer goes in, routes come out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from handlers.delivery_routes.models import LeftOutReason
from handlers.delivery_routes.places import Place, References, distances, middle, place
from handlers.insights.explanations import Numbers
from handlers.lines import round_half_up
from handlers.route_solver import Problem, Solution, Stop, Tour, Truck
from handlers.settings import TenantSettings

_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Facts:
    """What a day's plan is made of; rows as the queries of planning give them."""

    day: date
    deliveries: Sequence[Mapping[str, Any]]
    vehicles: Sequence[Mapping[str, Any]]
    references: References
    drivers: Mapping[UUID, UUID | None]


@dataclass(frozen=True, slots=True)
class Leg:
    """A stop as it is written to its delivery."""

    delivery: Mapping[str, Any]
    place: Place
    position: int
    trip: int
    arrival: datetime
    distance_m: int
    duration_s: int
    cost: Decimal


@dataclass(frozen=True, slots=True)
class PlannedRoute:
    """A vehicle's day as it is written to its route."""

    vehicle_id: UUID
    departure: datetime
    back: datetime
    distance_m: int
    duration_s: int
    cost: Decimal
    legs: Sequence[Leg]


class DayPlan:
    """The plan of one day in one store."""

    def __init__(self, facts: Facts, settings: TenantSettings, time_zone: str, now: datetime) -> None:
        self.facts = facts
        self._settings = settings
        self._zone = ZoneInfo(time_zone)
        self._midnight = datetime.combine(facts.day, time(), self._zone)
        self.opens = max(self._second_of(settings.delivery_day_starts), min(_DAY_S, self._second(now)))
        self.closes = max(self.opens, self._second_of(settings.delivery_day_ends))
        self._places = [
            place(row["latitude"], row["longitude"], row["postal_code"], facts.references)
            for row in facts.deliveries
        ]
        self._store, self._store_known = self._place_of_store()

    def problem(self, budget_s: float) -> Problem:
        """What the solver is asked."""
        metres = distances([self._store, *self._places])
        per_second = self._settings.delivery_speed_kmh / 3.6
        trucks = {vehicle["id"]: number for number, vehicle in enumerate(self.facts.vehicles)}
        return Problem(
            stops=tuple(
                Stop(
                    grams=_scaled(row["weight_kg"], ROUND_CEILING),
                    litres=_scaled(row["volume_m3"], ROUND_CEILING),
                    earliest=self._optional_second(row["window_from"]),
                    latest=self._optional_second(row["window_to"]),
                    priority=row["priority"],
                    truck=trucks.get(row["locked_to"]),
                )
                for row in self.facts.deliveries
            ),
            trucks=tuple(
                Truck(
                    grams=_scaled(vehicle["capacity_kg"], ROUND_FLOOR),
                    litres=_scaled(vehicle["capacity_m3"], ROUND_FLOOR),
                )
                for vehicle in self.facts.vehicles
            ),
            distances=tuple(map(tuple, metres)),
            durations=tuple(tuple(round(metre / per_second) for metre in row) for row in metres),
            opens=self.opens,
            closes=self.closes,
            stop_s=self._settings.delivery_stop_minutes * 60,
            loading_s=self._settings.delivery_loading_minutes * 60,
            budget_s=budget_s,
        )

    def routes(self, solution: Solution) -> list[PlannedRoute]:
        """The solver's tours as routes, each with what it costs at the store's rates."""
        return [self._route(tour) for tour in solution.tours]

    def left_out(self, solution: Solution) -> list[tuple[Mapping[str, Any], LeftOutReason]]:
        """The deliveries without a place in the plan, and why."""
        return [(self.facts.deliveries[stop], self._reason(stop)) for stop in solution.left_out]

    def assumptions(self, locale: str, only: Sequence[Place] | None = None) -> list[str]:
        """What the plan had to assume, as sentences for people."""
        numbers = Numbers(locale)

        def say(portuguese: str, english: str) -> str:
            return portuguese if numbers.portuguese else english

        places = self._places if only is None else only
        said = []
        if not self._store_known:
            said.append(
                say(
                    "A loja não tem coordenadas nas configurações; os trajetos partem do meio das entregas.",
                    "The store has no coordinates in its settings; routes start in the middle of the deliveries.",
                )
            )
        for by, portuguese, english in _ASSUMED:
            if count := sum(place.by == by for place in places):
                said.append(
                    say(
                        f"{numbers.counted(count, 'entrega', 'entregas')} {portuguese}",
                        f"{numbers.counted(count, 'delivery', 'deliveries')} {english}",
                    )
                )
        return said

    def unmeasured(self, locale: str) -> list[str]:
        """A warning when the weight or volume of something is not known."""
        count = sum(not row["measured"] for row in self.facts.deliveries)
        if not count:
            return []
        numbers = Numbers(locale)
        if numbers.portuguese:
            return [
                f"{numbers.counted(count, 'entrega', 'entregas')} com produto sem peso ou volume cadastrado."
            ]
        return [
            f"{numbers.counted(count, 'delivery', 'deliveries')} with a product whose weight or volume is unknown."
        ]

    def _route(self, tour: Tour) -> PlannedRoute:
        rates = self._settings
        driven = sum(visit.distance_m for visit in tour.visits)
        duration = tour.ends - tour.starts
        cost = trip_cost(rates, tour.distance_m, duration)
        # The ways back and the loading are borne by all alike.
        shared_m = (tour.distance_m - driven) / len(tour.visits)
        shared_s = max(0.0, (duration - sum(visit.duration_s for visit in tour.visits)) / len(tour.visits))
        costs = [
            trip_cost(rates, visit.distance_m + shared_m, visit.duration_s + shared_s)
            for visit in tour.visits
        ]
        return PlannedRoute(
            vehicle_id=self.facts.vehicles[tour.truck]["id"],
            departure=self._moment(tour.starts),
            back=self._moment(tour.ends),
            distance_m=tour.distance_m,
            duration_s=duration,
            cost=cost,
            legs=[
                Leg(
                    delivery=self.facts.deliveries[visit.stop],
                    place=self._places[visit.stop],
                    position=position,
                    trip=visit.trip,
                    arrival=self._moment(visit.arrival),
                    distance_m=visit.distance_m,
                    duration_s=visit.duration_s,
                    cost=own,
                )
                for position, (visit, own) in enumerate(zip(tour.visits, costs, strict=True), 1)
            ],
        )

    def _reason(self, stop: int) -> LeftOutReason:
        row = self.facts.deliveries[stop]
        vehicles = self.facts.vehicles
        if vehicles and row["weight_kg"] > max(vehicle["capacity_kg"] for vehicle in vehicles):
            return "too_heavy"
        if vehicles and row["volume_m3"] > max(vehicle["capacity_m3"] for vehicle in vehicles):
            return "too_large"
        earliest, latest = (self._optional_second(row[name]) for name in ("window_from", "window_to"))
        if (latest is not None and latest < self.opens) or (earliest is not None and earliest > self.closes):
            return "window_over"
        return "no_room"

    def _place_of_store(self) -> tuple[Place, bool]:
        latitude, longitude = self._settings.latitude, self._settings.longitude
        if latitude is not None and longitude is not None:
            return Place(latitude, longitude, None, "coordinates"), True
        if (found := middle(self._places)) is None:
            return Place(None, None, None, "unknown"), False
        return Place(found[0], found[1], None, "unknown"), False

    def _second_of(self, clock: str) -> int:
        hours, minutes = clock.split(":")
        return int(hours) * 3600 + int(minutes) * 60

    def _second(self, moment: datetime) -> int:
        return int((moment - self._midnight).total_seconds())

    def _optional_second(self, moment: datetime | None) -> int | None:
        return None if moment is None else min(max(self._second(moment), -_DAY_S), 2 * _DAY_S)

    def _moment(self, second: int) -> datetime:
        return self._midnight + timedelta(seconds=second)


_ASSUMED = (
    (
        "postal_code",
        "sem coordenadas: lugar estimado por endereços conhecidos do mesmo CEP.",
        "without coordinates: placed by known addresses with the same beginning of the CEP.",
    ),
    (
        "cluster",
        "sem coordenadas: agrupadas pelo início do CEP, com distâncias aproximadas.",
        "without coordinates: grouped by the beginning of the CEP, with rough distances.",
    ),
    (
        "unknown",
        "sem coordenadas nem CEP: a distância é um palpite.",
        "without coordinates or CEP: the distance is a guess.",
    ),
)


def trip_cost(settings: TenantSettings, distance_m: float, duration_s: float) -> Decimal:
    """What driving that far for that long costs at the store's rates, in BRL."""
    kilometres, hours = Decimal(repr(distance_m)) / 1000, Decimal(repr(duration_s)) / 3600
    return round_half_up(kilometres * settings.delivery_cost_per_km + hours * settings.delivery_cost_per_hour)


def _scaled(amount: Decimal, rounding: str) -> int:
    """Thousandths as a whole number, no more than the solver counts."""
    return min(int((amount * 1000).to_integral_value(rounding)), 10**11)
