"""The vehicle routing problem of one day and its solution with pyvrp; pure, and made to run in a process of its own.

Lengths are metres, times seconds since midnight at the store, loads grams and litres. Matrices have the store at 0 and
stop n at n + 1. This module imports nothing of the program: the process that solves starts with it alone.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MAX_TRIPS = 5
_NO_LIMIT = 10**12
# Driving to the farthest stop and back alone is cheaper than leaving out the least important stop, and each step of
# priority weighs as much as four stops of the one below. Larger numbers would only drown the solver's own penalties.
_PRIZE_PER_METRE = 4
_PRIORITY_FACTOR = 4
_NICE = 10


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
    if os.nice(0) < _NICE:
        os.nice(_NICE - os.nice(0))
    return solve(problem)


def solve(problem: Problem) -> Solution:
    """Few metres for as many stops as possible, the important ones first; returns within about ``budget_s``.

    A small problem ends earlier, when nothing better has been found for long enough.
    """
    if not problem.stops or not problem.trucks:
        return Solution((), tuple(range(len(problem.stops))))
    import pyvrp
    from pyvrp.stop import MaxRuntime, MultipleCriteria, NoImprovement

    data = _data(problem)
    patience = 500 + 100 * len(problem.stops)
    stop = MultipleCriteria([MaxRuntime(problem.budget_s), NoImprovement(patience)])
    result = pyvrp.solve(data, stop, seed=problem.seed, collect_stats=False, display=False)
    tours = [_tour(problem, route) for route in result.best.routes() if route.is_feasible()]
    visited = {visit.stop for tour in tours for visit in tour.visits}
    return Solution(
        tuple(tour for tour in tours if tour.visits),
        tuple(stop for stop in range(len(problem.stops)) if stop not in visited),
    )


def _data(problem: Problem) -> Any:
    import numpy as np
    import pyvrp

    def matrix(rows: Sequence[Sequence[int]]) -> Any:
        return np.asarray(rows, dtype=np.int64)

    farthest = max(max(row) for row in problem.distances)
    prize = _PRIZE_PER_METRE * farthest + 1000
    locked = sorted({stop.truck for stop in problem.stops if stop.truck is not None})
    clients = [
        pyvrp.Client(
            location=place,
            # A load that only the stop's own truck has room for keeps it there.
            delivery=[stop.grams, stop.litres, *(int(stop.truck == truck) for truck in locked)],
            service_duration=problem.stop_s,
            tw_early=max(problem.opens, stop.earliest or 0),
            tw_late=_latest(problem, stop),
            prize=prize * _PRIORITY_FACTOR**stop.priority,
            required=False,
        )
        for place, stop in enumerate(problem.stops, 1)
    ]
    vehicles = [
        pyvrp.VehicleType(
            capacity=[truck.grams, truck.litres, *(_NO_LIMIT * (number == own) for own in locked)],
            tw_early=problem.opens,
            tw_late=problem.closes,
            reload_depots=[0],
            max_reloads=MAX_TRIPS - 1,
        )
        for number, truck in enumerate(problem.trucks)
    ]
    return pyvrp.ProblemData(
        locations=[pyvrp.Location(0, 0) for _ in range(len(problem.stops) + 1)],
        clients=clients,
        depots=[
            pyvrp.Depot(0, tw_early=problem.opens, tw_late=problem.closes, service_duration=problem.loading_s)
        ],
        vehicle_types=vehicles,
        distance_matrices=[matrix(problem.distances)],
        duration_matrices=[matrix(problem.durations)],
    )


def _latest(problem: Problem, stop: Stop) -> int:
    latest = problem.closes if stop.latest is None else min(stop.latest, problem.closes)
    return max(latest, problem.opens, stop.earliest or 0)


def _tour(problem: Problem, route: Any) -> Tour:
    visits: list[Visit] = []
    before, left, starts, ends = 0, problem.opens, None, problem.opens
    for activity in route.schedule():
        if activity.is_client():
            place = activity.idx + 1
            arrival = activity.start_time
            visits.append(
                Visit(
                    stop=activity.idx,
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
