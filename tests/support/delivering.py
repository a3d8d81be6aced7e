"""A store that delivers, over HTTP: a product, a customer with sites, a vehicle, and its people signed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import orjson
import pytest

from handlers.permissions import Role
from handlers.stores import create_user
from runtime.data.database import Database
from tests.support.stores import _HASH, ApiClient, Store, create_store

STORE_AT = (-22.9056, -47.0608)


def tomorrow() -> str:
    """The next day at the store, as clients write it."""
    return str((datetime.now(UTC).astimezone(ZoneInfo("America/Sao_Paulo")) + timedelta(days=1)).date())


@dataclass(slots=True)
class Depot:
    """Every client belongs to the same store; ``second`` is another driver of it."""

    api: ApiClient
    keeper: ApiClient
    driver: ApiClient
    second: ApiClient
    store: Store
    owner: asyncpg.Connection
    product: str
    customer: str
    vehicle: str

    @property
    def driver_id(self) -> str:
        return str(self.store.users["driver"])

    async def make(self, path: str, body: Any = None, status: int = 201) -> Any:
        return await self.api.json("POST", path, body, status=status)

    async def site(self, latitude: float | None = None, longitude: float | None = None, **more: Any) -> str:
        body = {"name": "Obra", "latitude": latitude, "longitude": longitude, **more}
        made = await self.make(f"customers/{self.customer}/sites", body)
        return str(made["id"])

    async def order(
        self, quantity: str = "4", site: str | None = None, *, dispatched: bool = True
    ) -> dict[str, Any]:
        """An order of one item; preparing, or out for delivery with its delivery made."""
        site = site or await self.site(STORE_AT[0] + 0.02, STORE_AT[1] + 0.01)
        item = {"product_id": self.product, "quantity": quantity}
        body = {"customer_id": self.customer, "site_id": site, "fulfilment": "delivery", "items": [item]}
        made = await self.make("orders", body)
        order = await self.make(f"orders/{made['id']}/prepare", status=200)
        if dispatched:
            order = await self.make(f"orders/{made['id']}/dispatch", status=200)
        return dict(order)

    async def deliveries(self, order: dict[str, Any]) -> list[dict[str, Any]]:
        """The order's deliveries, the oldest first."""
        found = await self.api.json("GET", f"deliveries?order_id={order['id']}", status=200)
        return list(reversed(found["items"]))

    async def plan(self, status: int = 200, **more: Any) -> dict[str, Any]:
        crew = [{"vehicle_id": self.vehicle, "driver_id": self.driver_id}]
        body = {"day": tomorrow(), "vehicles": crew, "seconds": 1, **more}
        planned: dict[str, Any] = await self.keeper.json("POST", "routes/plan", body, status=status)
        return planned

    async def on_the_road(self, quantity: str = "4") -> dict[str, Any]:
        """A delivery that is out with the first driver."""
        order = await self.order(quantity)
        [route] = (await self.plan())["routes"]
        await self.driver.json("POST", f"routes/{route['id']}/depart", status=200)
        [delivery] = await self.deliveries(order)
        assert delivery["status"] == "out"
        return delivery

    async def level(self) -> tuple[str, str]:
        """On hand and reserved of the product."""
        [level] = (await self.api.json("GET", f"stock?product_id={self.product}", status=200))["items"]
        return level["on_hand"], level["reserved"]

    async def events(self, prefix: str) -> list[dict[str, Any]]:
        rows = await self.owner.fetch(
            "select event_type, payload::text from event_outbox where tenant_id = $1 and event_type like $2 "
            "order by tenant_seq",
            self.store.id,
            f"{prefix}%",
        )
        return [{"type": row["event_type"], **orjson.loads(row["payload"])} for row in rows]


PROOF = {"receiver_name": "João da Obra", "receiver_document": "529.982.247-25"}


@pytest.fixture
async def depot(client: ApiClient, store: Store, database: Database, owner: asyncpg.Connection) -> Depot:
    """A store with 1000 sacks of 50 kg, one vehicle for 3000 kg, and coordinates."""
    async with database.tenant(store.id) as tx:
        email = f"second@{store.slug}.localhost"
        await create_user(tx, email=email, name="second", role=Role.DRIVER, password_hash=_HASH)
    signed = {}
    for role in ("owner", "stock_keeper", "driver", "second"):
        signed[role] = client.at(store.slug)
        await signed[role].login(email=f"{role}@{store.slug}.localhost")
    api = signed["owner"]
    settings = {"latitude": STORE_AT[0], "longitude": STORE_AT[1]}
    await api.json("PATCH", "settings", {"settings": settings}, status=200)
    sack = {
        "sku": "CIM",
        "name": "Cimento",
        "unit": "SC",
        "base_price": "40",
        "weight_kg": "50",
        "volume_m3": "0.04",
    }
    product = (await api.json("POST", "products", sack, status=201))["id"]
    goods = {"product_id": product, "kind": "receipt", "quantity": "1000", "unit_cost": "30"}
    await api.json("POST", "stock/movements", goods, status=201)
    customer = (await api.json("POST", "customers", {"kind": "person", "name": "Maria"}, status=201))["id"]
    truck = {"plate": "bra-2e19", "name": "Truck", "capacity_kg": "3000", "capacity_m3": "12"}
    vehicle = (await api.json("POST", "vehicles", truck, status=201))["id"]
    return Depot(
        api,
        signed["stock_keeper"],
        signed["driver"],
        signed["second"],
        store,
        owner,
        product,
        customer,
        vehicle,
    )


async def other_store_client(client: ApiClient, database: Database) -> ApiClient:
    """The owner of another store, signed in there."""
    await create_store(database, "beta")
    other = client.at("beta")
    await other.login("owner")
    return other
