"""Whether memory stays flat, every process's, under a mixed load: ``MINUTES=60`` at ``RATE=50`` requests a second."""

from __future__ import annotations

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import Iterable

import asyncpg
import psutil

from benchmarks.http import load
from benchmarks.installation import Installation, sign_in
from benchmarks.mixed import Mixed, requests_per_visit
from benchmarks.results import Result, keep_series

STORES, CONNECTIONS = 20, 16
EVERY_S = 10.0
WARM_UP = 0.25
"""Of the time: caches fill, pools open, the first of everything is loaded."""
_MIB = 1 << 20
_GOAL_MIB_PER_HOUR = 5.0
_OTHERS = (_WORKERS, _POSTGRES, _REDIS) = (
    "the program's workers",
    "PostgreSQL without shared memory",
    "Redis",
)


async def soak(made: Installation) -> list[Result]:
    """Resident memory of the program (all roles in one process), of its workers and of the servers each ten seconds."""
    minutes, rate = float(os.environ.get("MINUTES", "10")), float(os.environ.get("RATE", "50"))
    await made.fresh()
    shops = [await made.shop(f"loja-{number}") for number in range(STORES)]
    program = made.start()
    for shop in shops:
        sign_in(program.port, shop)
    await made.analyze()
    done = asyncio.create_task(
        asyncio.to_thread(
            load, Mixed(shops), [program.port], connections=CONNECTIONS, seconds=60 * minutes,
            per_second=rate / requests_per_visit(),
        )
    )  # fmt: skip
    started, seconds = time.monotonic(), []
    sizes: dict[str, list[float]] = defaultdict(list)
    while not done.done():
        seconds.append(time.monotonic() - started)
        for name, mib in _resident(program.process.pid).items():
            sizes[name].append(mib)
        keep_series("soak", {"seconds": seconds, "MiB": dict(sizes)})
        await asyncio.wait([done], timeout=EVERY_S)
    outcome = done.result()
    connection = await asyncpg.connect(made.database_url)
    events = await connection.fetchval("select count(*) from event_outbox")
    await connection.close()
    results = [
        Result(
            "soak", f"requests that failed in {minutes:,.0f} minutes", outcome.errors,
            f"of {sum(outcome.statuses.values()):,}", "0", outcome.errors == 0,
            note=f"{outcome.per_second:.0f}/s, {events:,} events, p50 {outcome.percentile_ms(0.5):.1f}, "
            f"p99 {outcome.percentile_ms(0.99):.0f} ms",
        )
    ]  # fmt: skip
    for name, series in sizes.items():
        settled = int(WARM_UP * len(seconds))
        per_hour = 3600 * slope(seconds[settled:], series[settled:])
        is_program = name == "program"
        results.append(
            Result(
                "soak", f"memory of {name}: growth after warm-up", per_hour, "MiB an hour",
                f"≤ {_GOAL_MIB_PER_HOUR:.0f}" if is_program else "",
                per_hour <= _GOAL_MIB_PER_HOUR if is_program else None,
                note=f"{series[0]:.0f} MiB at first, {series[settled]:.0f} after {seconds[settled] / 60:.0f} minutes, "
                f"{series[-1]:.0f} at the end",
            )
        )  # fmt: skip
    return results


def slope(xs: Iterable[float], ys: Iterable[float]) -> float:
    """Of the straight line through the points by least squares; 0 when fewer than two differ in x."""
    points = list(zip(xs, ys, strict=True))
    if not points:
        return 0.0
    mean_x, mean_y = (sum(axis) / len(points) for axis in zip(*points, strict=True))
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


def _resident(program: int) -> dict[str, float]:
    """MiB by what it is of; a page that PostgreSQL's processes share counts once for each that has touched it."""
    process = psutil.Process(program)
    found = {"program": process.memory_info().rss / _MIB, **dict.fromkeys(_OTHERS, 0.0)}
    for child in psutil.Process().children(recursive=True):
        try:
            name, memory = child.name(), child.memory_info()
        except psutil.NoSuchProcess:
            continue
        if name.startswith("postgres"):
            found[_POSTGRES] += (memory.rss - memory.shared) / _MIB
        elif "valkey" in name or "redis" in name:
            found[_REDIS] += memory.rss / _MIB
    for worker in process.children(recursive=True):
        found[_WORKERS] += worker.memory_info().rss / _MIB
    return found
