from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from pathlib import Path

import aiohttp
import anyio
import asyncpg
import pytest
import redis.asyncio

from handlers.events import CONSUMERS
from runtime.data.database import Database
from runtime.data.oracles import run_oracles
from runtime.settings import Settings
from tests.faults.load import Shop
from tests.faults.process import Program
from tests.support.stores import create_store

CLIENTS_PER_SHOP = 4
PRODUCTS = 12
HEAL_DEADLINE_S = 60.0

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
async def program(settings: Settings, tmp_path: Path) -> AsyncIterator[Program]:
    made = Program(settings, tmp_path / "program.log")
    yield made
    made.stop()


@pytest.fixture
async def shops(program: Program, database: Database) -> list[Shop]:
    await program.start()
    shops = []
    async with aiohttp.ClientSession() as client:
        for slug in ("first-yard", "second-yard"):
            await create_store(database, slug)
            shop = Shop(program.url, slug)
            await shop.open(client, f"owner@{slug}.localhost", PRODUCTS)
            shops.append(shop)
    return shops


async def healed(database: Database, consumers: Sequence[str] = CONSUMERS) -> list[str]:
    """Wait until every oracle is silent; returns what they still say when the time is over."""
    said = ["never asked"]
    with anyio.move_on_after(HEAL_DEADLINE_S):
        while said:
            said = [f"{v.slug} {v.oracle}: {v.problem}" for v in await run_oracles(database, consumers)]
            if said:
                await anyio.sleep(0.2)
    return said


async def judge(
    shops: list[Shop], database: Database, owner: asyncpg.Connection, consumers: Sequence[str] = CONSUMERS
) -> None:
    assert await healed(database, consumers) == []
    for shop in shops:
        assert shop.unexpected == []
        rows = await owner.fetch(
            "select o.id::text from orders o join tenants t on t.id = o.tenant_id where t.slug = $1",
            shop.slug,
        )
        assert {row["id"] for row in rows} == set(shop.sold), "what was acknowledged is what is there"
        engine = await owner.fetch(
            "select p.product_id::text as product, p.day_quantity::numeric(20,3) + coalesce((select sum(quantity) "
            "from engine_daily_demand d where (d.tenant_id, d.product_id) = (p.tenant_id, p.product_id)), 0) "
            "as quantity from engine_stock_products p join tenants t on t.id = p.tenant_id where t.slug = $1",
            shop.slug,
        )
        demand = {row["product"]: row["quantity"] for row in engine}
        for product in shop.products:
            assert demand.get(product, Decimal(0)) == shop.sold_of(product)


async def under_load(shops: list[Shop], seed: int, faults) -> None:
    """Run ``faults`` while every shop sells, then let every client get its last definite answer."""
    stop = anyio.Event()
    async with aiohttp.ClientSession() as client, anyio.create_task_group() as tasks:
        for number, shop in enumerate(shops):
            for seller in range(CLIENTS_PER_SHOP):
                tasks.start_soon(shop.sell, client, random.Random(f"{seed} {number} {seller}"), stop)
        await faults()
        stop.set()


async def sales_beyond(shops: list[Shop], count: int) -> None:
    """The gate of the faults: as many further sales as this have been acknowledged."""
    target = sum(len(shop.sold) for shop in shops) + count
    with anyio.fail_after(60):
        while sum(len(shop.sold) for shop in shops) < target:
            await anyio.sleep(0.01)


async def test_a_process_killed_under_load_loses_nothing_and_does_nothing_twice(
    program: Program, shops: list[Shop], database: Database, owner: asyncpg.Connection
) -> None:
    async def faults() -> None:
        for _ in range(4):
            await sales_beyond(shops, 60)
            program.kill()
            await program.start()
        await sales_beyond(shops, 40)

    await under_load(shops, 1, faults)
    await judge(shops, database, owner)


async def test_redis_emptied_under_load_costs_no_effect(
    program: Program, shops: list[Shop], database: Database, owner: asyncpg.Connection, settings: Settings
) -> None:
    async def faults() -> None:
        async with redis.asyncio.Redis.from_url(settings.redis_url) as client:
            for _ in range(10):
                await sales_beyond(shops, 30)
                await client.flushdb()
        await sales_beyond(shops, 30)

    await under_load(shops, 2, faults)
    await judge(shops, database, owner)


async def test_a_drain_under_load_finishes_what_is_in_flight_and_exits_zero(
    program: Program, shops: list[Shop], database: Database, owner: asyncpg.Connection
) -> None:
    codes = []

    async def faults() -> None:
        for _ in range(2):
            await sales_beyond(shops, 40)
            codes.append(await program.terminate())
            await program.start()
        await sales_beyond(shops, 20)

    await under_load(shops, 3, faults)
    assert codes == [0, 0]
    await judge(shops, database, owner)


async def test_the_oracles_see_an_effect_that_was_lost_and_one_that_came_twice(
    program: Program, shops: list[Shop], database: Database, owner: asyncpg.Connection
) -> None:
    async def faults() -> None:
        await sales_beyond(shops, 30)

    await under_load(shops, 4, faults)
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


async def test_without_redis_the_store_works_and_every_effect_arrives(
    settings: Settings, database: Database, owner: asyncpg.Connection, tmp_path: Path
) -> None:
    nowhere = settings.having(redis_url=f"unix://{tmp_path}/nobody.sock?db=0")
    program = Program(nowhere, tmp_path / "program.log")
    try:
        await program.start(until="health")
        await create_store(database, "first-yard")
        shop = Shop(program.url, "first-yard")
        async with aiohttp.ClientSession() as client:
            await shop.open(client, "owner@first-yard.localhost", PRODUCTS)

        async def faults() -> None:
            await sales_beyond([shop], 40)

        await under_load([shop], 6, faults)
        await judge([shop], database, owner, consumers=("stock", "sales"))
    finally:
        program.stop()
