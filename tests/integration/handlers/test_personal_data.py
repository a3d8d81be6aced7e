from __future__ import annotations

from typing import Any

import pytest

from tests.integration.handlers.test_selling import Shop
from tests.support.stores import ApiClient, create_store

SECRETS = (
    "Maria das Dores",
    "52998224725",
    "maria@example.com",
    "19 98888-7777",
    "Rua das Flores",
    "perto da praça",
)


@pytest.fixture
async def shop(client: ApiClient) -> Shop:
    """A shop whose customer has told everything about herself."""
    shop = Shop(client)
    await shop.open(cement=100)
    person = {
        "kind": "person",
        "name": "Maria das Dores",
        "document": "529.982.247-25",
        "email": "maria@example.com",
        "phone": "19 98888-7777",
        "address": "Rua das Flores, 7",
        "notes": "perto da praça",
    }
    shop.customer = (await client.json("POST", "customers", person, status=201))["id"]
    site = {"name": "Casa de Maria das Dores", "address": "Rua das Flores, 7"}
    await client.json("POST", f"customers/{shop.customer}/sites", site, status=201)
    body = {
        "customer_id": shop.customer,
        "notes": "Entregar a Maria das Dores",
        "items": [{**shop.items(cement=1)[0], "note": "Maria das Dores"}],
    }
    quote = await client.json("POST", "quotes", body, status=201)
    await client.json("PATCH", f"quotes/{quote['id']}", {"notes": "perto da praça"}, status=200)
    seller = client.at("yard")
    await seller.login("seller")
    asked = await seller.json("PATCH", f"quotes/{quote['id']}", {"discount_percent": "50"}, status=200)
    denial = {"version": asked["version"], "reason": "Maria das Dores já deve"}
    await client.json("POST", f"quotes/{quote['id']}/deny-discount", denial, status=200)
    order = await client.json("POST", "orders", {**body, "fulfilment": "counter"}, status=201)
    back = {
        "reason": "Maria das Dores desistiu",
        "items": [{"item_id": order["items"][0]["id"], "quantity": "1"}],
    }
    await client.json("POST", f"orders/{order['id']}/returns", back, status=201)
    return shop


async def test_everything_held_about_a_person_can_be_handed_over(shop: Shop) -> None:
    answer = await shop.client.get(f"customers/{shop.customer}/personal-data")
    text = await answer.text()
    assert answer.status == 200
    for secret in SECRETS:
        assert secret in text
    assert "COT-000001" in text
    assert "desistiu" in text


async def test_a_forgotten_person_is_nowhere_in_the_database_and_the_amounts_stay(
    shop: Shop, owner: Any
) -> None:
    for _ in range(2):
        assert (await shop.client.post(f"customers/{shop.customer}/anonymise")).status == 204
    tables = await owner.fetch(
        "select c.oid::regclass::text as name from pg_class c where c.relkind = 'r' "
        "and c.relnamespace = 'public'::regnamespace"
    )
    for table in tables:
        rows = await owner.fetch(f"select t::text as row from {table['name']} t")
        for row in rows:
            for secret in SECRETS:
                assert secret not in row["row"], table["name"]
    [quote] = (await shop.client.json("GET", "quotes", status=200))["items"]
    assert (quote["customer_name"], quote["total"]) == ("Anonimizado", "5.00")


async def test_a_customer_with_open_orders_is_not_forgotten(shop: Shop) -> None:
    order = await shop.order("delivery", cement=1)
    refused = await shop.client.json("POST", f"customers/{shop.customer}/anonymise", status=409)
    assert refused["code"] == "open_orders"
    await shop.client.json("POST", f"orders/{order['id']}/cancel", {}, status=200)
    assert (await shop.client.post(f"customers/{shop.customer}/anonymise")).status == 204


async def test_only_the_owner_of_the_store_reads_or_forgets(shop: Shop, database: Any) -> None:
    seller = shop.client.at("yard")
    await seller.login("seller")
    await create_store(database, "rival")
    stranger = shop.client.at("rival")
    await stranger.login("owner")
    for client, status in ((seller, 403), (stranger, 404)):
        assert (await client.get(f"customers/{shop.customer}/personal-data")).status == status
        assert (await client.post(f"customers/{shop.customer}/anonymise")).status == status


async def test_answers_kept_under_keys_forget_the_person_and_repeats_still_change_nothing(
    shop: Shop, owner: Any
) -> None:
    who = {"kind": "person", "name": "Maria das Dores", "email": "maria@example.com"}
    sale = {"fulfilment": "counter", "notes": "perto da praça", "items": shop.items(cement=1)}

    async def repeat() -> list[Any]:
        made = await shop.client.post("customers", json=who, headers={"Idempotency-Key": "a"})
        body = {**sale, "customer_id": shop.customer}
        sold = await shop.client.post("orders", json=body, headers={"Idempotency-Key": "b"})
        return [made, sold]

    made, sold = await repeat()
    other = (await made.json())["id"]
    assert sold.status == 201
    for customer in (other, shop.customer):
        assert (await shop.client.post(f"customers/{customer}/anonymise")).status == 204
    for kept in await owner.fetch("select body from idempotency_keys"):
        assert not any(secret in (kept["body"] or "") for secret in SECRETS)
    for answer in await repeat():
        assert (answer.status, answer.headers["Idempotent-Replayed"]) == (201, "true")
    assert len((await shop.client.json("GET", "customers", status=200))["items"]) == 3
