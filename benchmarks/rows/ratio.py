"""What a request costs in processor time, the API's and PostgreSQL's.

Rates say how fast a machine is while nobody else uses it; processor time per request, in turns beside the bare
endpoint's, also says something on a machine that is not alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import orjson

from benchmarks.http import Requests, Visit, load
from benchmarks.installation import Installation, call, sign_in
from benchmarks.processor_time import used
from benchmarks.results import Result
from benchmarks.rows.requests import Flow, asked_of, bare_quotes, quote_body, quotes_of, sale_of

ROUNDS, ROUND_S = 3, 1.2


Spent = tuple[float, float, float]
"""Microseconds of the processor per piece of work: the process's that answers, PostgreSQL's, Redis's."""


@dataclass(frozen=True, slots=True)
class _Work:
    """What is asked of whom; ``requests`` is how many of them are one piece of work."""

    what: str
    visit: Callable[[], Visit]
    port: int
    pid: int
    requests: int = 1


async def ratio(made: Installation) -> list[Result]:
    """Processor time of API and PostgreSQL per request, beside that of a bare endpoint that writes a quote."""
    await made.fresh()
    shop = await made.shop("loja")
    others = [await made.shop(f"loja-{number}", products_count=10) for number in range(9)]
    program = made.start(roles="api")
    for store in (shop, *others):
        sign_in(program.port, store)
    bare_port = made.start_bare(with_database=True)
    api, bare = program.process.pid, made.running[-1].pid
    one = quote_body(shop, random.Random(1))
    quote_id = call(program.port, shop, "POST", "/quotes", orjson.loads(one))["id"]

    def asked(path: str) -> Visit:
        return Requests([asked_of(shop, path)])

    work = [
        _Work("bare quote", lambda: bare_quotes(shop), bare_port, bare),
        _Work("create quote, 5 items", lambda: quotes_of(shop, *others), program.port, api),
        _Work(
            "sell over the counter, 3 items",
            lambda: Requests([sale_of(store) for store in (shop, *others)]),
            program.port,
            api,
        ),
        _Work("show a quote", lambda: asked(f"/quotes/{quote_id}"), program.port, api),
        _Work("list 20 quotes with items", lambda: asked("/quotes?limit=20"), program.port, api),
        _Work("show a product", lambda: asked(f"/products/{shop.product_ids[0]}"), program.port, api),
        _Work("search products", lambda: asked("/products?q=produto+2"), program.port, api),
        _Work("dashboard", lambda: asked("/dashboard"), program.port, api),
        _Work("the whole flow, 7 requests", lambda: Flow(shop.host, shop.token, one), program.port, api, 7),
    ]
    for each in work:
        load(each.visit(), [each.port], connections=8, seconds=0.5)
    await made.analyze()
    spent: dict[str, list[Spent]] = {each.what: [] for each in work}
    for _ in range(ROUNDS):
        for each in work:
            spent[each.what].append(_spend(each))
    medians = {what: _median(turns) for what, turns in spent.items()}
    limit = sum(medians.pop("bare quote")[:2])
    return [
        Result(
            "ratio", f"{what}: processor time", of_api + of_server, "µs", "", None, limit, "bare quote",
            f"API {of_api:,.0f}, PostgreSQL {of_server:,.0f}, Redis {of_redis:,.0f} µs", lower_is_better=True,
        )
        for what, (of_api, of_server, of_redis) in medians.items()
    ]  # fmt: skip


def _spend(work: _Work) -> Spent:
    before = used([work.pid])
    outcome = load(work.visit(), [work.port], connections=8, seconds=ROUND_S)
    if outcome.errors:
        raise RuntimeError(f"answers other than 2xx: {dict(outcome.statuses)}")
    spent = used([work.pid]) - before
    us = 1e6 * work.requests / sum(outcome.statuses.values())
    return us * spent.program_s, us * spent.postgres_s, us * spent.redis_s


def _median(turns: list[Spent]) -> Spent:
    of_api, of_server, of_redis = zip(*turns, strict=True)
    return median(of_api), median(of_server), median(of_redis)
