"""Rows about requests. The API runs alone in its process (role ``api``), the load in another."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import orjson

from benchmarks.http import Answer, Connection, Outcome, Requests, load, request
from benchmarks.installation import PASSWORD, Installation, Shop, call, sign_in
from benchmarks.processor_time import used
from benchmarks.results import Result

ROUNDS, ROUND_S = 3, 1.5
LOG_ROUNDS = 9


async def health(made: Installation) -> list[Result]:
    """GET /health beside a bare aiohttp that answers the same bytes."""
    await made.fresh()
    program, bare = made.start(roles="api"), made.start_bare()
    asked = Requests([request("GET", "/health")])
    ours, limit = _rounds(
        lambda: load(asked, [program.port], connections=16, seconds=ROUND_S),
        lambda: load(asked, [bare], connections=16, seconds=ROUND_S),
    )
    return [
        Result(
            "health", "GET /health, c=16", ours, "req/s", "≥ 80 % of bare aiohttp", ours >= 0.8 * limit,
            limit, "bare aiohttp + uvloop",
        )
    ]  # fmt: skip


async def quote(made: Installation) -> list[Result]:
    """POST /quotes beside bare aiohttp + pydantic + asyncpg writing a quote in one statement.

    A store's quotes have gapless numbers and so queue for one row; many stores do not wait for each other.
    """
    shop, port = await _shop_on_api(made)
    others = [await made.shop(f"loja-{number}", products_count=10) for number in range(19)]
    for other in others:
        sign_in(port, other)
    bare = made.start_bare(with_database=True)
    load(quotes_of(shop, *others), [port], connections=16, seconds=1)
    await made.analyze()
    one, many, limit = _rounds(
        lambda: load(quotes_of(shop), [port], connections=16, seconds=ROUND_S),
        lambda: load(quotes_of(shop, *others), [port], connections=16, seconds=ROUND_S),
        lambda: load(bare_quotes(shop), [bare], connections=16, seconds=ROUND_S),
    )
    half = load(quotes_of(shop, *others), [port], connections=64, seconds=4, per_second=many / 2)
    p99 = half.percentile_ms(0.99)
    of_bare = "bare aiohttp + asyncpg"
    return [
        Result(
            "quote", "create quote, 5 items, c=16, 20 stores", many, "quotes/s", "≥ 60 % of bare",
            many >= 0.6 * limit, limit, of_bare, "with auth, RLS, idempotency, audit, event",
        ),
        Result(
            "quote", "the same in one store", one, "quotes/s", "≥ 60 % of bare", one >= 0.6 * limit, limit, of_bare,
            "one number counter and one event counter",
        ),
        Result("quote", "p99 at half the load, 20 stores", p99, "ms", "≤ 25 ms", p99 <= 25, note=_errors(half)),
    ]  # fmt: skip


async def quote_list(made: Installation) -> list[Result]:
    """GET /quotes?limit=20 in a store with 2,000 quotes."""
    shop, port = await _shop_on_api(made)
    written = 0
    while written < 2_000:
        written += load(quotes_of(shop), [port], connections=16, seconds=1).statuses[201]
    await made.analyze()
    asked = Requests([request("GET", "/api/v1/quotes?limit=20", host=shop.host, token=shop.token)])
    outcomes = [load(asked, [port], connections=8, seconds=ROUND_S) for _ in range(ROUNDS)]
    rate = median(outcome.per_second for outcome in outcomes)
    return [
        Result(
            "list", f"list 20 quotes with items ({written:,} in store), c=8", rate, "req/s", "≥ 2,000 req/s",
            rate >= 2000, note=_errors(*outcomes),
        )
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Flow:
    """A quote from its draft to the customer's door, step after step."""

    host: str
    token: str
    body: bytes

    async def __call__(
        self, connection: Connection, _number: int, report: Callable[[Answer, float], None]
    ) -> None:
        async def ask(path: str, body: bytes | None = None) -> dict[str, str]:
            started = time.perf_counter()
            answer = await connection.ask(
                request("POST", f"/api/v1{path}", host=self.host, token=self.token, body=body)
            )
            report(answer, time.perf_counter() - started)
            return orjson.loads(answer.body) if answer.status < 300 else {}

        quote_id = (await ask("/quotes", self.body)).get("id")
        await ask(f"/quotes/{quote_id}/send")
        await ask(f"/quotes/{quote_id}/approve")
        order_id = (await ask(f"/quotes/{quote_id}/convert", b'{"fulfilment":"delivery"}')).get("id")
        await ask(f"/orders/{order_id}/prepare")
        await ask(f"/orders/{order_id}/dispatch")
        await ask(f"/orders/{order_id}/deliver")


