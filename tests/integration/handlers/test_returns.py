from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from runtime.data.oracles import run_oracles
from tests.integration.handlers.test_selling import Shop, in_parallel
from tests.support.stores import ApiClient, create_store


@pytest.fixture
async def shop(client: ApiClient) -> Shop:
    shop = Shop(client)
    await shop.open(cement=100)
    return shop


async def sold(shop: Shop, count: int = 10) -> tuple[str, str]:
    """A counter sale to the customer: the order's id and its item's."""
    body = {"customer_id": shop.customer, "fulfilment": "counter", "items": shop.items(cement=count)}
    order = await shop.client.json("POST", "orders", body, status=201)
    return order["id"], order["items"][0]["id"]


async def test_returned_goods_are_back_on_the_shelf_and_the_engines_hear_of_it(
    shop: Shop, owner: Any, database: Any
) -> None:
    order_id, item_id = await sold(shop)
    body = {"reason": "wrong colour", "items": [{"item_id": item_id, "quantity": "4"}]}
    back = await shop.client.json("POST", f"orders/{order_id}/returns", body, status=201)
    assert (back["amount"], back["items"][0]["quantity"]) == ("40.00", "4.000")
    assert await shop.level("cement") == ("94.000", "0.000", "94.000")
    events = await owner.fetch("select event_type from event_outbox order by tenant_seq desc limit 2")
    assert [row["event_type"] for row in events] == ["order_returned", "stock_updated"]
    listed = await shop.client.json("GET", f"orders/{order_id}/returns", status=200)
    assert [entry["id"] for entry in listed["items"]] == [back["id"]]
    assert await run_oracles(database, []) == []


async def test_broken_goods_come_back_without_their_stock(shop: Shop) -> None:
    order_id, item_id = await sold(shop)
    body = {"reason": "broken", "restocked": False, "items": [{"item_id": item_id, "quantity": "1"}]}
    await shop.client.json("POST", f"orders/{order_id}/returns", body, status=201)
    assert (await shop.level("cement"))[0] == "90.000"


async def test_no_more_comes_back_than_was_sold_however_many_ask_at_once(shop: Shop, database: Any) -> None:
    order_id, item_id = await sold(shop, 3)
    body = {"reason": "left over", "items": [{"item_id": item_id, "quantity": "1"}]}
    answers = await in_parallel(8, lambda: shop.client.post(f"orders/{order_id}/returns", json=body))
    assert sorted(status for status, _ in answers) == [201] * 3 + [422] * 5
    assert (await shop.level("cement"))[0] == "100.000"
    assert await run_oracles(database, []) == []


async def test_only_delivered_orders_of_the_own_store_take_returns(shop: Shop, database: Any) -> None:
    order = await shop.order("delivery", cement=1)
    body = {"reason": "x", "items": [{"item_id": order["items"][0]["id"], "quantity": "1"}]}
    refused = await shop.client.json("POST", f"orders/{order['id']}/returns", body, status=409)
    assert refused["current_state"] == "pending"
    order_id, item_id = await sold(shop)
    other = {"reason": "x", "items": [{"item_id": order["items"][0]["id"], "quantity": "1"}]}
    assert (await shop.client.post(f"orders/{order_id}/returns", json=other)).status == 422
    await create_store(database, "rival")
    stranger = shop.client.at("rival")
    await stranger.login("owner")
    own = {"reason": "x", "items": [{"item_id": item_id, "quantity": "1"}]}
    assert (await stranger.post(f"orders/{order_id}/returns", json=own)).status == 404
    assert (await stranger.get(f"orders/{order_id}/returns")).status == 404


async def test_the_timeline_tells_what_a_customer_asked_for_and_paid(shop: Shop, database: Any) -> None:
    await shop.quote(cement=2)
    await sold(shop, 3)
    await shop.client.json(
        "PATCH", f"products/{shop.products['cement']}", {"base_price": "11.00"}, status=200
    )
    await sold(shop, 4)
    first = await shop.client.json("GET", f"customers/{shop.customer}/timeline?limit=2", status=200)
    rest = await shop.client.json(
        "GET", f"customers/{shop.customer}/timeline?limit=2&cursor={first['next_cursor']}", status=200
    )
    kinds = [(entry["kind"], entry["total"]) for page in (first, rest) for entry in page["items"]]
    assert kinds == [("order", "44.00"), ("order", "30.00"), ("quote", "20.00")]
    path = f"customers/{shop.customer}/paid-prices/{shop.products['cement']}"
    paid = await shop.client.json("GET", path, status=200)
    assert [entry["unit_price"] for entry in paid["items"]] == ["11.00", "10.00"]
    await create_store(database, "rival")
    stranger = shop.client.at("rival")
    await stranger.login("owner")
    assert (await stranger.get(path)).status == 404
    assert (await stranger.get(f"customers/{shop.customer}/timeline")).status == 404
    for day, count in (("2026-01-01", 1), ("2999-01-01", 0)):
        path = f"customers/{shop.customer}/timeline?limit=1&created_from={day}"
        assert len((await shop.client.json("GET", path, status=200))["items"]) == count


@pytest.mark.parametrize(
    ("price", "quantity", "piece", "count"), [("0.01", "5", "0.5", 10), ("3.33", "1", "0.3", 3)]
)
async def test_a_line_that_comes_back_in_pieces_comes_back_at_no_more_than_was_paid(
    shop: Shop, price: str, quantity: str, piece: str, count: int
) -> None:
    item = {"product_id": shop.products["cement"], "quantity": quantity, "unit_price": price}
    order = await shop.client.json("POST", "orders", {"fulfilment": "counter", "items": [item]}, status=201)
    [line] = order["items"]
    path = f"orders/{order['id']}/returns"
    body = {"reason": "Sobrou", "items": [{"item_id": line["id"], "quantity": piece}]}
    back = [await shop.client.json("POST", path, body, status=201) for _ in range(count)]
    expected = Decimal(line["line_total"]) * Decimal(piece) * count / Decimal(quantity)
    assert sum(Decimal(one["amount"]) for one in back) == round(expected, 2)
