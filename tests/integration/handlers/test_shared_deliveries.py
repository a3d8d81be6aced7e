"""Deliveries that carry several orders of one customer to one place."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from runtime.data.database import Database
from runtime.data.oracles import run_oracles
from tests.support.delivering import PROOF, Depot


async def shared(depot: Depot) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Two orders of the same site on one delivery."""
    site = await depot.site(-22.88, -47.05)
    orders = [await depot.order(quantity, site, dispatched=False) for quantity in ("4", "6")]
    delivery = await depot.make("deliveries", {"order_id": orders[0]["id"]})
    load = {"order_id": orders[1]["id"]}
    return orders, await depot.make(f"deliveries/{delivery['id']}/orders", load, status=200)


async def send_out(depot: Depot) -> None:
    [route] = (await depot.plan())["routes"]
    await depot.driver.json("POST", f"routes/{route['id']}/depart", status=200)


async def status(depot: Depot, path: str) -> str:
    return str((await depot.api.json("GET", path, status=200))["status"])


async def test_one_delivery_brings_two_orders_and_sells_each_for_itself(
    depot: Depot, database: Database
) -> None:
    orders, delivery = await shared(depot)
    assert [(item["order_id"], item["quantity"]) for item in delivery["items"]] == sorted(
        [(orders[0]["id"], "4.000"), (orders[1]["id"], "6.000")]
    )
    assert delivery["weight_kg"] == "500.000"
    await send_out(depot)
    for order in orders:
        assert await status(depot, f"orders/{order['id']}") == "out_for_delivery"
        assert [one["id"] for one in await depot.deliveries(order)] == [delivery["id"]]
    short = {"kind": "refused", "order_item_id": orders[1]["items"][0]["id"], "quantity": "1"}
    proof = {**PROOF, "occurrences": [short]}
    await depot.driver.json("POST", f"deliveries/{delivery['id']}/deliver", proof, status=200)
    assert await status(depot, f"orders/{orders[0]['id']}") == "delivered"
    assert await status(depot, f"orders/{orders[1]['id']}") == "out_for_delivery"
    sold = {sale["order_id"]: sale["total"] for sale in await depot.events("sale_recorded")}
    assert sold == {orders[0]["id"]: "160.00", orders[1]["id"]: "200.00"}
    assert await depot.level() == ("991.000", "1.000")
    assert await run_oracles(database, [], slugs=[depot.store.slug]) == []


async def test_an_order_that_is_cancelled_leaves_the_others_goods_on_the_delivery(
    depot: Depot, database: Database
) -> None:
    orders, delivery = await shared(depot)
    await send_out(depot)
    await depot.make(f"orders/{orders[0]['id']}/cancel", {}, status=200)
    assert await status(depot, f"deliveries/{delivery['id']}") == "out"
    await depot.driver.json("POST", f"deliveries/{delivery['id']}/deliver", PROOF, status=200)
    assert await status(depot, f"orders/{orders[0]['id']}") == "cancelled"
    assert await status(depot, f"orders/{orders[1]['id']}") == "delivered"
    assert await depot.level() == ("994.000", "0.000")
    assert await run_oracles(database, [], slugs=[depot.store.slug]) == []


@pytest.mark.parametrize("action", ["deliver", "cancel"])
async def test_a_delivery_ends_with_the_last_of_its_orders(
    depot: Depot, database: Database, action: str
) -> None:
    orders, delivery = await shared(depot)
    await send_out(depot)
    for order, expected in zip(orders, ("out", None), strict=True):
        await depot.make(f"orders/{order['id']}/{action}", {}, status=200)
        ended = expected or {"deliver": "delivered", "cancel": "cancelled"}[action]
        assert await status(depot, f"deliveries/{delivery['id']}") == ended
    assert len(await depot.events("sale_recorded")) == (2 if action == "deliver" else 0)
    assert await run_oracles(database, [], slugs=[depot.store.slug]) == []


async def test_only_orders_for_the_same_place_share_a_delivery(depot: Depot) -> None:
    orders, delivery = await shared(depot)
    path = f"deliveries/{delivery['id']}/orders"
    elsewhere = await depot.order("1", dispatched=False)
    refused = await depot.make(path, {"order_id": elsewhere["id"]}, status=409)
    assert refused["code"] == "other_place"
    again = await depot.make(path, {"order_id": orders[1]["id"]}, status=409)
    assert again["code"] == "nothing_owed"
    await depot.make(path, {"order_id": str(uuid4())}, status=404)
    await depot.make(f"deliveries/{uuid4()}/orders", {"order_id": orders[1]["id"]}, status=404)
    await send_out(depot)
    late = await depot.order("1", orders[0]["site_id"], dispatched=False)
    await depot.make(path, {"order_id": late["id"]}, status=409)


async def test_two_sites_that_are_written_alike_are_one_place(depot: Depot) -> None:
    sites = [await depot.site(address="Rua das Flores, 10", postal_code="13010001") for _ in range(2)]
    first, second = [await depot.order("1", site, dispatched=False) for site in sites]
    delivery = await depot.make("deliveries", {"order_id": first["id"]})
    load = {"order_id": second["id"]}
    loaded = await depot.make(f"deliveries/{delivery['id']}/orders", load, status=200)
    assert len(loaded["items"]) == 2
