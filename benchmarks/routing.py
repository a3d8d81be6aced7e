"""How near the route solver comes to a known optimum: ``python -m benchmarks.routing FILE [SECONDS]``.

FILE is a capacitated vehicle routing instance in the VRPLIB format with two-dimensional places (the X set of Uchoa et
al. has this form; distances are rounded to whole numbers). It is solved by what plans a store's day, on one processor,
with a truck per route, in the process that the API hands such problems to; how late the event loop's timers fire
meanwhile is what the solving costs everybody else. A file of the same name ending in ``.sol`` with a line ``Cost N``
says what the best known is.
"""

from __future__ import annotations

import re
import sys
import time
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import hypot
from pathlib import Path
from statistics import median

import anyio
import psutil

from handlers.delivery_routes.planner import run_solver
from handlers.route_solver import Problem, Solution, Stop, Truck

DAY = 10**9
TICK_S = 0.001
WATCHED_BEFORE_S = 3.0
MOST_WORK_MS = 20.0


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


@dataclass(slots=True)
class Loop:
    """By how much an event loop's timers were late, and how long the loop itself was at work between two of them. On a
    machine that is busy otherwise the former has the wait for a processor in it, the latter has not."""

    late_ms: list[float] = field(default_factory=list)
    working_ms: list[float] = field(default_factory=list)

    async def watch(self) -> None:
        """Until it is cancelled."""
        while True:
            due, worked = time.perf_counter() + TICK_S, time.thread_time()
            await anyio.sleep(TICK_S)
            self.late_ms.append(max(1000 * (time.perf_counter() - due), 0.0))
            self.working_ms.append(1000 * (time.thread_time() - worked))

    def __str__(self) -> str:
        late = sorted(self.late_ms)
        return (
            f"{len(late)} timers, late by {median(late):.2f} ms (median), {late[int(0.99 * len(late))]:.2f} ms (p99), "
            f"{late[-1]:.2f} ms (longest); at work itself for {max(self.working_ms):.2f} ms at most"
        )


@dataclass(frozen=True, slots=True)
class Solved:
    """A solution, the seconds it took (on the clock, and of a processor), and the event loop before and meanwhile."""

    solution: Solution
    took_s: float
    processor_s: float
    before: Loop
    meanwhile: Loop


async def solve_beside_the_loop(problem: Problem) -> Solved:
    """Solve as the API does. The solver's process, which is kept for all plans, is started first."""
    await run_solver(replace(problem, budget_s=0.1))
    [worker] = psutil.Process().children()
    before, meanwhile = Loop(), Loop()
    with anyio.move_on_after(WATCHED_BEFORE_S):
        await before.watch()
    async with anyio.create_task_group() as beside:
        beside.start_soon(meanwhile.watch)
        started, used = time.perf_counter(), sum(worker.cpu_times()[:2])
        solution = await run_solver(problem)
        took = time.perf_counter() - started
        beside.cancel_scope.cancel()
    return Solved(solution, took, sum(worker.cpu_times()[:2]) - used, before, meanwhile)


def main() -> int:
    """Solve and print the distance to the optimum; exit code 1 above 2 %, or when the loop was busy for 20 ms."""
    if not 2 <= len(sys.argv) <= 3:
        print(__doc__)
        return 2
    path = Path(sys.argv[1])
    seconds = float(sys.argv[2]) if len(sys.argv) == 3 else 10.0
    instance, known = read_instance(path), best_known(path)
    solved = anyio.run(solve_beside_the_loop, problem_of(instance, seconds))
    cost = cost_of(instance, solved.solution)
    gap = "" if known is None else f", {cost / known - 1:.2%} above the best known {known}"
    print(f"{instance.name}: {cost}{gap}; {solved.took_s:.1f} s, {solved.processor_s:.1f} s of one processor")
    print(f"event loop before:    {solved.before}")
    print(f"event loop meanwhile: {solved.meanwhile}")
    near = known is None or cost <= known * 1.02
    return 0 if near and max(solved.meanwhile.working_ms) < MOST_WORK_MS else 1


if __name__ == "__main__":
    sys.exit(main())
