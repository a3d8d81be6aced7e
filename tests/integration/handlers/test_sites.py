from __future__ import annotations

from uuid import UUID

import pytest

from handlers import customers, sites
from runtime.data.database import Database

SITE = {
    "name": "Obra Jardim América",
    "address": "Av. Brasil, 900",
    "postal_code": "13.010-100",
    "latitude": -22.9056,
    "longitude": -47.0608,
}


@pytest.fixture
async def seller(client):
    await client.login("seller")
    return client


@pytest.fixture
async def customer(seller) -> str:
    response = await seller.post("/api/v1/customers", json={"kind": "person", "name": "Maria"})
    return (await response.json())["id"]


async def test_a_site_is_added_to_a_customer(seller, customer: str) -> None:
    response = await seller.post(f"/api/v1/customers/{customer}/sites", json=SITE)
    made = await response.json()
    assert response.status == 201
    assert response.headers["ETag"] == '"1"'
    assert sites.SiteView.model_validate(made).model_dump(mode="json").keys() == made.keys()
    shown = await (await seller.get(f"/api/v1/sites/{made['id']}")).json()
    assert shown == made
    assert {name: made[name] for name in SITE} == {**SITE, "postal_code": "13010100"}
    assert (made["customer_id"], made["active"], made["version"]) == (customer, True, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"latitude": 91},
        {"longitude": -180.5},
        {"latitude": None},
        {"latitude": "NaN"},
        {"longitude": 1e400},
        {"postal_code": "1301"},
        {"name": ""},
        {"floor": 3},
    ],
)
async def test_what_a_site_cannot_be_is_refused(seller, customer: str, wrong: dict[str, object]) -> None:
    response = await seller.post(f"/api/v1/customers/{customer}/sites", json={**SITE, **wrong})
    assert response.status in (400, 422)


async def test_a_site_changes_by_version_and_keeps_its_place_whole(seller, customer: str) -> None:
    made = await (await seller.post(f"/api/v1/customers/{customer}/sites", json=SITE)).json()
    path = f"/api/v1/sites/{made['id']}"
    response = await seller.patch(path, json={"active": False}, headers={"If-Match": '"1"'})
    assert (await response.json())["active"] is False
    assert response.headers["ETag"] == '"2"'
    assert (await seller.patch(path, json={"name": "Outra"}, headers={"If-Match": '"1"'})).status == 412
    assert (await seller.patch(path, json={"latitude": None})).status == 422
    response = await seller.patch(path, json={"latitude": None, "longitude": None})
    assert (await response.json())["longitude"] is None


async def test_sites_are_listed_by_customer_and_found_by_name_and_address(seller, customer: str) -> None:
    other = await (await seller.post("/api/v1/customers", json={"kind": "person", "name": "Pedro"})).json()
    await seller.post(f"/api/v1/customers/{customer}/sites", json=SITE)
    await seller.post(f"/api/v1/customers/{customer}/sites", json={"name": "Casa de praia"})
    await seller.post(f"/api/v1/customers/{other['id']}/sites", json={"name": "Galpão"})
    mine = f"/api/v1/customers/{customer}/sites"
    assert await names(seller, mine) == ["Casa de praia", SITE["name"]]
    assert await names(seller, mine, q="brasil") == [SITE["name"]]
    assert await names(seller, "/api/v1/sites") == ["Casa de praia", "Galpão", SITE["name"]]
    assert await names(seller, "/api/v1/sites", customer_id=other["id"]) == ["Galpão"]
    assert await names(seller, "/api/v1/sites", q="jardim america") == [SITE["name"]]
    assert await names(seller, "/api/v1/sites", q="galpao", active="false") == []
    first = await (await seller.get("/api/v1/sites?limit=2")).json()
    assert await names(seller, "/api/v1/sites", limit="2", cursor=first["next_cursor"]) == [SITE["name"]]


async def test_another_stores_site_does_not_exist(seller, database: Database, other_tenant: UUID) -> None:
    async with database.tenant(other_tenant) as tx:
        owner = await customers.create(tx, customers.CustomerNew(kind="person", name="Pedro"))
        foreign = await sites.create(tx, owner, sites.SiteNew(name="Obra"))
    assert (await seller.get(f"/api/v1/sites/{foreign}")).status == 404
    assert (await seller.patch(f"/api/v1/sites/{foreign}", json={"name": "Mine"})).status == 404
    assert await names(seller, "/api/v1/sites", customer_id=str(owner)) == []


async def names(client, path: str, **params: str) -> list[str]:
    response = await client.get(path, params=params)
    assert response.status == 200
    return [item["name"] for item in (await response.json())["items"]]
