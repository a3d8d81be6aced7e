"""A store's day with the whole program running: people sell through the API, and it brings them the engines' advice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import pytest

from handlers.events import CONSUMERS
from runtime.data.database import Database
from runtime.data.oracles import run_oracles
from runtime.settings import Settings
from tests.faults.process import Program
from tests.support.delivering import STORE_AT, tomorrow
from tests.support.stores import PASSWORD, create_store

ADVICE_DEADLINE_S = 20.0

pytestmark = pytest.mark.timeout(120)


class Person:
    """Somebody of a store, at their own screen."""

    def __init__(self, http: aiohttp.ClientSession, url: str, slug: str) -> None:
        self._http = http
        self._url = f"{url}/api/v1/"
        self._headers = {"Host": f"{slug}.localhost"}

    async def sign_in(self, email: str) -> None:
        tokens = await self.post("auth/login", {"email": email, "password": PASSWORD}, 200)
        self._headers["Authorization"] = f"Bearer {tokens['access_token']}"

    async def post(self, path: str, body: Any = None, status: int = 200) -> Any:
        return await self._call("POST", path, status, json=body)

    async def patch(self, path: str, body: Any) -> Any:
        return await self._call("PATCH", path, 200, json=body)

    async def get(self, path: str, status: int = 200) -> Any:
        return await self._call("GET", path, status)

    async def _call(self, method: str, path: str, status: int, **body: Any) -> Any:
        async with self._http.request(method, self._url + path, headers=self._headers, **body) as answer:
            content = await answer.json(content_type=None)
            assert answer.status == status, (path, content)
            return content


class Yard:
    """The store's people by role, its goods by code, its truck, and one customer with a site."""

    def __init__(self, people: dict[str, Person], driver_id: str) -> None:
        self.owner, self.seller = people["owner"], people["seller"]
        self.finance, self.keeper, self.driver = people["finance"], people["stock_keeper"], people["driver"]
        self.driver_id = driver_id
        self.goods: dict[str, str] = {}
        self.truck = self.customer = self.site = ""

    async def open(self) -> None:
        for sku, price in (("CIM-50", "40.00"), ("ARE-M3", "120.00"), ("CAL-20", "15.00")):
            product = {
                "sku": sku,
                "name": f"Produto {sku}",
                "unit": "UN",
                "base_price": price,
                "weight_kg": "9",
            }
            self.goods[sku] = (await self.owner.post("products", product, 201))["id"]
            receipt = {"product_id": self.goods[sku], "kind": "receipt", "quantity": "100"}
            await self.keeper.post("stock/movements", receipt, 201)
        customer = {"kind": "company", "name": "Construtora Horizonte"}
        self.customer = (await self.seller.post("customers", customer, 201))["id"]
        site = {"name": "Torre A", "latitude": STORE_AT[0] + 0.02, "longitude": STORE_AT[1]}
        self.site = (await self.seller.post(f"customers/{self.customer}/sites", site, 201))["id"]
        place = {"latitude": STORE_AT[0], "longitude": STORE_AT[1]}
        await self.owner.patch("settings", {"settings": place})
        truck = {"plate": "BRA-2E19", "name": "Truck", "capacity_kg": "9000", "capacity_m3": "90"}
        self.truck = (await self.owner.post("vehicles", truck, 201))["id"]

    def sale(self, **quantities: str) -> dict[str, Any]:
        return {
            "customer_id": self.customer,
            "site_id": self.site,
            "items": [
                {"product_id": self.goods[sku.replace("_", "-")], "quantity": quantity}
                for sku, quantity in quantities.items()
            ],
        }

    async def sell_by_quote(self, **quantities: str) -> dict[str, Any]:
        """Quoted, sent, approved, converted, prepared, planned, driven and delivered, each step by whose it is."""
        quote = f"quotes/{(await self.seller.post('quotes', self.sale(**quantities), 201))['id']}"
        await self.seller.post(f"{quote}/send")
        await self.finance.post(f"{quote}/approve")
        order = await self.seller.post(f"{quote}/convert", status=201)
        await self.keeper.post(f"orders/{order['id']}/prepare")
        await self.keeper.post(f"orders/{order['id']}/dispatch")
        crew = [{"vehicle_id": self.truck, "driver_id": self.driver_id}]
        planned = await self.keeper.post(
            "routes/plan", {"day": tomorrow(), "vehicles": crew, "seconds": 1}, 200
        )
        [route] = planned["routes"]
        await self.driver.post(f"routes/{route['id']}/depart")
        [delivery] = (await self.driver.get("deliveries?status=out"))["items"]
        await self.driver.post(f"deliveries/{delivery['id']}/arrive")
        await self.driver.post(f"deliveries/{delivery['id']}/deliver", {"receiver_name": "João da Obra"})
        return await self.seller.get(f"orders/{order['id']}")

    async def sell_over_the_counter(self, **quantities: str) -> None:
        await self.seller.post("orders", {**self.sale(**quantities), "fulfilment": "counter"}, 201)

    async def engines_have_caught_up(self) -> None:
        with anyio.fail_after(ADVICE_DEADLINE_S):
            while (await self.finance.get("dashboard"))["pending_events"]:
                await anyio.sleep(0.02)


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


async def yard_at(slug: str, program: Program, http: aiohttp.ClientSession, database: Database) -> Yard:
    people = {}
    store = await create_store(database, slug)
    for role in store.users:
        people[role] = Person(http, program.url, slug)
        await people[role].sign_in(f"{role}@{slug}.localhost")
    yard = Yard(people, str(store.users["driver"]))
    await yard.open()
    return yard


async def test_what_people_sell_comes_back_as_advice(
    program: Program, http: aiohttp.ClientSession, database: Database
) -> None:
    yard = await yard_at("horizonte", program, http, database)
    neighbour = await yard_at("vizinho", program, http, database)
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
    assert await _quiet(database) == []


async def test_advice_that_is_followed_is_fulfilled_by_what_comes_in(
    program: Program, http: aiohttp.ClientSession, database: Database
) -> None:
    yard = await yard_at("horizonte", program, http, database)
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
    assert await _quiet(database) == []


async def test_advice_survives_a_program_that_is_killed_while_people_sell(
    program: Program, http: aiohttp.ClientSession, database: Database
) -> None:
    yard = await yard_at("horizonte", program, http, database)
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
    assert await _quiet(database) == []


async def _quiet(database: Database) -> list[Any]:
    """What the oracles say once the relay, too, has come to the end of the log."""
    said: list[Any] = ["never asked"]
    with anyio.move_on_after(ADVICE_DEADLINE_S):
        while said := list(await run_oracles(database, CONSUMERS)):
            await anyio.sleep(0.05)
    return said