async def flow(made: Installation) -> list[Result]:
    """Seven requests: quote, sent, approved, order, prepared, out, delivered."""
    shop, port = await _shop_on_api(made)
    visit = Flow(shop.host, shop.token, quote_body(shop, random.Random(1)))
    load(visit, [port], connections=16, seconds=1)
    await made.analyze()
    outcomes = [load(visit, [port], connections=16, seconds=ROUND_S) for _ in range(ROUNDS)]
    rate = median(outcome.per_second for outcome in outcomes) / 7
    return [
        Result(
            "flow", "quote → sent → approved → order → out → delivered, c=16", rate, "flows/s", "≥ 250 flows/s",
            rate >= 250, note="7 requests each; " + _errors(*outcomes),
        )
    ]  # fmt: skip


async def two_processes(made: Installation) -> list[Result]:
    """Quotes written through two API processes by 64 connections: nothing fails and nothing stands still."""
    shop, port = await _shop_on_api(made)
    second = made.start(roles="api")
    load(quotes_of(shop), [port, second.port], connections=64, seconds=1)
    await made.analyze()
    outcome = load(quotes_of(shop), [port, second.port], connections=64, seconds=6)
    return [
        Result(
            "two", "failed quotes with 2 processes, c=64", outcome.errors, f"of {sum(outcome.statuses.values()):,}",
            "0", outcome.errors == 0, note=f"{outcome.per_second:,.0f} quotes/s",
        ),
        Result("two", "longest silence", 1000 * outcome.stall_s, "ms", "≤ 1,000 ms", outcome.stall_s <= 1),
        Result("two", "slowest answer", 1000 * max(outcome.latencies), "ms", "≤ 1,000 ms", max(outcome.latencies) <= 1),
    ]  # fmt: skip


async def during_logins(made: Installation) -> list[Result]:
    """Reading a quote 200 times a second while people sign in without pause."""
    shop, port = await _shop_on_api(made)
    quote_id = call(port, shop, "POST", "/quotes", orjson.loads(quote_body(shop, random.Random(1))))["id"]
    reads = Requests([request("GET", f"/api/v1/quotes/{quote_id}", host=shop.host, token=shop.token)])
    login = orjson.dumps({"email": shop.owner, "password": PASSWORD})
    logins = Requests([request("POST", "/api/v1/auth/login", host=shop.host, body=login)])
    quiet = load(reads, [port], connections=8, seconds=3, per_second=200)
    async with asyncio.TaskGroup() as tasks:
        busy = tasks.create_task(
            asyncio.to_thread(load, reads, [port], connections=8, seconds=4, per_second=200)
        )
        signing = tasks.create_task(asyncio.to_thread(load, logins, [port], connections=2, seconds=4))
    p99 = busy.result().percentile_ms(0.99)
    return [
        Result(
            "logins", "p99 of GET /quotes/{id}, 200/s, during logins", p99, "ms", "≤ 20 ms", p99 <= 20,
            note=f"{quiet.percentile_ms(0.99):.1f} ms without; {signing.result().statuses[200] / 4:.0f} logins/s; "
            f"{_errors(busy.result(), signing.result())}",
        )
    ]  # fmt: skip


