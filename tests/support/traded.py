"""A store that has done a bit of everything, with its own mark in every text that it could be known by."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
from PIL import Image

from tests.support.delivering import tomorrow
from tests.support.stores import ApiClient, Store

# Tables of the machinery whose rows no request can name.
_OUTSIDE = ("tenants", "idempotency_keys")


@dataclass(frozen=True, slots=True)
class Traded:
    """A store's mark, the tokens of its links by what they show, and the ids of all its rows by table."""

    mark: str
    tokens: Mapping[str, str]
    ids: Mapping[str, tuple[str, ...]]

    @property
    def all_ids(self) -> frozenset[str]:
        """Every id that the store has."""
        return frozenset(found for ids in self.ids.values() for found in ids)


async def trade(owner_of_schema: asyncpg.Connection, client: ApiClient, store: Store, mark: str) -> Traded:
    """Do business as the store's owner, whom ``client`` is signed in as."""

    async def make(path: str, body: Any = None, status: int = 201) -> Any:
        return await client.json("POST", path, body, status=status)

    await client.json("PATCH", "settings", {"name": f"{mark} Store"}, status=200)
    new = {"unit": "SC", "base_price": "40", "description": mark, "category": mark}
    products = [
        (await make("products", {**new, "sku": f"{mark}-{n}", "name": f"{mark} cement {n}"}))["id"]
        for n in range(2)
    ]
    for product in products:
        await make("stock/movements", {"product_id": product, "kind": "receipt", "quantity": "900"})
    person = {"kind": "person", "name": f"{mark} Maria", "document": "52998224725", "notes": mark}
    customer = (await make("customers", {**person, "email": f"{mark.lower()}@example.com"}))["id"]
    site = (await make(f"customers/{customer}/sites", {"name": f"{mark} site", "address": mark}))["id"]
    agreed = (await make("price-lists", {"name": f"{mark} list"}))["id"]
    await make("agreed-prices", {"price_list_id": agreed, "product_id": products[0], "price": "39"})
    items = [{"product_id": product, "quantity": "2", "note": mark} for product in products]
    quoted = {"customer_id": customer, "site_id": site, "notes": mark, "items": items}
    # The first is given at half the price, which its writer may.
    drafts = [(await make("quotes", quoted | {"discount_percent": str(off)}))["id"] for off in (50, 0, 0, 0)]
    for sent in drafts[1:]:
        await make(f"quotes/{sent}/send", status=200)
    token = (await make(f"quotes/{drafts[1]}/share", {}))["token"]
    await make(f"quotes/{drafts[2]}/approve", status=200)
    await make(f"quotes/{drafts[3]}/approve", status=200)
    await make(f"quotes/{drafts[3]}/convert", {})
    for fulfilment in ("counter", "delivery", "pickup"):
        order = (await make("orders", {**quoted, "fulfilment": fulfilment}))["id"]
    await make(f"orders/{order}/prepare", status=200)
    supplier = (await make("suppliers", {"name": f"{mark} supplier", "notes": mark}))["id"]
    await make(f"suppliers/{supplier}/prices", {"product_id": products[0], "price": "30"})
    code = {"product_id": products[0], "code": f"{mark}-1"}
    await client.json("PUT", f"suppliers/{supplier}/codes", code, status=200)
    bought = {"product_id": products[0], "quantity": "10", "unit_cost": "30"}
    wanted = {"supplier_id": supplier, "items": [bought], "notes": mark}
    purchases = [(await make("purchase-orders", wanted))["id"] for _ in range(2)]
    await make(f"purchase-orders/{purchases[1]}/send", status=200)
    await make("locations", {"name": f"{mark} shed"})
    hook = {"url": f"https://{mark.lower()}.example.com/", "active": False}
    webhook = (await make("webhooks", hook))["id"]
    await make(f"webhooks/{webhook}/test", status=202)
    await make("stock/counts", {"product_ids": products, "notes": mark})
    await make(f"products/{products[1]}/keep-lots", status=204)
    tokens = {"quotes": token, "deliveries": await _deliver(client, store, mark, customer, site, items)}
    return Traded(mark, tokens, await ids_of(owner_of_schema, store.id))


async def _deliver(
    client: ApiClient, store: Store, mark: str, customer: str, site: str, items: list[Any]
) -> str:
    """Plan a day with one delivery on the road and one that waits; returns the token of the first one's link."""

    async def make(path: str, body: Any = None, status: int = 201) -> Any:
        return await client.json("POST", path, body, status=status)

    place = {"latitude": -22.9056, "longitude": -47.0608}
    await client.json("PATCH", "settings", {"settings": place}, status=200)
    truck = {"plate": f"{mark[:3]}1D23", "name": f"{mark} truck", "capacity_kg": "3000", "capacity_m3": "12"}
    vehicle = (await make("vehicles", truck))["id"]
    for waits in (False, True):
        body = {"customer_id": customer, "site_id": site, "fulfilment": "delivery", "items": items}
        order = (await make("orders", body))["id"]
        await make(f"orders/{order}/prepare", status=200)
        await make(f"orders/{order}/dispatch", status=200)
        if not waits:
            crew = [{"vehicle_id": vehicle, "driver_id": str(store.users["driver"])}]
            plan = await make("routes/plan", {"day": tomorrow(), "vehicles": crew, "seconds": 1}, 200)
            await make(f"routes/{plan['routes'][0]['id']}/depart", status=200)
    found = await client.json("GET", "deliveries?status=out", status=200)
    delivery = found["items"][0]["id"]
    await make(f"deliveries/{delivery}/occurrences", {"kind": "other", "note": mark})
    drawn = io.BytesIO()
    Image.new("RGB", (8, 8)).save(drawn, "PNG")
    image = await client.post(
        f"deliveries/{delivery}/images", data=drawn.getvalue(), headers={"Content-Type": "image/png"}
    )
    assert image.status == 201
    logo = await client.put("settings/logo", data=drawn.getvalue(), headers={"Content-Type": "image/png"})
    assert logo.status == 200
    shared = await make(f"deliveries/{delivery}/share", {})
    return str(shared["token"])


async def tables_of_tenants(owner_of_schema: asyncpg.Connection) -> list[str]:
    """Every table that holds rows of stores."""
    rows = await owner_of_schema.fetch(
        "select table_name from information_schema.columns"
        " where table_schema = 'public' and column_name = 'tenant_id' order by table_name"
    )
    return [row["table_name"] for row in rows if row["table_name"] not in _OUTSIDE]


async def ids_of(owner_of_schema: asyncpg.Connection, tenant_id: UUID) -> dict[str, tuple[str, ...]]:
    """The ids of the store's rows by table, the newest last; tables without ids or rows are left out."""
    with_ids = await owner_of_schema.fetch(
        "select table_name from information_schema.columns"
        " where table_schema = 'public' and column_name = 'id' and data_type = 'uuid'"
    )
    known = {row["table_name"] for row in with_ids}
    found = {}
    for table in await tables_of_tenants(owner_of_schema):
        if table in known:
            rows = await owner_of_schema.fetch(
                f"select id from {table} where tenant_id = $1 order by id", tenant_id
            )
            if rows:
                found[table] = tuple(str(row["id"]) for row in rows)
    return found


async def contents_of(owner_of_schema: asyncpg.Connection, tenant_id: UUID) -> dict[str, str]:
    """A digest of all rows of the store by table: equal digests, equal rows."""
    digests = {}
    for table in await tables_of_tenants(owner_of_schema):
        digests[table] = await owner_of_schema.fetchval(
            f"select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from {table} as t"
            " where tenant_id = $1",
            tenant_id,
        )
    return digests
