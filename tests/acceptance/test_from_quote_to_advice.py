"""A store's day with the whole program running: people sell through the API, and it brings them the engines' advice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from runtime.data.database import Database
from runtime.settings import Settings
from tests.acceptance.yard import quiet, yard_at
from tests.faults.process import Program

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
async def program(settings: Settings, tmp_path: Path) -> AsyncIterator[Program]:
    made = Program(settings, tmp_path / "program.log")
    await made.start()
    yield made
    made.stop()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        yield session


async def test_what_people_sell_comes_back_as_advice(
    program: Program, http: aiohttp.ClientSession, database: Database
) -> None:
    yard = await yard_at("horizonte", program.url, http, database)
    neighbour = await yard_at("vizinho", program.url, http, database)
    cement, sand, lime = yard.goods.values()

    delivered = await yard.sell_by_quote(CIM_50="60", ARE_M3="4")
    assert (delivered["status"], delivered["total"]) == ("delivered", "2880.00")
    await yard.sell_over_the_counter(CIM_50="20", ARE_M3="1")
    await yard.sell_over_the_counter(CIM_50="10", ARE_M3="1")
    await yard.sell_over_the_counter(CAL_20="1")
    await yard.engines_have_caught_up()

    [alert] = (await yard.keeper.get("insights/stock/alerts?kind=stock_out"))["items"]
    assert (alert["product_id"], alert["risk"], alert["available"]) == (cement, "high", "10.000")
    assert alert["mean_daily_demand"] == "90.000"
    assert "dura" in alert["explanation"]

    [rule] = (await yard.seller.get(f"insights/sales/complementary/{cement}"))["items"]
    assert (rule["product_id"], rule["orders_together"]) == (sand, 3)
    assert (rule["support"], rule["confidence"]) == (0.75, 1.0)
    assert rule["lift"] == pytest.approx(4 / 3, abs=0.001)
    basket = await yard.seller.post("insights/sales/basket", {"product_ids": [sand, lime]})
    assert [found["product_id"] for found in basket["items"]] == [cement]

    board = await yard.finance.get("dashboard")
    assert (board["orders_today"], board["quotes_today"], board["conversion_rate"]) == (4, 1, 1.0)
    assert board["revenue_month"] == "4335.00"

    for path in (
        "insights/stock/alerts?kind=stock_out",
        f"insights/sales/complementary/{neighbour.goods['CIM-50']}",
    ):
        assert (await neighbour.seller.get(path))["items"] == []
    await neighbour.seller.get(f"insights/sales/complementary/{cement}", 404)
    assert await quiet(database) == []


async def test_advice_that_is_followed_is_fulfilled_by_what_comes_in(
    program: Program, http: aiohttp.ClientSession, database: Database
) -> None:
    yard = await yard_at("horizonte", program.url, http, database)
    cement = yard.goods["CIM-50"]
    await yard.sell_by_quote(CIM_50="90")
    await yard.engines_have_caught_up()
    [suggestion] = (await yard.keeper.get("insights/stock/suggestions"))["items"]
    assert suggestion["product_id"] == cement

    supplier = await yard.keeper.post("suppliers", {"name": "Cimentos do Vale"}, 201)
    price = {"product_id": cement, "price": "31.50"}
    await yard.keeper.post(f"suppliers/{supplier['id']}/prices", price, 201)
    drafts = await yard.keeper.post("purchase-orders/from-suggestions", {}, 201)
    [purchase] = drafts["items"]
    [wanted] = purchase["items"]
    assert (wanted["product_id"], wanted["quantity"]) == (cement, suggestion["suggested_quantity"])
    await yard.keeper.post(f"purchase-orders/{purchase['id']}/send")
    await yard.keeper.post(f"purchase-orders/{purchase['id']}/receive", {})
    await yard.engines_have_caught_up()

    assert (await yard.keeper.get("insights/stock/suggestions"))["items"] == []
    alerts = (await yard.keeper.get("insights/stock/alerts?kind=stock_out"))["items"]
    assert alerts == []
    [level] = (await yard.keeper.get(f"stock?product_id={cement}"))["items"]
    assert level["average_cost"] == "31.50" == level["last_cost"]
    assert await quiet(database) == []


async def test_advice_survives_a_program_that_is_killed_while_people_sell(
    program: Program, http: aiohttp.ClientSession, database: Database
) -> None:
    yard = await yard_at("horizonte", program.url, http, database)
    await yard.sell_by_quote(CIM_50="60", ARE_M3="4")
    await yard.sell_over_the_counter(CIM_50="30", ARE_M3="1")
    program.kill()
    await program.start()
    await yard.sell_over_the_counter(CIM_50="5")
    await yard.engines_have_caught_up()
    [alert] = (await yard.keeper.get("insights/stock/alerts?kind=stock_out"))["items"]
    assert (alert["mean_daily_demand"], alert["available"]) == ("95.000", "5.000")
    [rule] = (await yard.seller.get(f"insights/sales/complementary/{yard.goods['CIM-50']}"))["items"]
    assert (rule["orders_together"], rule["confidence"]) == (2, pytest.approx(2 / 3))
    assert await quiet(database) == []
