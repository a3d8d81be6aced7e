"""A store as its people meet it through the API of the running program."""

from __future__ import annotations

from typing import Any

import aiohttp
import anyio

from handlers.events import CONSUMERS
from runtime.data.database import Database
from runtime.data.oracles import run_oracles
from tests.support.delivering import STORE_AT, tomorrow
from tests.support.stores import PASSWORD, create_store

ADVICE_DEADLINE_S = 20.0


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

    async def put(self, path: str, body: Any) -> Any:
        return await self._call("PUT", path, 200, json=body)

    async def send(self, path: str, data: bytes) -> Any:
        """A file as it is."""
        return await self._call("POST", path, 200, data=data)

    async def text(self, path: str) -> str:
        """What is answered, which is no JSON."""
        async with self._http.request("GET", self._url + path, headers=self._headers) as answer:
            assert answer.status == 200, path
            return await answer.text("utf-8-sig")

    async def _call(self, method: str, path: str, status: int, **body: Any) -> Any:
        async with self._http.request(method, self._url + path, headers=self._headers, **body) as answer:
            content = await answer.json(content_type=None) if answer.status != 204 else None
            assert answer.status == status, (path, content)
            return content


class Yard:
    """The store's people by role, its goods by code, its truck, and one customer with a site."""

    def __init__(self, host: str, people: dict[str, Person], driver_id: str) -> None:
        self.host = host
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
        await self.drive()
        return await self.seller.get(f"orders/{order['id']}")

    async def drive(self) -> None:
        """All that waits goes out on the truck and is handed over."""
        crew = [{"vehicle_id": self.truck, "driver_id": self.driver_id}]
        day = {"day": tomorrow(), "vehicles": crew, "seconds": 1}
        [route] = (await self.keeper.post("routes/plan", day))["routes"]
        await self.driver.post(f"routes/{route['id']}/depart")
        for delivery in (await self.driver.get("deliveries?status=out"))["items"]:
            await self.driver.post(f"deliveries/{delivery['id']}/arrive")
            await self.driver.post(f"deliveries/{delivery['id']}/deliver", {"receiver_name": "João da Obra"})

    async def sell_over_the_counter(self, **quantities: str) -> None:
        await self.seller.post("orders", {**self.sale(**quantities), "fulfilment": "counter"}, 201)

    async def engines_have_caught_up(self) -> None:
        with anyio.fail_after(ADVICE_DEADLINE_S):
            while (await self.finance.get("dashboard"))["pending_events"]:
                await anyio.sleep(0.02)


async def yard_at(slug: str, url: str, http: aiohttp.ClientSession, database: Database) -> Yard:
    people = {}
    store = await create_store(database, slug)
    for role in store.users:
        people[role] = Person(http, url, slug)
        await people[role].sign_in(f"{role}@{slug}.localhost")
    yard = Yard(f"{slug}.localhost", people, str(store.users["driver"]))
    await yard.open()
    return yard


async def quiet(database: Database) -> list[Any]:
    """What the oracles say once the relay, too, has come to the end of the log."""
    said: list[Any] = ["never asked"]
    with anyio.move_on_after(ADVICE_DEADLINE_S):
        while said := list(await run_oracles(database, CONSUMERS)):
            await anyio.sleep(0.05)
    return said
