from __future__ import annotations

from uuid import UUID

import pytest

from handlers import products
from runtime.data.database import Database
from runtime.data.queries import Query

CEMENT = {
    "sku": "CIM-50",
    "name": "Cimento CP II 50 kg",
    "unit": "SC",
    "base_price": "39.90",
    "category": "Cimentos",
    "barcode": "789 1234 567895",
    "weight_kg": 50,
    "volume_m3": "0.035",
    "cost": "31.5",
    "description": "Uso geral",
    "unit_conversions": [{"unit": "PL", "quantity": 50}],
}
EVENTS = Query(
    "events",
    "select event_type, payload::jsonb from event_outbox where tenant_id = $1 order by tenant_seq",
    ("tenant_id",),
    "",
)


@pytest.fixture
async def owner(client):
    await client.login("owner")
    return client


async def test_a_new_product_answers_with_all_it_is(owner) -> None:
    response = await owner.post("/api/v1/products", json=CEMENT)
    made = await response.json()
    assert response.status == 201
    assert response.headers["ETag"] == '"1"'
    assert UUID(made.pop("id"))
    assert made.pop("created_at") == made.pop("updated_at")
    assert made == {
        **CEMENT,
        "barcode": "7891234567895",
        "weight_kg": "50.000",
        "volume_m3": "0.035000",
        "cost": "31.50",
        "unit_conversions": [
            {"unit": "PL", "quantity": "50.000", "units": "1.000", "sale": True, "purchase": True}
        ],
        "sale_pack": None,
        "purchase_pack": None,
        "active": True,
        "version": 1,
    }


async def test_what_is_shown_is_what_the_documentation_says(owner) -> None:
    made = await (await owner.post("/api/v1/products", json=CEMENT)).json()
    shown = await (await owner.get(f"/api/v1/products/{made['id']}")).json()
    assert products.ProductView.model_validate(shown).model_dump(mode="json").keys() == shown.keys()
    prices = await (await owner.get(f"/api/v1/products/{made['id']}/prices")).json()
    for entry in prices["items"]:
        assert products.PriceChangeView.model_validate(entry).model_dump(mode="json").keys() == entry.keys()


async def test_a_code_is_taken_whatever_its_case(owner) -> None:
    await owner.post("/api/v1/products", json=CEMENT)
    response = await owner.post("/api/v1/products", json={**CEMENT, "sku": "cim-50"})
    assert response.status == 409
    assert (await response.json())["code"] == "sku_taken"
    second = await (await owner.post("/api/v1/products", json={**CEMENT, "sku": "CIM-25"})).json()
    response = await owner.patch(f"/api/v1/products/{second['id']}", json={"sku": "cIM-50"})
    assert response.status == 409


async def test_two_stores_may_use_the_same_code(owner, database: Database, other_tenant: UUID) -> None:
    async with database.tenant(other_tenant) as tx:
        await products.create(tx, products.ProductNew.model_validate(CEMENT))
    assert (await owner.post("/api/v1/products", json=CEMENT)).status == 201


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("base_price", "NaN"),
        ("base_price", "-0.01"),
        ("base_price", "Infinity"),
        ("base_price", "1000000000000.00"),
        ("base_price", "1e400"),
        ("base_price", "1.001"),
        ("base_price", None),
        ("cost", "-1"),
        ("weight_kg", "99999999999999999"),
        ("volume_m3", "0.0000001"),
        ("barcode", "7891234567894"),
        ("unit", "PARSEC"),
        ("sku", ""),
        ("sku", "A\nB"),
        ("sku", "x" * 61),
        ("name", "   "),
        ("active", "yes"),
        ("unit_conversions", [{"unit": "SC", "quantity": "2"}]),
        ("sale_pack", "CX"),
        ("purchase_pack", "CX"),
        ("unit_conversions", [{"unit": "PL", "quantity": "50"}, {"unit": "PL", "quantity": "40"}]),
        ("colour", "grey"),
    ],
)
async def test_what_a_product_cannot_be_is_refused_on_its_field(owner, field: str, value: object) -> None:
    response = await owner.post("/api/v1/products", json={**CEMENT, field: value})
    assert response.status == 422
    assert [error["pointer"] for error in (await response.json())["errors"]] == [f"/{field}"]


@pytest.mark.parametrize("field", ["sku", "name", "unit", "base_price", "active"])
async def test_a_required_field_cannot_be_emptied(owner, field: str) -> None:
    made = await (await owner.post("/api/v1/products", json=CEMENT)).json()
    response = await owner.patch(f"/api/v1/products/{made['id']}", json={field: None})
    assert response.status == 422


