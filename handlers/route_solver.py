"""The vehicle routing problem of one day and its solution with pyvrp; pure, and made to run in a process of its own.

Lengths are metres, times seconds since midnight at the store, loads grams and litres. Matrices have the store at 0 and
stop n at n + 1. This module imports nothing of the program: the process that solves starts with it alone.
"""

from __future__ import annotations

import contextlib
import os
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MAX_TRIPS = 5
_PARTS = 10_000
# Driving to the farthest stop and back alone is cheaper than leaving out the least important stop, and each step of
# priority weighs as much as four stops of the one below. Larger numbers would only drown the solver's own penalties.
_PRIZE_PER_METRE = 4
_PRIORITY_FACTOR = 4
_NICE = 10
# What the solver calls the cost of a solution that does not hold.
_INFEASIBLE = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Stop:
    """A delivery. ``truck`` is the only one that may take it, when it is locked; priority goes from 0 to 3."""

    grams: int
    litres: int
    earliest: int | None = None
    latest: int | None = None
    priority: int = 1
    truck: int | None = None


@dataclass(frozen=True, slots=True)
class Truck:
    """What a vehicle carries on one trip."""

    grams: int
    litres: int


@dataclass(frozen=True, slots=True)
class Problem:
    """Stops to visit between ``opens`` and ``closes`` by trucks that start from the store and come back to it."""

    stops: Sequence[Stop]
    trucks: Sequence[Truck]
    distances: Sequence[Sequence[int]]
    durations: Sequence[Sequence[int]]
    opens: int
    closes: int
    stop_s: int
    loading_s: int
    budget_s: float
    seed: int = 1
    patience: int | None = None
    """Attempts without an improvement after which to stop; by the number of stops unless given."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A stop on its way: driven from the place before it, which took ``duration_s`` with waiting and unloading."""

    stop: int
    trip: int
    arrival: int
    distance_m: int
    duration_s: int


@dataclass(frozen=True, slots=True)
class Tour:
    """A truck's day, back at the store at ``ends``; ``distance_m`` has the ways back in it."""

    truck: int
    visits: Sequence[Visit]
    starts: int
    ends: int
    distance_m: int


@dataclass(frozen=True, slots=True)
class Solution:
    """The tours, and the stops that no truck can take."""

    tours: Sequence[Tour]
    left_out: Sequence[int]


def solve_in_background(problem: Problem) -> Solution:
    """``solve`` for a worker process, which steps back behind the processes that answer requests."""
    # Where a sandbox forbids it, the work is done all the same.
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)
    return solve(problem)


def solve(problem: Problem) -> Solution:
    """Few metres for as many stops as possible, the important ones first; returns within about ``budget_s``.

    A small problem ends earlier, when nothing better has been found for long enough. First every stop has to be
    visited; only when that fails may some be left out.
    """
    possible = [place for place, stop in enumerate(problem.stops) if _is_possible(problem, stop)]
    tours: list[Tour] = []
    if possible:
        begun = time.perf_counter()
        best = _search(problem, possible, problem.budget_s, required=True)
        if not best.is_feasible():
            left_s = problem.budget_s - (time.perf_counter() - begun)
            best = _search(problem, possible, left_s, required=False)
        tours = [_tour(problem, possible, route) for route in best.routes() if route.is_feasible()]
    visited = {visit.stop for tour in tours for visit in tour.visits}
    return Solution(
        tuple(tour for tour in tours if tour.visits),
        tuple(stop for stop in range(len(problem.stops)) if stop not in visited),
    )


def _is_possible(problem: Problem, stop: Stop) -> bool:
    """Whether some truck could take the stop if it had nothing else to do."""
    earliest = max(problem.opens, stop.earliest or 0)
    latest = problem.closes if stop.latest is None else min(stop.latest, problem.closes)
    return earliest <= latest and any(
        stop.grams <= truck.grams and stop.litres <= truck.litres
        for number, truck in enumerate(problem.trucks)
        if stop.truck in (None, number)
    )


