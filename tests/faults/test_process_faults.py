"""All roles in one process: what the oracles see, and what works without Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import anyio
import asyncpg
import pytest

from handlers.events import CONSUMERS
from runtime.data.database import Database
from runtime.data.oracles import run_oracles
from runtime.settings import Settings
from tests.faults.load import Shop
from tests.faults.process import Program
from tests.faults.suite import sales_beyond, under_load
from tests.support.stores import create_store

PRODUCTS = 12
HEAL_DEADLINE_S = 60.0
SLUG = "first-yard"
BEHIND = """
select name from unnest(array['stock', 'sales', 'pricing', 'delivery']) as engines (name)
left join consumer_cursor as c on c.consumer = name
where coalesce(c.last_seq, 0) < $1
"""

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
async def program(settings: Settings, tmp_path: Path) -> AsyncIterator[Program]:
    made = Program(settings, tmp_path / "program.log")
    yield made
    made.stop()


async def opened(program: Program, database: Database) -> Shop:
    await create_store(database, SLUG)
    shop = Shop(program.url, SLUG)
    async with aiohttp.ClientSession() as client:
        await shop.open(client, f"owner@{SLUG}.localhost", PRODUCTS)
    return shop


async def healed(database: Database, consumers=CONSUMERS) -> list[str]:
    """Wait until every oracle is silent; returns what they still say when the time is over."""
    said = ["never asked"]
    with anyio.move_on_after(HEAL_DEADLINE_S):
        while said:
            said = [f"{v.slug} {v.oracle}: {v.problem}" for v in await run_oracles(database, consumers)]
            if said:
                await anyio.sleep(0.2)
    return said


async def test_the_oracles_see_an_effect_that_was_lost_and_one_that_came_twice(
    program: Program, database: Database, owner: asyncpg.Connection
) -> None:
    await program.start()
    shop = await opened(program, database)
    async with under_load([shop], 4):
        await sales_beyond([shop], 40)
    assert await healed(database) == []
    program.stop()
    await owner.execute(
        "update engine_stock_products set day_quantity = day_quantity + 1 "
        "where ctid = (select min(ctid) from engine_stock_products)"
    )
    await owner.execute(
        "update engine_sales_totals set orders = orders - 1 "
        "where tenant_id = (select tenant_id from engine_sales_totals limit 1)"
    )
    await owner.execute(
        "update stock_levels set on_hand = on_hand - 1 where ctid = (select min(ctid) from stock_levels)"
    )
    await owner.execute("update consumer_cursor set last_seq = last_seq - 1 where consumer = 'stock'")
    said = {violation.oracle for violation in await run_oracles(database, CONSUMERS)}
    assert {
        "oracle_engine_demand_differs",
        "oracle_engine_orders_differ",
        "oracle_on_hand_differs",
        "oracle_unfinished_consumers",
    } <= said


async def test_without_redis_the_store_works_and_every_effect_arrives_while_it_does(
    settings: Settings, database: Database, owner: asyncpg.Connection, tmp_path: Path
) -> None:
    nowhere = settings.having(redis_url=f"unix://{tmp_path}/nobody.sock?db=0")
    program = Program(nowhere, tmp_path / "program.log")
    try:
        await program.start(until="health")
        shop = await opened(program, database)
        async with under_load([shop], 6):
            await sales_beyond([shop], 20)
            # Not only when the load is over: a log that never rests must be followed too.
            reached = await owner.fetchval("select head from tenant_event_head where head > 0")
            with anyio.fail_after(20):
                while await owner.fetch(BEHIND, reached):
                    await anyio.sleep(0.05)
        assert shop.ledger.unexpected == []
        assert await healed(database, consumers=[name for name in CONSUMERS if name != "relay"]) == []
    finally:
        program.stop()
