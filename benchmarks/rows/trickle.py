"""What an event costs that comes alone, for the capacity model: in a backlog it costs a fraction of that."""

from __future__ import annotations

import asyncio

import asyncpg
import psutil

from benchmarks.http import Requests, load
from benchmarks.installation import Installation, sign_in
from benchmarks.processor_time import Used, used
from benchmarks.results import Result
from benchmarks.rows.requests import sale_of
from benchmarks.rows.scale import start_without_api

STORES = 8


async def trickle(made: Installation) -> list[Result]:
    """What an event costs that comes alone, as at a quiet hour: batches are small, so this is the most it costs."""
    await made.fresh()
    shops = [await made.shop(f"loja-{number}") for number in range(STORES)]
    port = made.start(roles="api").port
    for shop in shops:
        sign_in(port, shop)
    visit = Requests([sale_of(shop) for shop in shops])
    load(visit, [port], connections=8, seconds=1)
    await made.analyze()
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
    await asyncio.sleep(3)  # the backlog, and the engines' first steps
    with_engines, sales, events = await spend([pid])
    psutil.Process(pid).terminate()
    psutil.Process(pid).wait(20)
    without, alone, _ = await spend([])
    await connection.close()
    postgres_s = with_engines.postgres_s - without.postgres_s * sales / alone
    ms = 1000 / events
    return [Result(
        "trickle", "an event, all engines and the relay, 72/s", ms * with_engines.program_s, "ms of processor, engines",
        "", None, note=f"and {ms * postgres_s:.2f} ms PostgreSQL, {ms * with_engines.redis_s:.3f} ms Redis",
    )]  # fmt: skip