class _Stop:
    """When to stop looking: out of time, out of patience, or too long without any solution at all."""

    def __init__(self, budget_s: float, patience: int, *, required: bool) -> None:
        now = time.perf_counter()
        self._end = now + budget_s
        self._hopeless = now + budget_s / 3 if required else self._end
        self._patience = patience
        self._left = patience
        self._best = _INFEASIBLE

    def __call__(self, best_cost: int) -> bool:
        now = time.perf_counter()
        if best_cost < self._best:
            self._best, self._left = best_cost, self._patience
        else:
            self._left -= 1
        if now >= self._end or self._left <= 0:
            return True
        return self._best == _INFEASIBLE and now >= self._hopeless


def _search(problem: Problem, possible: Sequence[int], budget_s: float, *, required: bool) -> Any:
    import pyvrp
    from pyvrp.exceptions import PenaltyBoundWarning

    patience = problem.patience or 500 + 100 * len(possible)
    stop = _Stop(budget_s, patience, required=required)
    with warnings.catch_warnings():
        # Says that it is hard to visit every stop, which is what the first search is there to find out.
        warnings.simplefilter("ignore", PenaltyBoundWarning)
        return pyvrp.solve(
            _data(problem, possible, required=required),
            stop,
            seed=problem.seed,
            collect_stats=False,
            display=False,
        ).best


def _data(problem: Problem, possible: Sequence[int], *, required: bool) -> Any:
    import numpy as np
    import pyvrp

    places = [0, *(stop + 1 for stop in possible)]
    stops = [problem.stops[stop] for stop in possible]

    def matrix(rows: Sequence[Sequence[int]]) -> Any:
        return np.asarray(rows, dtype=np.int64)[np.ix_(places, places)]

    # The solver's penalty for a unit of load too many has to be small against a prize: not grams, but parts of a load.
    gram_unit = max(1, max(truck.grams for truck in problem.trucks) // _PARTS)
    litre_unit = max(1, max(truck.litres for truck in problem.trucks) // _PARTS)
    prize = _PRIZE_PER_METRE * max(max(row) for row in problem.distances) + 1000
    locked = sorted({stop.truck for stop in stops if stop.truck is not None})
    clients = [
        pyvrp.Client(
            location=place,
            # A load that only the stop's own truck has room for keeps it there.
            delivery=[
                -(-stop.grams // gram_unit),
                -(-stop.litres // litre_unit),
                *(int(stop.truck == truck) for truck in locked),
            ],
            service_duration=problem.stop_s,
            tw_early=max(problem.opens, stop.earliest or 0),
            tw_late=problem.closes if stop.latest is None else min(stop.latest, problem.closes),
            prize=0 if required else prize * _PRIORITY_FACTOR**stop.priority,
            required=required,
        )
        for place, stop in enumerate(stops, 1)
    ]
    vehicles = [
        pyvrp.VehicleType(
            capacity=[
                truck.grams // gram_unit,
                truck.litres // litre_unit,
                *(len(stops) * (number == own) for own in locked),
            ],
            tw_early=problem.opens,
            tw_late=problem.closes,
            reload_depots=[0],
            max_reloads=MAX_TRIPS - 1,
        )
        for number, truck in enumerate(problem.trucks)
    ]
    return pyvrp.ProblemData(
        locations=[pyvrp.Location(0, 0) for _ in places],
        clients=clients,
        depots=[
            pyvrp.Depot(0, tw_early=problem.opens, tw_late=problem.closes, service_duration=problem.loading_s)
        ],
        vehicle_types=vehicles,
        distance_matrices=[matrix(problem.distances)],
        duration_matrices=[matrix(problem.durations)],
    )


def _tour(problem: Problem, possible: Sequence[int], route: Any) -> Tour:
    visits: list[Visit] = []
    before, left, starts, ends = 0, problem.opens, None, problem.opens
    for activity in route.schedule():
        if activity.is_client():
            stop = possible[activity.idx]
            place = stop + 1
            arrival = activity.start_time
            visits.append(
                Visit(
                    stop=stop,
                    trip=activity.trip + 1,
                    arrival=arrival,
                    distance_m=problem.distances[before][place],
                    duration_s=max(0, activity.end_time - left),
                )
            )
            before = place
        else:
            before = 0
            starts = activity.start_time if starts is None else starts
        left = ends = activity.end_time
    return Tour(
        truck=route.vehicle_type(),
        visits=tuple(visits),
        starts=problem.opens if starts is None else starts,
        ends=ends,
        distance_m=route.distance(),
    )
