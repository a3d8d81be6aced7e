"""How near the route solver comes to a known optimum: ``python -m benchmarks.routing FILE [SECONDS]``.

FILE is a capacitated vehicle routing instance in the VRPLIB format with two-dimensional places (the X set of Uchoa et
al. has this form; distances are rounded to whole numbers). It is solved by what plans a store's day, on one processor,
with a truck per route. A file of the same name ending in ``.sol`` with a line ``Cost N`` says what the best known is.
"""

from __future__ import annotations

import re
import sys
import time
from dataclasses import dataclass
from itertools import pairwise
from math import hypot
from pathlib import Path

from handlers.route_solver import Problem, Solution, Stop, Truck, solve

DAY = 10**9


@dataclass(frozen=True, slots=True)
class Instance:
    """A benchmark instance: its name, the places with the depot first, what each wants, and what a truck carries."""

    name: str
    places: tuple[tuple[int, int], ...]
    demands: tuple[int, ...]
    capacity: int


def read_instance(path: Path) -> Instance:
    """The instance of a VRPLIB file."""
    text = path.read_text(encoding="utf-8")

    def section(name: str) -> list[list[int]]:
        lines = re.split(rf"{name}\s*\n", text, maxsplit=1)[1].splitlines()
        rows = []
        for line in lines:
            if not re.fullmatch(r"\s*-?\d+(\s+-?\d+)*\s*", line):
                break
            rows.append([int(word) for word in line.split()])
        return rows

    named, capacity = re.search(r"NAME\s*:\s*(\S+)", text), re.search(r"CAPACITY\s*:\s*(\d+)", text)
    if named is None or capacity is None:
        raise ValueError(f"{path} is not a VRPLIB file")
    places = tuple((x, y) for _, x, y in section("NODE_COORD_SECTION"))
    demands = tuple(demand for _, demand in section("DEMAND_SECTION"))
    return Instance(named[1], places, demands, int(capacity[1]))


def best_known(path: Path) -> int | None:
    """The cost in the instance's ``.sol`` file, when there is one."""
    solution = path.with_suffix(".sol")
    if not solution.exists():
        return None
    found = re.search(r"Cost\s+(\d+)", solution.read_text(encoding="utf-8"))
    return None if found is None else int(found[1])


def problem_of(instance: Instance, seconds: float, seed: int = 1) -> Problem:
    """The instance as a day's plan: loads as they are, no windows, and time without end."""
    matrix = tuple(
        tuple(int(hypot(x - u, y - v) + 0.5) for u, v in instance.places) for x, y in instance.places
    )
    trucks = -(-sum(instance.demands) // instance.capacity) + 4
    return Problem(
        stops=tuple(Stop(grams=demand, litres=0) for demand in instance.demands[1:]),
        trucks=(Truck(instance.capacity, 0),) * trucks,
        distances=matrix,
        durations=tuple((0,) * len(matrix) for _ in matrix),
        opens=0,
        closes=DAY,
        stop_s=0,
        loading_s=0,
        budget_s=seconds,
        seed=seed,
        patience=10**9,
    )


def cost_of(instance: Instance, solution: Solution) -> int:
    """The length of all trips, computed again from the places; raises when the solution does not hold."""
    seen: list[int] = []
    total = 0
    for tour in solution.tours:
        trips: dict[int, list[int]] = {}
        for visit in tour.visits:
            trips.setdefault(visit.trip, []).append(visit.stop + 1)
        for stops in trips.values():
            if sum(instance.demands[stop] for stop in stops) > instance.capacity:
                raise ValueError("a trip carries too much")
            way = [0, *stops, 0]
            seen += stops
            for one, other in pairwise(way):
                (x, y), (u, v) = instance.places[one], instance.places[other]
                total += int(hypot(x - u, y - v) + 0.5)
    if sorted(seen) != list(range(1, len(instance.places))):
        raise ValueError("not every stop is visited exactly once")
    return total


def main() -> int:
    """Solve and print the distance to the optimum; exit code 1 above 2 %."""
    if not 2 <= len(sys.argv) <= 3:
        print(__doc__)
        return 2
    path = Path(sys.argv[1])
    seconds = float(sys.argv[2]) if len(sys.argv) == 3 else 10.0
    instance, known = read_instance(path), best_known(path)
    started, cpu = time.perf_counter(), time.process_time()
    cost = cost_of(instance, solve(problem_of(instance, seconds)))
    took, used = time.perf_counter() - started, time.process_time() - cpu
    gap = "" if known is None else f", {cost / known - 1:.2%} above the best known {known}"
    print(f"{instance.name}: {cost}{gap}; {took:.1f} s, {used:.1f} s of one processor")
    return 0 if known is None or cost <= known * 1.02 else 1


if __name__ == "__main__":
    sys.exit(main())
