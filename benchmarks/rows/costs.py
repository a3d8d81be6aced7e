"""What the capacity model is made of: processor time by kind of request, bytes by kind of thing."""

from __future__ import annotations

import asyncio
import time

import asyncpg
import orjson
import psutil
import redis.asyncio as redis

from benchmarks.http import Requests, load, request
from benchmarks.installation import PARTITIONS, Installation, Shop, sign_in
from benchmarks.processor_time import Used, used
from benchmarks.results import Result
from benchmarks.rows.requests import quotes_of
from benchmarks.rows.scale import start_without_api
from benchmarks.rows.seeding import add_sales, add_stores
from handlers.demo.load import load as load_demo
from runtime.app import engines as known_engines
from runtime.data.database import Database
from runtime.events.relay import Relay
from runtime.events.streams import open_redis
from runtime.events.wake import WakeSignal

SHOPS, SECONDS, DAYS = 8, 3.0, 30
_SIZES = """
select c.relname as name, pg_total_relation_size(c.oid)::float8 as bytes
from pg_class c where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
"""


async def costs(made: Installation) -> list[Result]:
    """Milliseconds of processor that a request of each kind takes, in the API and in PostgreSQL."""
    await made.fresh()
    shops = [await made.shop(f"loja-{number}") for number in range(SHOPS)]
    program = made.start(roles="api")
    for shop in shops:
        sign_in(program.port, shop)
    kinds = {
        "create a quote, 5 items": quotes_of(*shops),
        "sell over the counter, 3 items": Requests([_sale(shop) for shop in shops]),
        "list 20 quotes": _get(shops, "/quotes?limit=20"),
        "show a product": Requests([_asked(shop, f"/products/{shop.product_ids[0]}") for shop in shops]),
        "search products": _get(shops, "/products?q=produto+2"),
        "dashboard": _get(shops, "/dashboard"),
    }
    results = []
    for what, visit in kinds.items():
        load(visit, [program.port], connections=8, seconds=0.7)
        await made.analyze()
        before = used([program.process.pid])
        outcome = load(visit, [program.port], connections=8, seconds=SECONDS)
        spent = used([program.process.pid]) - before
        ms = 1000 / sum(outcome.statuses.values())
        results.append(
            Result(
                "costs", what, ms * spent.program_s, "ms of processor, API", "", None,
                note=f"and {ms * spent.postgres_s:.2f} ms PostgreSQL, {ms * spent.redis_s:.3f} ms Redis; "
                f"{outcome.errors} errors",
            )
        )  # fmt: skip
    return [*results, await _trickle(made, shops, program.port)]


async def _trickle(made: Installation, shops: list[Shop], port: int) -> Result:
    """What an event costs that comes alone, as at a quiet hour: batches are small, so this is the most it costs."""
    visit = Requests([_sale(shop) for shop in shops])
    connection = await asyncpg.connect(made.database_url)
    heads = "select sum(head)::bigint from tenant_event_head"

    async def spend(pids: list[int]) -> tuple[Used, float, int]:
        before, events = used(pids), await connection.fetchval(heads)
        outcome = load(visit, [port], connections=4, seconds=6, per_second=24)
        spent = used(pids) - before
        return spent, sum(outcome.statuses.values()), await connection.fetchval(heads) - events

    pid = start_without_api(made, "relay,engines")
    applied = "select min(last_seq) >= 1 from consumer_cursor"
    while not await connection.fetchval(applied):  # noqa: ASYNC110 (happens in another process)
        await asyncio.sleep(0.1)
    await asyncio.sleep(10)  # the backlog of the rows before
    with_engines, sales, events = await spend([pid])
    psutil.Process(pid).terminate()
    psutil.Process(pid).wait(20)
    without, alone, _ = await spend([])
    await connection.close()
    postgres_s = with_engines.postgres_s - without.postgres_s * sales / alone
    ms = 1000 / events
    return Result(
        "costs", "an event, all engines and the relay, 72/s", ms * with_engines.program_s, "ms of processor, engines",
        "", None, note=f"and {ms * postgres_s:.2f} ms PostgreSQL, {ms * with_engines.redis_s:.3f} ms Redis",
    )  # fmt: skip


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
    load(_get([shop], "/auth/me"), [program.port], connections=1, seconds=0.2)
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


def _asked(shop: Shop, path: str) -> bytes:
    return request("GET", f"/api/v1{path}", host=shop.host, token=shop.token)


def _get(shops: list[Shop], path: str) -> Requests:
    return Requests([_asked(shop, path) for shop in shops])


def _sale(shop: Shop) -> bytes:
    items = [{"product_id": str(product), "quantity": "1"} for product in shop.product_ids[:3]]
    body = orjson.dumps({"fulfilment": "counter", "items": items})
    return request("POST", "/api/v1/orders", host=shop.host, token=shop.token, body=body)
