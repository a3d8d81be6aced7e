from __future__ import annotations

from uuid import UUID

import pytest

from handlers import customers
from runtime.data.database import Database
from runtime.data.queries import Query

BUILDER = {
    "kind": "company",
    "name": "Construtora São José",
    "document": "12.ABC.345/01DE-35",
    "email": "Compras@SaoJose.example",
    "phone": "(11) 98765-4321",
    "address": "Rua das Palmeiras, 120",
    "postal_code": "13010-100",
    "notes": "Paga em 28 dias",
}
MARIA = {"kind": "person", "name": "Maria da Conceição", "document": "529.982.247-25"}
EVENTS = Query(
    "events",
    "select event_type, payload::jsonb from event_outbox where tenant_id = $1 order by tenant_seq",
    ("tenant_id",),
    "",
)


@pytest.fixture
async def seller(client):
    await client.login("seller")
    return client


async def names(client, **params: str) -> list[str]:
    response = await client.get("/api/v1/customers", params=params)
    assert response.status == 200
    return [item["name"] for item in (await response.json())["items"]]


async def test_a_new_customer_answers_with_the_document_normalised(seller) -> None:
    response = await seller.post("/api/v1/customers", json=BUILDER)
    made = await response.json()
    assert response.status == 201
    assert response.headers["ETag"] == '"1"'
    assert customers.CustomerView.model_validate(made).model_dump(mode="json").keys() == made.keys()
    assert made.pop("created_at") == made.pop("updated_at")
    assert UUID(made.pop("id"))
    assert made == {
        **BUILDER,
        "document": "12ABC34501DE35",
        "email": "compras@saojose.example",
        "postal_code": "13010100",
        "active": True,
        "version": 1,
    }


async def test_a_document_belongs_to_one_customer_of_a_store(
    seller, database: Database, other_tenant: UUID
) -> None:
    async with database.tenant(other_tenant) as tx:
        await customers.create(tx, customers.CustomerNew.model_validate(BUILDER))
    assert (await seller.post("/api/v1/customers", json=BUILDER)).status == 201
    response = await seller.post("/api/v1/customers", json={**BUILDER, "document": "12abc34501de35"})
    assert response.status == 409
    assert (await response.json())["code"] == "document_taken"


async def test_customers_without_a_document_do_not_collide(seller) -> None:
    for name in ("Ana", "Bia"):
        assert (await seller.post("/api/v1/customers", json={"kind": "person", "name": name})).status == 201
    assert await names(seller) == ["Ana", "Bia"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("document", "12.ABC.345/01DE-36"),
        ("document", "529.982.247-25"),
        ("kind", "alien"),
        ("name", ""),
        ("name", "x" * 201),
        ("email", "not an address"),
        ("phone", "ligar depois"),
        ("postal_code", "1301"),
        ("notes", "x" * 4001),
        ("active", None),
        ("vip", True),
    ],
)
async def test_what_a_customer_cannot_be_is_refused_on_its_field(seller, field: str, value: object) -> None:
    response = await seller.post("/api/v1/customers", json={**BUILDER, field: value})
    assert response.status == 422
    assert f"/{field}" in [error["pointer"] for error in (await response.json())["errors"]]


async def test_a_changed_kind_needs_a_document_of_that_kind(seller) -> None:
    path = f"/api/v1/customers/{(await (await seller.post('/api/v1/customers', json=MARIA)).json())['id']}"
    response = await seller.patch(path, json={"kind": "company"})
    assert response.status == 422
    assert [error["pointer"] for error in (await response.json())["errors"]] == ["/document"]
    response = await seller.patch(path, json={"kind": "company", "document": "11.222.333/0001-81"})
    assert (await response.json())["document"] == "11222333000181"
    response = await seller.patch(path, json={"document": "529.982.247-25"})
    assert response.status == 422


async def test_a_customer_is_deactivated_and_stays(seller) -> None:
    made = await (await seller.post("/api/v1/customers", json=MARIA)).json()
    path = f"/api/v1/customers/{made['id']}"
    assert (await seller.delete(path)).status == 405
    response = await seller.patch(path, json={"active": False}, headers={"If-Match": '"1"'})
    assert response.headers["ETag"] == '"2"'
    assert (await seller.patch(path, json={"active": True}, headers={"If-Match": '"1"'})).status == 412
    assert (await (await seller.get(path)).json())["active"] is False
    assert await names(seller, active="true") == []
    assert await names(seller, active="false") == [MARIA["name"]]


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("sao jose", ["Construtora São José"]),
        ("construt", ["Construtora São José"]),
        ("12.abc.345/01de-35", ["Construtora São José"]),
        ("(11) 98765-4321", ["Construtora São José"]),
        ("98765 4321", ["Construtora São José"]),
        ("compras@saojose.example", ["Construtora São José"]),
        ("529.982.247-25", ["Maria da Conceição"]),
        ("529982", ["Maria da Conceição"]),
        ("conceicao maria", ["Maria da Conceição"]),
        ("konceicao", ["Maria da Conceição"]),
        ("529.982.247-26", []),
        ("pedro", []),
        ("%", []),
    ],
)
async def test_customers_are_found_by_name_document_and_contact(
    seller, question: str, found: list[str]
) -> None:
    for customer in (BUILDER, MARIA):
        await seller.post("/api/v1/customers", json=customer)
    assert await names(seller, q=question) == found


async def test_lists_are_sorted_filtered_and_paged(seller) -> None:
    for customer in (MARIA, BUILDER, {"kind": "person", "name": "Élio"}):
        await seller.post("/api/v1/customers", json=customer)
    assert await names(seller) == ["Construtora São José", "Élio", "Maria da Conceição"]
    assert await names(seller, sort="-created") == ["Élio", "Construtora São José", "Maria da Conceição"]
    assert await names(seller, sort="created", kind="person") == ["Maria da Conceição", "Élio"]
    first = await (await seller.get("/api/v1/customers?limit=2")).json()
    second = await seller.get("/api/v1/customers", params={"limit": "2", "cursor": first["next_cursor"]})
    assert [item["name"] for item in (await second.json())["items"]] == ["Maria da Conceição"]


async def test_events_and_the_audit_log_hold_no_personal_data(seller, database: Database, store) -> None:
    made = await (await seller.post("/api/v1/customers", json=BUILDER)).json()
    await seller.patch(f"/api/v1/customers/{made['id']}", json={"phone": "(19) 3232-3232"})
    audit = Query(
        "audit", "select before::text || after::text from audit_log where tenant_id = $1", ("tenant_id",), ""
    )
    async with database.tenant(store.id) as tx:
        events = [(row["event_type"], row["payload"]) for row in await tx.fetch_all(EVENTS)]
        audited = " ".join(str(row[0]) for row in await tx.fetch_all(audit))
    assert events == [("customer_created", {"customer_id": made["id"], "kind": "company"})]
    assert "3232" not in audited
    assert "José" not in audited


async def test_another_stores_customer_does_not_exist(seller, database: Database, other_tenant: UUID) -> None:
    async with database.tenant(other_tenant) as tx:
        foreign = await customers.create(tx, customers.CustomerNew.model_validate(BUILDER))
    path = f"/api/v1/customers/{foreign}"
    assert (await seller.get(path)).status == 404
    assert (await seller.patch(path, json={"name": "Mine"})).status == 404
    assert (await seller.get(f"{path}/sites")).status == 404
    assert (await seller.post(f"{path}/sites", json={"name": "Obra"})).status == 404
    assert await names(seller, q="construtora") == []
