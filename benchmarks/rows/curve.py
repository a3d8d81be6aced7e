"""Throughput and latency against concurrency, of three kinds of request: how many at once the program can use."""

from __future__ import annotations

import random
from typing import Any

import orjson

from benchmarks.http import Requests, Visit, load, request
from benchmarks.installation import Installation, call, sign_in
from benchmarks.results import Result, keep_series
from benchmarks.rows.requests import quote_body, quotes_of

CONNECTIONS = (1, 2, 4, 8, 16, 32, 64)
STORES, SECONDS = 20, 0.8
NEARLY = 0.9
"""Of the highest rate: who gets this much with fewer connections waits less for it."""


async def curve(made: Installation) -> list[Result]:
    """1 to 64 connections in a closed loop, each kind in turn at every number, over 20 stores."""
    await made.fresh()
    shops = [await made.shop(f"loja-{number}", products_count=10) for number in range(STORES)]
    program = made.start(roles="api")
    asked: dict[str, list[bytes]] = {"list 20 quotes": [], "show a quote": []}
    for shop in shops:
        sign_in(program.port, shop)
        body = orjson.loads(quote_body(shop, random.Random(1)))
        for _ in range(20):
            shown = call(program.port, shop, "POST", "/quotes", body)["id"]
        for what, path in (("list 20 quotes", "/quotes?limit=20"), ("show a quote", f"/quotes/{shown}")):
            asked[what].append(request("GET", f"/api/v1{path}", host=shop.host, token=shop.token))
    await made.analyze()
    kinds: dict[str, Visit] = {
        "create a quote": quotes_of(*shops),
        **{what: Requests(each) for what, each in asked.items()},
    }
    for visit in kinds.values():
        load(visit, [program.port], connections=16, seconds=SECONDS)
    await made.analyze()
    series: dict[str, dict[str, list[float]]] = {
        what: {"per_second": [], "p50_ms": [], "p99_ms": []} for what in kinds
    }
    failed = dict.fromkeys(kinds, 0)
    for connections in CONNECTIONS:
        for what, visit in kinds.items():
            if what == "create a quote":
                visit = quotes_of(*shops)  # keys of its own
            outcome = load(visit, [program.port], connections=connections, seconds=SECONDS)
            series[what]["per_second"].append(outcome.per_second)
            series[what]["p50_ms"].append(outcome.percentile_ms(0.5))
            series[what]["p99_ms"].append(outcome.percentile_ms(0.99))
            failed[what] += outcome.errors
    keep_series("curve", {"connections": CONNECTIONS, "kinds": series})
    return [_result(what, of_kind, failed[what]) for what, of_kind in series.items()]


def _result(what: str, of_kind: dict[str, list[float]], failed: int) -> Result:
    rates: Any = of_kind["per_second"]
    most = max(rates)
    enough = next(place for place, rate in enumerate(rates) if rate >= NEARLY * most)
    return Result(
        "curve", f"{what}: the most of 1 to {CONNECTIONS[-1]} connections", most, "req/s", "no errors", failed == 0,
        note=f"{NEARLY:.0%} of it with {CONNECTIONS[enough]} (p50 {of_kind['p50_ms'][enough]:.1f}, "
        f"p99 {of_kind['p99_ms'][enough]:.1f} ms); with {CONNECTIONS[-1]} {rates[-1]:,.0f}/s, "
        f"p99 {of_kind['p99_ms'][-1]:.0f} ms; {failed} errors",
    )  # fmt: skip
