from __future__ import annotations

from typing import Any

import pytest

from runtime.data.oracles import run_oracles
from tests.integration.handlers.test_selling import Shop, in_parallel
from tests.support.stores import ApiClient, create_store


@pytest.fixture
async def shop(client: ApiClient) -> Shop:
    shop = Shop(client)
    await shop.open(cement=100, sand=10)
    return shop


async def default_location(shop: Shop) -> str:
    [location] = (await shop.client.json("GET", "locations", status=200))["items"]
    return location["id"]


async def levels(shop: Shop, sku: str) -> dict[str, str]:
    found = await shop.client.json("GET", f"stock?product_id={shop.products[sku]}", status=200)
    return {level["location_id"]: level["on_hand"] for level in found["items"]}


async def test_goods_move_between_locations_and_the_ledger_balances(shop: Shop, database: Any) -> None:
    home = await default_location(shop)
    yard = (await shop.client.json("POST", "locations", {"name": "Pátio"}, status=201))["id"]
    assert (await shop.client.json("POST", "locations", {"name": "pátio"}, status=409))[
        "code"
    ] == "name_taken"
    body = {
        "from_location_id": home,
        "to_location_id": yard,
        "items": [
            {"product_id": shop.products["cement"], "quantity": "30"},
            {"product_id": shop.products["sand"], "quantity": "2"},
        ],
    }
    assert (await shop.client.post("stock/transfers", json=body)).status == 204
    assert await levels(shop, "cement") == {home: "70.000", yard: "30.000"}
    assert await levels(shop, "sand") == {home: "8.000", yard: "2.000"}
    assert await run_oracles(database, []) == []


async def test_reserved_goods_do_not_move(shop: Shop) -> None:
    home = await default_location(shop)
    yard = (await shop.client.json("POST", "locations", {"name": "Pátio"}, status=201))["id"]
    await shop.order("pickup", sand=8)
    item = {"product_id": shop.products["sand"], "quantity": "3"}
    body = {"from_location_id": home, "to_location_id": yard, "items": [item]}
    refused = await shop.client.json("POST", "stock/transfers", body, status=409)
    assert refused["products"][0]["available"] == "2.000"
    assert (await shop.client.post("stock/transfers", json={**body, "to_location_id": home})).status == 422


async def test_a_blind_count_hides_the_books_and_books_only_the_differences(
    shop: Shop, database: Any, owner: Any
) -> None:
    count = await shop.client.json("POST", "stock/counts", {}, status=201)
    assert {line["sku"] for line in count["lines"]} == {"cement", "sand"}
    path = f"stock/counts/{count['id']}"
    found = [
        {"product_id": shop.products["cement"], "quantity": "97"},
        {"product_id": shop.products["sand"], "quantity": "10"},
    ]
    recorded = await shop.client.json("POST", f"{path}/record", {"items": found}, status=200)
    assert [line["expected"] for line in recorded["lines"]] == [None, None]
    await shop.client.json(
        "POST", "orders", {"fulfilment": "counter", "items": shop.items(cement=5)}, status=201
    )
    booked = await shop.client.json("POST", f"{path}/book", status=200)
    assert [(line["expected"], line["difference"]) for line in booked["lines"]] == [
        ("100.000", "-3.000"),
        ("10.000", "0.000"),
    ]
    assert await shop.level("cement") == ("92.000", "0.000", "92.000")
    assert await owner.fetchval("select count(*) from stock_movements where kind = 'count'") == 1
    again = await shop.client.json("POST", f"{path}/book", status=409)
    assert again["current_state"] == "booked"
    assert await run_oracles(database, []) == []


async def test_a_count_may_be_partial_open_to_see_and_given_up(shop: Shop) -> None:
    body = {"product_ids": [shop.products["sand"]], "blind": False}
    count = await shop.client.json("POST", "stock/counts", body, status=201)
    found = {"items": [{"product_id": shop.products["cement"], "quantity": "1"}]}
    assert (await shop.client.post(f"stock/counts/{count['id']}/record", json=found)).status == 422
    cancelled = await shop.client.json("POST", f"stock/counts/{count['id']}/cancel", status=200)
    assert cancelled["status"] == "cancelled"
    assert (await shop.client.post("stock/counts", json={"abc_class": "A"})).status == 409
    listed = await shop.client.json("GET", "stock/counts?status=cancelled", status=200)
    assert [entry["id"] for entry in listed["items"]] == [count["id"]]
    later = await shop.client.json("GET", "stock/counts?created_from=2999-01-01", status=200)
    assert later["items"] == []


async def test_another_stores_places_goods_and_counts_are_not_there(shop: Shop, database: Any) -> None:
    home = await default_location(shop)
    count = await shop.client.json("POST", "stock/counts", {}, status=201)
    await create_store(database, "rival")
    stranger = shop.client.at("rival")
    await stranger.login("owner")
    [own] = (await stranger.json("GET", "locations", status=200))["items"]
    item = {"product_id": shop.products["sand"], "quantity": "1"}
    for body in (
        {"from_location_id": home, "to_location_id": own["id"], "items": [item]},
        {"from_location_id": own["id"], "to_location_id": home, "items": [item]},
    ):
        assert (await stranger.post("stock/transfers", json=body)).status == 404
    assert (await stranger.post("stock/counts", json={"product_ids": [shop.products["sand"]]})).status == 404
    for action in ("record", "book", "cancel"):
        given = {"json": {"items": [item]}} if action == "record" else {}
        assert (await stranger.post(f"stock/counts/{count['id']}/{action}", **given)).status == 404


async def test_a_seller_does_not_count_stock(shop: Shop) -> None:
    seller = shop.client.at("yard")
    await seller.login("seller")
    assert (await seller.post("stock/counts", json={})).status == 403


@pytest.mark.parametrize("sku", ["sand", "never_moved"])
async def test_what_two_counts_find_alike_is_booked_once(shop: Shop, database: Any, sku: str) -> None:
    await shop.open(never_moved=0)
    held = 10 if sku == "sand" else 0
    paths = []
    for _ in range(2):
        count = await shop.client.json(
            "POST", "stock/counts", {"product_ids": [shop.products[sku]]}, status=201
        )
        paths.append(f"stock/counts/{count['id']}")
    found = {"items": [{"product_id": shop.products[sku], "quantity": "8"}]}
    for path in paths:
        await shop.client.json("POST", f"{path}/record", found, status=200)
    waiting = iter(paths)
    answers = await in_parallel(2, lambda: shop.client.post(f"{next(waiting)}/book"))
    assert [status for status, _ in answers] == [200, 200]
    assert await shop.level(sku) == ("8.000", "0.000", "8.000")
    differences = sorted(answer["lines"][0]["difference"] for _, answer in answers)
    assert differences == sorted([f"{8 - held}.000", "0.000"])
    assert await run_oracles(database, []) == []
