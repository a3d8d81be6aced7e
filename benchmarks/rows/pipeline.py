"""Rows about events: numbering, the relay, the engines, and the way from a commit to an insight."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from benchmarks.http import Connection, Requests, load, request
from benchmarks.installation import PARTITIONS, Installation, sign_in
from benchmarks.limits import add_entries, keep_daily_sums
from benchmarks.results import Result
from benchmarks.rows.catching_up import catch_up
from benchmarks.rows.seeding import add_sales, add_stores
from runtime.data.database import Database
from runtime.data.queries import sql
from runtime.events.catalogue import StockUpdated
from runtime.events.log import emit
from runtime.events.relay import Relay
from runtime.events.streams import open_redis
from runtime.events.wake import WakeSignal


async def relay(made: Installation) -> list[Result]:
    """How fast a backlog reaches the streams."""
    results = []
    for stores, each, goal in ((20, 10_000, 70_000), (1_000, 200, 40_000)):
        await made.fresh()
        ids = await add_stores(made.database_url, stores)
        await add_sales(made.database_url, ids, each)
        database = await Database.open(made.database_url, "relay", size=2)
        client = open_redis(made.endpoints.redis_url, timeout_s=None)
        published = 0

        def observe(counts: Mapping[int, int], _seconds: float) -> None:
            nonlocal published
            published += sum(counts.values())

        worker = Relay(database, client, WakeSignal(), partitions=PARTITIONS, observe=observe)
        started = time.perf_counter()
        while published < stores * each:
            await worker.step()
        rate = published / (time.perf_counter() - started)
        await client.aclose()
        await database.close()
        limit = published / await add_entries(made.endpoints.redis_url, published, PARTITIONS)
        results.append(
            Result(
                "relay",
                f"drain, {stores:,} tenants",
                rate,
                "events/s",
                f"≥ {goal:,}/s",
                rate >= goal,
                limit,
                "same entries as packed bytes",
                note=f"{published:,} events",
            )
        )
    return results


async def engines(made: Installation) -> list[Result]:
    """Stock and sales side by side in one process, from a backlog of sales with five items each."""
    results = []
    for stores, each, goal in ((20, 1_500, None), (100, 400, 10_000), (1_000, 30, None)):
        await made.fresh()
        ids = await add_stores(made.database_url, stores)
        events = await add_sales(made.database_url, ids, each)
        limit = events / await keep_daily_sums(made.database_url, ids)
        caught_up = await catch_up(made, ids)
        rate = events / caught_up.seconds
        results.append(
            Result(
                "engines", f"stock + sales with advice, {stores:,} tenants", rate, "events/s",
                "" if goal is None else f"≥ {goal:,}/s", None if goal is None else rate >= goal,
                limit, "two consumers of daily sums in PostgreSQL alone",
                f"{events:,} events, 5 items each; {caught_up.per_event(events)}",
            )
        )  # fmt: skip
    return results


async def latency(made: Installation) -> list[Result]:
    """From the answer to a sale until both engines have applied its events, all roles in one process."""
    await made.fresh()
    shop = await made.shop("loja")
    program = made.start()
    sign_in(program.port, shop)
    dice = random.Random(1)
    sales = [
        request(
            "POST", "/api/v1/orders", host=shop.host, token=shop.token,
            body=orjson.dumps(
                {
                    "fulfilment": "counter",
                    "items": [{"product_id": str(dice.choice(shop.product_ids)), "quantity": "1"}],
                }
            ),
        )
        for _ in range(64)
    ]  # fmt: skip
    async with asyncio.TaskGroup() as tasks:
        # A sale of one item is three events: with the probe's own ten a second about a hundred.
        background = tasks.create_task(
            asyncio.to_thread(load, Requests(sales), [program.port], connections=4, seconds=8, per_second=24)
        )
        delays = await _probe(made, shop.id, program.port, sales, seconds=7)
    p50, p99 = delays[len(delays) // 2], delays[int(0.99 * len(delays))]
    note = f"{len(delays)} probes, {3 * (24 + len(delays) / 7):.0f} events/s; {background.result().errors} errors"
    return [
        Result("latency", "commit → insight readable, p50", p50, "ms", "≤ 10 ms", p50 <= 10, note=note),
        Result("latency", "commit → insight readable, p99", p99, "ms", "≤ 50 ms", p99 <= 50, note=note),
    ]


async def emission(made: Installation) -> list[Result]:
    """One event in a transaction of its own, 16 at a time, beside the same statements through asyncpg alone."""
    await made.fresh()
    ids = await add_stores(made.database_url, 20)
    database = await Database.open(made.database_url, "api", size=16, minimum=16)
    results = []
    for stores, goal in ((20, 4_275), (1, 1_500)):
        ours = await _per_second(lambda place, n=stores: _emit_one(database, ids[place % n]))
        limit = await _per_second(lambda place, n=stores: _append_one(database, ids[place % n]))
        results.append(
            Result(
                "emission", f"gapless number + log row, {stores} tenant{'s' * (stores > 1)}, c=16", ours, "tx/s",
                f"≥ {goal:,}/s", ours >= goal, limit, "asyncpg alone, same statements",
            )
        )  # fmt: skip
    await database.close()
    return results


async def _probe(
    made: Installation, store: UUID, port: int, sales: list[bytes], *, seconds: float
) -> list[float]:
    """Milliseconds from an answered sale to its events applied by every engine, sorted."""
    database = await asyncpg.connect(made.database_url)
    applied = await database.prepare(
        "select min(last_seq) from consumer_cursor where tenant_id = $1 and consumer <> 'relay'"
    )
    head = await database.prepare("select head from tenant_event_head where tenant_id = $1")
    connection, delays = Connection(port), []
    for number in range(20):  # the engines' and our own first steps are not what is measured
        await connection.ask(sales[number])
    started = time.perf_counter()
    for number in itertools.count():
        if time.perf_counter() - started > seconds:
            break
        await connection.ask(sales[number % len(sales)])
        answered = time.perf_counter()
        wanted = await head.fetchval(store)
        while (await applied.fetchval(store) or 0) < wanted:  # noqa: ASYNC110 (happens in another process)
            await asyncio.sleep(0.0005)
        delays.append(1000 * (time.perf_counter() - answered))
        await asyncio.sleep(0.09)
    connection.close()
    await database.close()
    return sorted(delays)


async def _per_second(work: Any, seconds: float = 2.5, workers: int = 16) -> float:
    done = 0
    started = time.perf_counter()

    async def worker(place: int) -> None:
        nonlocal done
        while time.perf_counter() - started < seconds:
            await work(place)
            place += workers
            done += 1

    async with asyncio.TaskGroup() as tasks:
        for place in range(workers):
            tasks.create_task(worker(place))
    return done / (time.perf_counter() - started)


_EVENT = StockUpdated(
    product_id=UUID(int=1),
    location_id=UUID(int=2),
    delta=Decimal(1),
    on_hand=Decimal(1),
    available=Decimal(1),
    reason="receipt",
)
_EVENT_JSON = _EVENT.model_dump_json()


async def _emit_one(database: Database, store: Any) -> None:
    async with database.tenant(store) as tx:
        emit(tx, _EVENT)


async def _append_one(database: Database, store: Any) -> None:
    """The same round trips, without transactions, queries and models of ours around them."""
    async with database._pool.acquire() as connection:
        await connection.execute(f"begin; set local app.tenant_id = '{store}'")
        values = {
            "count": 1, "vertical": "construction", "correlation_id": None, "traceparent": None, "tenant_id": store,
            "event_ids": [UUID(int=random.getrandbits(128))], "event_types": ["stock_updated"], "versions": [1],
            "payloads": [_EVENT_JSON], "now": datetime.now(UTC),
        }  # fmt: skip
        await connection.execute(
            sql.append_events.text, *[values[name] for name in sql.append_events.parameters]
        )
        await connection.execute("commit")
