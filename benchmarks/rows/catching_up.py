"""Engines that catch up with a backlog, and what an event costs them as the history before it grows."""

from __future__ import annotations

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from benchmarks.installation import PARTITIONS, Installation
from benchmarks.processor_time import Used, used
from benchmarks.results import Result, keep_series
from benchmarks.rows.seeding import add_sales, add_stores
from runtime.app import engines as known_engines
from runtime.data.database import Database
from runtime.data.ids import partition_of
from runtime.events.consumer import Consumer
from runtime.events.engine_actor import EngineActor, Message
from runtime.events.streams import open_redis
from runtime.host.logs import configure_logs
from runtime.host.program import calm_collector

_MEASURED_EACH = 30
_MILESTONES = (1_000, 10_000, 100_000, 1_000_000)
_STORES = 100


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """How long it took, and the processors' time that it took."""

    seconds: float
    used: Used

    def per_event(self, events: int) -> str:
        """The processors' time as a note."""
        program, postgres = (
            1e6 * seconds / events for seconds in (self.used.program_s, self.used.postgres_s)
        )
        return f"{program:.0f} µs of the process and {postgres:.0f} of PostgreSQL each"


async def catch_up(made: Installation, stores: Sequence[Any]) -> CaughtUp:
    """Let the actors of stock and sales, one per partition as in the program, apply all that their stores have."""
    configure_logs("WARNING", "json")
    calm_collector()
    database = await Database.open(made.database_url, "engine", size=6, minimum=4)
    client = open_redis(made.endpoints.redis_url)
    by_partition: dict[int, set[UUID]] = defaultdict(set)
    for store in stores:
        by_partition[partition_of(store, PARTITIONS)].add(store)
    before, started = used([os.getpid()]), time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for name in ("stock", "sales"):
            consumer = Consumer(known_engines()[name](), database)
            for partition, some in by_partition.items():
                actor = EngineActor(consumer, client, partition, "benchmark")
                tasks.create_task(actor.step(Message(some)))
    seconds = time.perf_counter() - started
    spent = used([os.getpid()]) - before
    await client.aclose()
    await database.close()
    return CaughtUp(seconds, spent)


async def growth(made: Installation) -> list[Result]:
    """The processors' time of an event after a thousand, and after up to a million others; takes minutes.

    The series is kept for the plots.
    """
    await made.fresh()
    ids = await add_stores(made.database_url, _STORES)
    results: list[Result] = []
    series: list[tuple[int, float]] = []
    applied = 0
    for milestone in _MILESTONES:
        while applied < milestone:
            applied += await add_sales(made.database_url, ids, min(milestone - applied, 100_000) // _STORES)
            await catch_up(made, ids)
        costs = []
        for _ in range(3):
            events = await add_sales(made.database_url, ids, _MEASURED_EACH)
            spent = (await catch_up(made, ids)).used
            costs.append(1e6 * (spent.program_s + spent.postgres_s) / events)
            applied += events
        series.append((milestone, sorted(costs)[1]))
        ratio = series[-1][1] / series[0][1]
        results.append(
            Result(
                "growth", f"processor time of an event after {milestone:,}", ratio, "× that at 1,000", "≤ 1.2 ×",
                ratio <= 1.2, note=f"{series[-1][1]:,.0f} µs, median of 3 × {events:,} events",
            )
        )  # fmt: skip
    keep_series(
        "growth",
        {
            "events": [history for history, _ in series],
            "us_per_event": [round(cost, 1) for _, cost in series],
        },
    )
    return results
