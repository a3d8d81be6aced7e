"""Each of a store's flows from end to end: one running program, a store of its own for each of them."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4
from zoneinfo import ZoneInfo

import aiohttp
import asyncpg
import pytest
import redis.asyncio as redis
from pydantic import SecretStr

from runtime.data.database import Database
from runtime.host.embedded import Endpoints
from runtime.settings import Settings, load
from tests.acceptance.yard import Yard, quiet, yard_at
from tests.conftest import in_database
from tests.faults.process import Program

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def running(
    servers: Endpoints,
    template_database: str,
    worker_number: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Program, Settings]]:
    """The whole program, started once for all flows."""
    home = tmp_path_factory.mktemp("flows")
    name = f"flows_{uuid4().hex}"
    asyncio.run(_administer(servers.database_url, f"create database {name} template {template_database}"))
    address, _, options = servers.redis_url.partition("?")
    redis_url = f"{address}?db={worker_number}" if options else f"{address.rstrip('/')}/{worker_number}"
    asyncio.run(_empty(redis_url))
    settings = load(
        env_file=None,
        environment="development",
        basecommerce_home=home,
        database_url=in_database(servers.database_url, name),
        redis_url=redis_url,
        secret_key=SecretStr("2xq8Zf4nTq7mWb1cKd9yRr5uHs3pLe6vJa0g"),
    )
    program = Program(settings, home / "program.log")
    asyncio.run(program.start())
    yield program, settings
    program.stop()
    asyncio.run(_administer(servers.database_url, f"drop database {name} with (force)"))


@pytest.fixture
async def database(running: tuple[Program, Settings]) -> AsyncIterator[Database]:
    opened = await Database.open(running[1].database_url_of("api"), "api", size=2)
    yield opened
    await opened.close()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        yield session


@pytest.fixture
async def yard(
    request: pytest.FixtureRequest,
    running: tuple[Program, Settings],
    http: aiohttp.ClientSession,
    database: Database,
) -> AsyncIterator[Yard]:
    """A new store with goods; what its flow leaves behind is judged by the oracles."""
    made = await yard_at(f"flow-{uuid4().hex[:8]}", running[0].url, http, database)
    yield made
    await made.engines_have_caught_up()
    assert await quiet(database) == []


async def test_what_sells_is_bought_where_it_is_cheapest_and_comes_in_parts(
    yard: Yard, running: tuple[Program, Settings]
) -> None:
    cement = yard.goods["CIM-50"]
    cheap, dear = [
        (await yard.keeper.post("suppliers", {"name": name}, 201))["id"]
        for name in ("Cimentos do Vale", "Cimentos da Serra")
    ]
    for supplier, price in ((cheap, "29.00"), (dear, "33.00")):
        asked = {"product_id": cement, "price": price}
        await yard.keeper.post(f"suppliers/{supplier}/prices", asked, 201)
    await yard.sell_over_the_counter(CIM_50="90")
    await yard.engines_have_caught_up()
    [suggestion] = (await yard.keeper.get("insights/stock/suggestions"))["items"]
    [purchase] = (await yard.keeper.post("purchase-orders/from-suggestions", {}, 201))["items"]
    [wanted] = purchase["items"]
    assert (purchase["supplier_id"], wanted["unit_cost"]) == (cheap, "29.00")
    assert wanted["quantity"] == suggestion["suggested_quantity"]

    order = f"purchase-orders/{purchase['id']}"
    await yard.keeper.post(f"{order}/send")
    await _administer(
        running[1].database_url, "update purchase_orders set sent_at = sent_at - interval '4 days'"
    )
    rest = Decimal(wanted["quantity"]) - 20
    for quantity, cost, status in (("20", "30.00", "partially_received"), (str(rest), "32.00", "received")):
        part = {"items": [{"product_id": cement, "quantity": quantity, "unit_cost": cost}]}
        assert (await yard.keeper.post(f"{order}/receive", part))["status"] == status
    await yard.engines_have_caught_up()

    [level] = (await yard.keeper.get(f"stock?product_id={cement}"))["items"]
    assert Decimal(level["on_hand"]) == 10 + 20 + rest
    # The ten sacks that were there had no cost, so that they took the first receipt's.
    mean = (30 * Decimal("30.00") + rest * Decimal("32.00")) / (30 + rest)
    assert abs(Decimal(level["average_cost"]) - mean) <= Decimal("0.01")
    receipts = (await yard.keeper.get(f"{order}/receipts"))["items"]
    assert [round(Decimal(receipt["lead_time_days"])) for receipt in receipts] == [4, 4]
    assert (await yard.keeper.get(f"suppliers/{cheap}"))["observed_lead_time_days"] == "4.0"
    cost = await yard.keeper.get(f"insights/pricing/base-cost/{cement}")
    assert (cost["base_cost"], cost["last_purchase_cost"]) == ("29.00", "32.00")
    assert (await yard.keeper.get("insights/stock/suggestions"))["items"] == []


async def test_a_large_discount_is_approved_accepted_by_the_customer_and_delivered_in_two_parts(
    yard: Yard, running: tuple[Program, Settings], http: aiohttp.ClientSession
) -> None:
    draft = await yard.seller.post("quotes", {**yard.sale(CIM_50="10"), "discount_percent": "12"}, 201)
    quote = f"quotes/{draft['id']}"
    assert draft["discount_approval"] == "pending"
    await yard.seller.post(f"{quote}/send", status=409)
    await yard.finance.post(f"{quote}/approve-discount", {"version": draft["version"]})
    await yard.seller.post(f"{quote}/send")
    shared = await yard.seller.post(f"{quote}/share", {}, 201)
    page = f"{running[0].url}/q/{shared['token']}"
    customer = {"Host": yard.host}
    async with http.get(page, headers=customer) as shown:
        assert "Produto CIM-50" in await shown.text()
    async with http.post(f"{page}/accept", headers=customer, allow_redirects=False) as answer:
        assert answer.status == 303
    order = await yard.seller.post(f"{quote}/convert", status=201)
    await yard.keeper.post(f"orders/{order['id']}/prepare")
    part = {
        "order_id": order["id"],
        "items": [{"order_item_id": order["items"][0]["id"], "quantity": "6"}],
    }
    await yard.keeper.post("deliveries", part, 201)
    await yard.keeper.post("deliveries", {"order_id": order["id"]}, 201)
    await yard.drive()
    shown = await yard.seller.get(f"orders/{order['id']}")
    assert (shown["status"], shown["total"], shown["left_total"]) == ("delivered", "352.00", "352.00")
    sales = (await yard.finance.get("events?type=sale_recorded"))["items"]
    assert sorted(sale["payload"]["items"][0]["quantity"] for sale in sales) == ["4.000", "6.000"]
    assert sum(Decimal(sale["payload"]["total"]) for sale in sales) == Decimal("352.00")
    assert {sale["payload"]["order_id"] for sale in sales} == {order["id"]}


async def test_what_comes_back_is_there_again_and_no_longer_revenue(yard: Yard) -> None:
    cement = yard.goods["CIM-50"]
    sold = await yard.sell_by_quote(CIM_50="10")
    assert (await yard.finance.get("dashboard"))["revenue_month"] == "400.00"
    back = {"reason": "Sobrou na obra", "items": [{"item_id": sold["items"][0]["id"], "quantity": "3"}]}
    made = await yard.finance.post(f"orders/{sold['id']}/returns", back, 201)
    assert (made["reason"], made["amount"]) == ("Sobrou na obra", "120.00")
    [level] = (await yard.keeper.get(f"stock?product_id={cement}"))["items"]
    assert level["on_hand"] == "93.000"
    assert (await yard.finance.get("dashboard"))["revenue_month"] == "280.00"

    await yard.owner.patch(f"products/{cement}", {"base_price": "44.00"})
    history = (await yard.seller.get(f"customers/{yard.customer}/timeline"))["items"]
    assert {entry["kind"] for entry in history} == {"quote", "order"}
    paid = (await yard.seller.get(f"customers/{yard.customer}/paid-prices/{cement}"))["items"]
    assert [(one["order_id"], one["unit_price"]) for one in paid] == [(sold["id"], "40.00")]


async def test_goods_from_a_file_are_sold_by_the_box_and_exported(yard: Yard) -> None:
    file = "Código;Nome;Unidade;Preço\r\nPIS-60;Piso São João;m²;59,90\r\n;Sem código;UN;1,00\r\n".encode()
    tried = await yard.owner.send("products/import?dry_run=true", file)
    assert (tried["created"], tried["failed"]) == (1, 1)
    assert "PIS-60" not in await _codes(yard)
    taken = await yard.owner.send("products/import", file)
    assert (taken["created"], taken["failed"], taken["errors"][0]["row"]) == (1, 1, 3)
    tile = (await _codes(yard))["PIS-60"]
    box = {"unit_conversions": [{"unit": "CX", "quantity": "2.32"}], "sale_pack": "CX"}
    await yard.owner.patch(f"products/{tile}", box)
    receipt = {"product_id": tile, "kind": "receipt", "quantity": "10", "unit": "CX"}
    await yard.keeper.post("stock/movements", receipt, 201)
    item = {"product_id": tile, "quantity": "3", "unit": "CX"}
    order = await yard.seller.post("orders", {"fulfilment": "counter", "items": [item]}, 201)
    # 6.96 m² at 59.90
    assert (order["items"][0]["stock_quantity"], order["total"]) == ("6.960", "416.90")
    [level] = (await yard.keeper.get(f"stock?product_id={tile}"))["items"]
    assert level["on_hand"] == "16.240"
    exported = await yard.finance.text("exports/products?format=csv")
    rows = list(csv.reader(io.StringIO(exported), delimiter=";"))
    [line] = [row for row in rows if "PIS-60" in row]
    assert {"Piso São João", "59,90"} <= set(line)


async def test_the_lot_that_expires_first_is_sold_first(yard: Yard) -> None:
    product = {"sku": "ARG-20", "name": "Argamassa", "unit": "SC", "base_price": "18.00"}
    mortar = (await yard.owner.post("products", product, 201))["id"]
    await yard.keeper.post(f"products/{mortar}/keep-lots", status=204)
    for code, days in (("tarde", 60), ("cedo", 20)):
        lot = {"lot_code": code, "expires_on": _day(days)}
        receipt = {"product_id": mortar, "kind": "receipt", "quantity": "10", **lot}
        await yard.keeper.post("stock/movements", receipt, 201)
    body = {"fulfilment": "counter", "items": [{"product_id": mortar, "quantity": "12"}]}
    await yard.seller.post("orders", body, 201)
    lots = (await yard.keeper.get(f"stock/lots?product_id={mortar}"))["items"]
    assert [(lot["code"], lot["on_hand"]) for lot in lots if Decimal(lot["on_hand"])] == [("tarde", "8.000")]


async def test_advice_that_was_answered_is_gone(yard: Yard) -> None:
    await yard.sell_over_the_counter(CIM_50="95", ARE_M3="95", CAL_20="95")
    await yard.engines_have_caught_up()
    stock = "insights/stock/suggestions"
    cement, sand, lime = yard.goods.values()
    assert await _products(yard, stock) == {cement, sand, lime}
    await yard.keeper.post(f"{stock}/{cement}/accept", {})
    await yard.keeper.post(f"{stock}/{sand}/dismiss", {"reason": "Fora de linha"})
    await yard.keeper.post(f"{stock}/{lime}/snooze", {"until": _day(5)})
    await yard.engines_have_caught_up()
    assert await _products(yard, stock) == set()
    feedback = (await yard.keeper.get("insights/stock/feedback"))["items"]
    assert {one["product_id"] for one in feedback} == {cement, sand, lime}

    advised = f"insights/sales/complementary/{cement}"
    for _ in range(3):
        await yard.sell_over_the_counter(CIM_50="1", ARE_M3="1")
    await yard.engines_have_caught_up()
    assert sand in await _products(yard, advised)
    answer = {
        "kind": "complement",
        "answer": "dismissed",
        "reason": "not_fitting",
        "product_id": sand,
        "from_product_id": cement,
    }
    await yard.seller.post("insights/sales/answers", answer)
    await yard.engines_have_caught_up()
    assert sand not in await _products(yard, advised)


async def _codes(yard: Yard) -> dict[str, str]:
    return {product["sku"]: product["id"] for product in (await yard.owner.get("products"))["items"]}


async def _products(yard: Yard, path: str) -> set[str]:
    return {advice["product_id"] for advice in (await yard.seller.get(path))["items"]}


def _day(days: int) -> str:
    """So many days from today, at the store."""
    today = datetime.now(UTC).astimezone(ZoneInfo("America/Sao_Paulo")).date()
    return str(today + timedelta(days=days))


async def _empty(redis_url: str) -> None:
    async with redis.Redis.from_url(redis_url) as connection:
        await connection.flushdb()


async def _administer(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