async def access_log(made: Installation) -> list[Result]:
    """What the line per request costs: processor time of an API that writes it and of one that does not, in turns."""
    shop, port = await _shop_on_api(made)
    silent = made.start(roles="api", LOG_LEVEL="WARNING")
    asked = Requests([asked_of(shop, f"/products/{shop.product_ids[0]}")])

    def spent(pid: int, at: int) -> float:
        before = used([pid]).program_s
        outcome = load(asked, [at], connections=8, seconds=1)
        return 1e6 * (used([pid]).program_s - before) / sum(outcome.statuses.values())

    sides = [(process.pid, at) for process, at in zip(made.running[-2:], (port, silent.port), strict=True)]
    for pid, at in sides:
        spent(pid, at)  # what is read and planned for the first time
    turns = [[spent(pid, at) for pid, at in sides] for _ in range(LOG_ROUNDS)]
    cost = median(with_it - without for with_it, without in turns)
    with_it, without = (median(side) for side in zip(*turns, strict=True))
    return [
        Result(
            "log", "a structured line per request", cost, "µs", "≤ 25 µs", cost <= 25,
            note=f"{with_it:.0f} µs of processor a request with, {without:.0f} without; {LOG_ROUNDS} rounds",
        )
    ]  # fmt: skip


async def _shop_on_api(made: Installation) -> tuple[Shop, int]:
    await made.fresh()
    shop = await made.shop("loja")
    program = made.start(roles="api")
    sign_in(program.port, shop)
    return shop, program.port


def _rounds(*measured: Callable[[], Outcome]) -> list[float]:
    """The median rate of each, measured in turns, so that a busy moment of the machine meets all of them."""
    rates: list[list[float]] = [[] for _ in measured]
    for _ in range(ROUNDS):
        for measure, kept in zip(measured, rates, strict=True):
            outcome = measure()
            if outcome.errors:
                raise RuntimeError(f"answers other than 2xx: {dict(outcome.statuses)}")
            kept.append(outcome.per_second)
    return [median(kept) for kept in rates]


def quote_body(shop: Shop, dice: random.Random) -> bytes:
    items = [
        {"product_id": str(product_id), "quantity": str(dice.randint(1, 9))}
        for product_id in dice.sample(shop.product_ids, 5)
    ]
    return orjson.dumps({"customer_id": str(shop.customer_id), "items": items})


def quotes_of(*shops: Shop) -> Requests:
    dice = random.Random(1)
    return Requests(
        [
            request(
                "POST", "/api/v1/quotes", host=shop.host, token=shop.token, body=quote_body(shop, dice), key="@KEY@"
            )
            for _ in range(160 // len(shops))
            for shop in shops
        ],
        f"{time.time_ns()}",
    )  # fmt: skip


def sale_of(shop: Shop) -> bytes:
    """A sale over the counter of three items."""
    items = [{"product_id": str(product), "quantity": "1"} for product in shop.product_ids[:3]]
    body = orjson.dumps({"fulfilment": "counter", "items": items})
    return request("POST", "/api/v1/orders", host=shop.host, token=shop.token, body=body)


def asked_of(shop: Shop, path: str) -> bytes:
    """A GET as the shop's owner."""
    return request("GET", f"/api/v1{path}", host=shop.host, token=shop.token)


def bare_quotes(shop: Shop) -> Requests:
    dice = random.Random(1)
    bodies = []
    for _ in range(64):
        body = orjson.loads(quote_body(shop, dice))
        for item in body["items"]:
            item["unit_price"] = "12.90"
        bodies.append(request("POST", "/quotes", body=orjson.dumps(body)))
    return Requests(bodies)


def _errors(*outcomes: Outcome) -> str:
    bad: dict[int, int] = {}
    for outcome in outcomes:
        for status, count in outcome.statuses.items():
            if not 200 <= status < 300:
                bad[status] = bad.get(status, 0) + count
    return "no errors" if not bad else f"errors: {bad}"
