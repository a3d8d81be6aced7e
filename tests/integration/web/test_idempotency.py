from __future__ import annotations

from collections import Counter

import anyio
import pytest

from runtime.data.database import Database
from runtime.data.queries import sql

PRODUCTS = "/api/v1/products"


def product(sku: str = "CIM-50") -> dict[str, str]:
    return {"sku": sku, "name": "Cimento 50 kg", "unit": "SC", "base_price": "38.90"}


@pytest.fixture
async def owner(client):
    await client.login("owner")
    return client


async def count(client) -> int:
    return len((await client.json("GET", PRODUCTS, status=200))["items"])


async def test_the_same_request_again_gets_the_same_answer_and_no_second_effect(owner) -> None:
    key = {"Idempotency-Key": "k-1"}
    first = await owner.post(PRODUCTS, json=product(), headers=key)
    again = await owner.post(PRODUCTS, json=product(), headers=key)
    assert (first.status, again.status) == (201, 201)
    assert await first.json() == await again.json()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["ETag"] == first.headers["ETag"]
    assert await count(owner) == 1


async def test_twenty_at_once_under_one_key_have_one_effect(owner) -> None:
    answers: Counter[int] = Counter()
    bodies = set()

    async def post() -> None:
        answer = await owner.post(PRODUCTS, json=product(), headers={"Idempotency-Key": "same"})
        answers[answer.status] += 1
        if answer.status == 201:
            bodies.add(await answer.read())

    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(post)
    assert set(answers) <= {201, 409}
    assert answers[201] >= 1
    assert len(bodies) == 1
    assert await count(owner) == 1
    for _ in range(answers[409]):
        answer = await owner.post(PRODUCTS, json=product(), headers={"Idempotency-Key": "same"})
        assert (answer.status, answer.headers["Idempotent-Replayed"]) == (201, "true")
        assert await answer.read() in bodies


async def test_an_answer_without_a_body_is_repeated_as_well(owner) -> None:
    yard = await owner.json("POST", "/api/v1/locations", {"name": "Pátio"}, status=201)
    made = await owner.json("POST", PRODUCTS, product(), status=201)
    receipt = {"product_id": made["id"], "kind": "receipt", "quantity": "10"}
    booked = await owner.json("POST", "/api/v1/stock/movements", receipt, status=201)
    transfer = {
        "from_location_id": booked["location_id"],
        "to_location_id": yard["id"],
        "items": [{"product_id": made["id"], "quantity": "4"}],
    }
    for _ in range(2):
        answer = await owner.post(
            "/api/v1/stock/transfers", json=transfer, headers={"Idempotency-Key": "k-1"}
        )
        assert (answer.status, await answer.read()) == (204, b"")
    stock = await owner.json("GET", f"/api/v1/stock?location_id={yard['id']}", status=200)
    assert [level["on_hand"] for level in stock["items"]] == ["4.000"]


async def test_a_key_means_nothing_to_a_reading(owner) -> None:
    key = {"Idempotency-Key": "k-1"}
    assert await (await owner.get(PRODUCTS, headers=key)).json() == {"items": [], "next_cursor": None}
    await owner.json("POST", PRODUCTS, product(), status=201)
    again = await owner.get(PRODUCTS, headers=key)
    assert len((await again.json())["items"]) == 1
    assert "Idempotent-Replayed" not in again.headers


async def test_the_same_key_for_another_request_is_refused(owner) -> None:
    key = {"Idempotency-Key": "k-1"}
    await owner.post(PRODUCTS, json=product(), headers=key)
    answer = await owner.post(PRODUCTS, json=product("CIM-25"), headers=key)
    assert answer.status == 422
    assert (await answer.json())["errors"][0]["code"] == "idempotency_key_reused"
    customer = {"kind": "person", "name": "Ana", "document": "52998224725"}
    assert (await owner.post("/api/v1/customers", json=customer, headers=key)).status == 422
    assert await count(owner) == 1


async def test_another_user_cannot_take_a_key_over(owner) -> None:
    key = {"Idempotency-Key": "k-1"}
    customer = {"kind": "person", "name": "Ana", "document": "52998224725"}
    assert (await owner.post("/api/v1/customers", json=customer, headers=key)).status == 201
    seller = owner.at("yard")
    await seller.login("seller")
    assert (await seller.post("/api/v1/customers", json=customer, headers=key)).status == 422


async def test_keys_of_different_stores_have_nothing_to_do_with_each_other(owner, database) -> None:
    from tests.support.stores import create_store

    await create_store(database, "beta")
    beta = owner.at("beta")
    await beta.login("owner")
    key = {"Idempotency-Key": "k-1"}
    assert (await owner.post(PRODUCTS, json=product(), headers=key)).status == 201
    answer = await beta.post(PRODUCTS, json=product(), headers=key)
    assert answer.status == 201
    assert "Idempotent-Replayed" not in answer.headers


async def test_a_refused_request_does_not_use_its_key_up(owner) -> None:
    key = {"Idempotency-Key": "k-1"}
    await owner.post(PRODUCTS, json=product())
    assert (await owner.post(PRODUCTS, json=product(), headers=key)).status == 409
    existing = (await owner.json("GET", PRODUCTS))["items"][0]["id"]
    await owner.json("PATCH", f"{PRODUCTS}/{existing}", {"sku": "OLD"}, status=200)
    answer = await owner.post(PRODUCTS, json=product(), headers=key)
    assert answer.status == 201
    assert "Idempotent-Replayed" not in answer.headers


async def test_while_a_request_runs_its_twin_is_told_so(owner, database: Database, store) -> None:
    async with database.tenant(store.id, user_id=store.owner_id) as tx:
        await tx.execute(sql.claim_idempotency_key, key="busy", route="POST x", request_hash=b"\0" * 32)
        answer = await owner.post(PRODUCTS, json=product(), headers={"Idempotency-Key": "busy"})
    assert answer.status == 409
    assert (await answer.json())["code"] == "idempotency_in_progress"
    assert answer.headers["Retry-After"] == "1"


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "é"])
async def test_a_key_that_is_none_is_malformed(owner, key: str) -> None:
    answer = await owner.post(PRODUCTS, json=product(), headers={"Idempotency-Key": key})
    assert answer.status == 400


async def test_every_write_is_in_the_audit_log_once(owner) -> None:
    key = {"Idempotency-Key": "k-1"}
    for _ in range(3):
        await owner.post(PRODUCTS, json=product(), headers=key)
    await owner.post(PRODUCTS, json=product())
    entries = (await owner.json("GET", "/api/v1/audit", status=200))["items"]
    assert [entry["action"] for entry in entries].count("product.created") == 1
    entry = entries[0]
    assert entry["user_name"] == "owner"
    assert entry["address"]
    assert entry["request_id"]
