"""What is kept of what stores do: bytes on disk and in Redis, for the capacity model."""

from __future__ import annotations

import time

import asyncpg
import redis.asyncio as redis

from benchmarks.http import Requests, load
from benchmarks.installation import PARTITIONS, Installation, sign_in
from benchmarks.processor_time import used
from benchmarks.results import Result
from benchmarks.rows.requests import asked_of, quotes_of
from benchmarks.rows.seeding import add_sales, add_stores
from handlers.demo.load import load as load_demo
from runtime.app import engines as known_engines
from runtime.data.database import Database
from runtime.events.relay import Relay
from runtime.events.streams import open_redis
from runtime.events.wake import WakeSignal

DAYS = 30
_SIZES = """
select c.relname as name, pg_total_relation_size(c.oid)::float8 as bytes
from pg_class c where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
"""


async def sizes(made: Installation) -> list[Result]:
    """Bytes on disk, from weeks of the demo store through all engines; and in Redis."""
    await made.fresh()
    await made.shop("demo", products_count=0)
    database = await Database.open(
        made.database_url, "api", size=1
    )  # one after the other: no lock is waited for
    await load_demo(database, "demo", DAYS)
    await database.close()
    made.start()
    connection = await asyncpg.connect(made.database_url)
    caught_up = (
        "select count(*) = $1 from consumer_cursor c join tenant_event_head h using (tenant_id) "
        "join tenants t on t.id = c.tenant_id where t.slug = 'demo' and c.last_seq = h.head"
    )
    deadline = time.monotonic() + 300
    while not await connection.fetchval(caught_up, len(known_engines()) + 1):
        if time.monotonic() > deadline:
            raise RuntimeError("the engines do not catch up")
    await connection.execute("vacuum analyze")
    bytes_of = {row["name"]: row["bytes"] for row in await connection.fetch(_SIZES)}
    rows = {
        name: await connection.fetchval(f"select count(*) from {name}")
        for name in (
            "event_outbox",
            "orders",
            "quotes",
            "stock_movements",
        )
    }
    made.stop()
    await connection.close()

    def each(what: str, per: str, *prefixes: str) -> Result:
        found = sum(size for name, size in bytes_of.items() if name.startswith(prefixes))
        return Result(
            "sizes", what, found / rows[per], "bytes", "", None, note=f"{rows[per]:,} of them in {DAYS} days"
        )

    engines_bytes = sum(size for name, size in bytes_of.items() if name.startswith("engine_"))
    all_bytes = sum(bytes_of.values())
    passing = sum(bytes_of[name] for name in ("event_outbox", "idempotency_keys"))
    return [
        each("event in the log", "event_outbox", "event_outbox"),
        each("order with its items", "orders", "order"),
        each("quote with its items and versions", "quotes", "quote"),
        each("stock movement", "stock_movements", "stock_movements"),
        Result("sizes", "what engines know of the store", engines_bytes / 2**20, "MiB", "", None),
        Result(
            "sizes", "all that stays, per order", (all_bytes - passing) / rows["orders"], "bytes", "", None,
            note=f"{(all_bytes - passing) / 2**20:,.0f} MiB without the event log; "
            f"{rows['event_outbox'] / rows['orders']:.1f} events an order",
        ),
        *await _in_redis(made),
    ]  # fmt: skip


async def _in_redis(made: Installation) -> list[Result]:
    await made.fresh()
    stores = await add_stores(made.database_url, 20)
    count = await add_sales(made.database_url, stores, 2_500)
    database = await Database.open(made.database_url, "relay", size=2)
    client = open_redis(made.endpoints.redis_url, timeout_s=None)
    before = (await client.info("memory"))["used_memory"]
    published = 0

    def observe(counts: object, _seconds: float) -> None:
        nonlocal published
        published += sum(counts.values())  # type: ignore[attr-defined]

    worker = Relay(database, client, WakeSignal(), partitions=PARTITIONS, observe=observe)
    spent = used([])
    while published < count:
        await worker.step()
    spent = used([]) - spent
    grown = (await client.info("memory"))["used_memory"] - before
    await client.aclose()
    await database.close()
    shop = await made.shop("loja", products_count=10)
    program = made.start(roles="api")
    sign_in(program.port, shop)
    load(Requests([asked_of(shop, "/auth/me")]), [program.port], connections=1, seconds=0.2)
    async with redis.Redis.from_url(made.endpoints.redis_url) as copies:
        [copy] = await copies.keys("sess:*")
        session = await copies.memory_usage(copy)
    quotes = load(quotes_of(shop), [program.port], connections=4, seconds=2).statuses[201]
    connection = await asyncpg.connect(made.database_url)
    bytes_of = {row["name"]: row["bytes"] for row in await connection.fetch(_SIZES)}
    await connection.close()
    made.stop()
    return [
        Result("sizes", "audit entry", bytes_of["audit_log"] / quotes, "bytes", "", None, note=f"{quotes} of them"),
        Result("sizes", "kept answer, for a day", bytes_of["idempotency_keys"] / quotes, "bytes", "", None),
        Result(
            "sizes", "entry of a stream", grown / published, "bytes of Redis", "", None,
            note=f"{published:,} entries; publishing one: {1000 * spent.postgres_s / published:.3f} ms PostgreSQL, "
            f"{1000 * spent.redis_s / published:.3f} ms Redis",
        ),
        Result("sizes", "session that is in use", session, "bytes of Redis", "", None),
    ]  # fmt: skip
