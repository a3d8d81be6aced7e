"""1, 2 and 4 processes side by side: how much more they do, and what is used up when they do no more."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from dataclasses import dataclass

import asyncpg
import psutil

from benchmarks.http import load
from benchmarks.installation import Installation, free_port, sign_in, wait_for_health
from benchmarks.processor_time import Used, used
from benchmarks.results import Result
from benchmarks.rows.requests import quotes_of
from benchmarks.rows.seeding import add_sales, add_stores
from runtime.app import engines as known_engines

PROCESSES = (1, 2, 4)
STORES, EACH = 100, 150
FROM, UNTIL = 0.1, 0.9
_POSITIONS = "select coalesce(sum(last_seq), 0)::bigint from consumer_cursor where consumer <> 'relay'"


@dataclass(frozen=True, slots=True)
class Turn:
    """What ``count`` processes did in ``seconds``, and what that used."""

    count: int
    done: float
    seconds: float
    used: Used

    @property
    def rate(self) -> float:
        return self.done / self.seconds

    def result(self, what: str, unit: str, first: Turn, one: str) -> Result:
        """The factor over one process, with the rate, the costs and what was busy in the note."""
        factor = self.rate / first.rate
        ms = 1000 / self.done
        return Result(
            "scale", f"{what}, {self.count} process{'es' * (self.count > 1)}", factor, "× one process", "", None,
            note=f"{self.rate:,.0f} {unit}/s; for one {one} {ms * self.used.program_s:.2f} ms here, "
            f"{ms * self.used.postgres_s:.2f} ms PostgreSQL, {ms * self.used.redis_s:.3f} ms Redis; "
            f"of a processor busy: {self.used.program_s / self.seconds / self.count:.2f} each process, "
            f"{self.used.postgres_s / self.seconds:.2f} PostgreSQL, "
            f"{self.used.machine_s / self.seconds:.2f} of {os.cpu_count()} in all",
        )  # fmt: skip


async def scale(made: Installation) -> list[Result]:
    """API processes with quotes of 20 stores, engine processes with a backlog of sales of 100 stores."""
    results = []
    turns = [await _api(made, count) for count in PROCESSES]
    results += [turn.result("API, create quote, c=32", "quotes", turns[0], "quote") for turn in turns]
    turns = [await _engines(made, count) for count in PROCESSES]
    results += [turn.result("engines, sales of 5 items", "events", turns[0], "event") for turn in turns]
    return results


async def _api(made: Installation, count: int) -> Turn:
    await made.fresh()
    shops = [await made.shop(f"loja-{number}", products_count=10) for number in range(20)]
    programs = [made.start(roles="api") for _ in range(count)]
    ports = [program.port for program in programs]
    for shop in shops:
        sign_in(ports[0], shop)
    visit = quotes_of(*shops)
    load(visit, ports, connections=32, seconds=1)
    await made.analyze()
    pids = [program.process.pid for program in programs]
    before = used(pids)
    outcome = load(visit, ports, connections=32, seconds=4)
    turn = Turn(count, outcome.statuses[201], outcome.seconds, used(pids) - before)
    made.stop()
    return turn


async def _engines(made: Installation, count: int) -> Turn:
    await made.fresh()
    stores = await add_stores(made.database_url, STORES)
    pids = [start_without_api(made, "engines") for _ in range(count)]
    relay = made.start(roles="api,relay")
    total = len(known_engines()) * await add_sales(made.database_url, stores, EACH)
    connection = await asyncpg.connect(made.database_url)
    marks: list[tuple[int, float, Used]] = []
    for share in (FROM, UNTIL):
        while (position := await connection.fetchval(_POSITIONS)) < share * total:  # noqa: ASYNC110 (elsewhere)
            await asyncio.sleep(0.02)
        marks.append((position, time.perf_counter(), used(pids)))
    await connection.close()
    assert psutil.pid_exists(relay.process.pid)
    made.stop()
    (first, began, before), (last, ended, after) = marks
    return Turn(count, (last - first) / len(known_engines()), ended - began, after - before)


def start_without_api(made: Installation, roles: str) -> int:
    """A process with these roles, up and waiting; its process id."""
    port = free_port()
    process = made.spawn(
        [sys.executable, "-m", "runtime", "run"],
        made.environment(roles=roles) | {"OPS_PORT": str(port)},
    )
    wait_for_health(process, port, made.log)
    return process.pid