async def test_a_change_touches_only_what_was_asked(owner) -> None:
    made = await (await owner.post("/api/v1/products", json=CEMENT)).json()
    response = await owner.patch(
        f"/api/v1/products/{made['id']}",
        json={"description": None, "active": False},
        headers={"If-Match": '"1"'},
    )
    changed = await response.json()
    assert response.status == 200
    assert response.headers["ETag"] == '"2"'
    assert changed["updated_at"] >= made["updated_at"]
    expected = {
        **made,
        "description": None,
        "active": False,
        "version": 2,
        "updated_at": changed["updated_at"],
    }
    assert changed == expected


async def test_a_change_of_a_stale_version_is_refused(owner) -> None:
    path = f"/api/v1/products/{(await (await owner.post('/api/v1/products', json=CEMENT)).json())['id']}"
    await owner.patch(path, json={"name": "Cimento"}, headers={"If-Match": '"1"'})
    response = await owner.patch(path, json={"name": "Cal"}, headers={"If-Match": '"1"'})
    assert response.status == 412
    assert (await (await owner.get(path)).json())["name"] == "Cimento"


async def test_a_change_to_the_same_values_changes_no_version(owner) -> None:
    made = await (await owner.post("/api/v1/products", json=CEMENT)).json()
    response = await owner.patch(f"/api/v1/products/{made['id']}", json={**CEMENT, "base_price": 39.9})
    assert await response.json() == made


async def test_a_product_does_not_become_a_unit_it_converts_into(owner) -> None:
    path = f"/api/v1/products/{(await (await owner.post('/api/v1/products', json=CEMENT)).json())['id']}"
    assert (await owner.patch(path, json={"unit": "PL"})).status == 422
    response = await owner.patch(path, json={"unit": "PL", "unit_conversions": []})
    assert (await response.json())["unit_conversions"] == []


async def test_the_price_history_says_who_changed_what(owner, store) -> None:
    path = f"/api/v1/products/{(await (await owner.post('/api/v1/products', json=CEMENT)).json())['id']}"
    await owner.patch(path, json={"base_price": "42.00"})
    await owner.patch(path, json={"name": "Cimento"})
    await owner.patch(path, json={"base_price": "41.50"})
    history = (await (await owner.get(f"{path}/prices")).json())["items"]
    assert [(entry["previous"], entry["price"]) for entry in history] == [
        ("42.00", "41.50"),
        ("39.90", "42.00"),
        (None, "39.90"),
    ]
    assert {entry["changed_by"] for entry in history} == {str(store.owner_id)}
    first = await (await owner.get(f"{path}/prices?limit=2")).json()
    second = await (
        await owner.get(f"{path}/prices", params={"limit": 2, "cursor": first["next_cursor"]})
    ).json()
    assert first["items"] + second["items"] == history
    assert second["next_cursor"] is None


async def test_changes_tell_the_engines(owner, database: Database, store) -> None:
    made = await (await owner.post("/api/v1/products", json=CEMENT)).json()
    await owner.patch(f"/api/v1/products/{made['id']}", json={"base_price": "42.00"})
    async with database.tenant(store.id) as tx:
        events = [(row["event_type"], row["payload"]) for row in await tx.fetch_all(EVENTS)]
    assert [name for name, _ in events] == ["product_created", "product_updated", "product_price_updated"]
    assert events[2][1] == {"product_id": made["id"], "previous": "39.90", "price": "42.00"}


async def test_another_stores_product_does_not_exist(owner, database: Database, other_tenant: UUID) -> None:
    async with database.tenant(other_tenant) as tx:
        foreign = await products.create(tx, products.ProductNew.model_validate(CEMENT))
    assert (await owner.get(f"/api/v1/products/{foreign}")).status == 404
    assert (await owner.get(f"/api/v1/products/{foreign}/prices")).status == 404
    assert (await owner.patch(f"/api/v1/products/{foreign}", json={"name": "Mine"})).status == 404
    assert (await (await owner.get("/api/v1/products?q=cimento")).json())["items"] == []


async def test_a_seller_reads_but_does_not_change_the_catalogue(client) -> None:
    await client.login("seller")
    assert (await client.post("/api/v1/products", json=CEMENT)).status == 403
    assert (await client.get("/api/v1/products")).status == 200
