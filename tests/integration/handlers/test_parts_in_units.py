"""Parts of what was sold in boxes: picked up, delivered, reported and returned in boxes or in what they hold."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from runtime.data.database import Database
from runtime.data.oracles import run_oracles
from tests.support.delivering import PROOF, Depot


async def tiles(depot: Depot, boxes: str, fulfilment: str) -> dict[str, Any]:
    """An order of so many boxes of 2.32 m², at 42.00 a square metre, that waits to leave."""
    body = {
        "sku": "PISO",
        "name": "Piso",
        "unit": "M2",
        "base_price": "42",
        "weight_kg": "20",
        "volume_m3": "0.01",
    }
    product = await depot.make("products", body | {"unit_conversions": [{"unit": "CX", "quantity": "2.32"}]})
    goods = {
        "product_id": product["id"],
        "kind": "receipt",
        "quantity": "50",
        "unit": "CX",
        "unit_cost": "58.00",
    }
    movement = await depot.make("stock/movements", goods)
    assert (movement["delta"], movement["unit_cost"]) == ("116.000", "25.00")
    item = {"product_id": product["id"], "quantity": boxes, "unit": "CX"}
    site = await depot.site(-22.88, -47.05)
    order = {"customer_id": depot.customer, "site_id": site, "fulfilment": fulfilment, "items": [item]}
    made = await depot.make("orders", order)
    return dict(await depot.make(f"orders/{made['id']}/prepare", status=200))


async def test_boxes_are_picked_up_in_parts_and_come_back_in_square_metres(
    depot: Depot, database: Database
) -> None:
    order = await tiles(depot, "5", "pickup")
    await depot.make(f"orders/{order['id']}/ready", status=200)
    [item] = order["items"]
    part = {"items": [{"item_id": item["id"], "quantity": "2"}]}
    shown = await depot.make(f"orders/{order['id']}/deliver", part, status=200)
    [left] = shown["left_items"]
    assert (left["quantity"], left["unit"], left["stock_quantity"]) == ("2.000", "CX", "4.640")
    assert shown["left_total"] == "194.88"
    [sale] = await depot.events("sale_recorded")
    assert (sale["items"][0]["sold_unit"], Decimal(sale["items"][0]["sold_quantity"])) == ("CX", 2)
    refused = await depot.make(
        f"orders/{order['id']}/deliver", {"items": [{"item_id": item["id"], "quantity": "4"}]}, status=422
    )
    assert refused["errors"][0]["message"] == "No máximo 6.960 M2 deste item."
    back = {"reason": "Sobrou", "items": [{"item_id": item["id"], "quantity": "1.16", "unit": "M2"}]}
    came = await depot.make(f"orders/{order['id']}/returns", back)
    [one] = came["items"]
    assert (one["quantity"], one["unit"], one["stock_quantity"], one["amount"]) == (
        "0.500",
        "CX",
        "1.160",
        "48.72",
    )
    assert await run_oracles(database, []) == []


async def test_boxes_are_delivered_and_a_broken_one_is_reported_as_one(
    depot: Depot, database: Database
) -> None:
    order = await tiles(depot, "5", "delivery")
    [item] = order["items"]
    part = {"order_id": order["id"], "items": [{"order_item_id": item["id"], "quantity": "3"}]}
    delivery = await depot.make("deliveries", part)
    [loaded] = delivery["items"]
    assert (loaded["quantity"], loaded["unit"], loaded["stock_quantity"]) == ("3.000", "CX", "6.960")
    assert Decimal(delivery["weight_kg"]) == Decimal("139.2")
    [route] = (await depot.plan())["routes"]
    await depot.driver.json("POST", f"routes/{route['id']}/depart", status=200)
    broken = {"kind": "damaged", "order_item_id": item["id"], "quantity": "1"}
    proof = {**PROOF, "occurrences": [broken]}
    ended = await depot.driver.json("POST", f"deliveries/{delivery['id']}/deliver", proof, status=200)
    [brought] = ended["items"]
    assert (brought["delivered_quantity"], brought["stock_delivered_quantity"]) == ("2.000", "4.640")
    [told] = ended["occurrences"]
    assert (told["quantity"], told["unit"], told["stock_quantity"]) == ("1.000", "CX", "2.320")
    [event] = await depot.events("delivery_occurrence")
    assert Decimal(event["quantity"]) == Decimal("2.32")
    assert await run_oracles(database, []) == []


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"quantity": "1", "unit": "PL"}, "/items/0/unit"),
        ({"quantity": "0.001"}, "/items/0/quantity"),
    ],
)
async def test_a_part_is_exact_and_in_one_of_the_lines_units(
    depot: Depot, asked: dict[str, str], pointer: str
) -> None:
    order = await tiles(depot, "5", "delivery")
    part = {"order_id": order["id"], "items": [{"order_item_id": order["items"][0]["id"], **asked}]}
    refused = await depot.make("deliveries", part, status=422)
    assert [error["pointer"] for error in refused["errors"]] == [pointer]


async def test_goods_move_and_are_counted_in_pallets_and_loose_sacks(depot: Depot) -> None:
    body = {"sku": "CAL", "name": "Cal", "unit": "SC", "base_price": "20"}
    product = await depot.make("products", body | {"unit_conversions": [{"unit": "PL", "quantity": "50"}]})
    yard = await depot.make("locations", {"name": "Pátio"})
    [shop] = [place for place in (await depot.api.json("GET", "locations"))["items"] if place["is_default"]]
    goods = {"product_id": product["id"], "kind": "receipt", "quantity": "3", "unit": "PL"}
    assert (await depot.make("stock/movements", goods))["on_hand"] == "150.000"
    lost = {"product_id": product["id"], "kind": "adjustment", "quantity": "-0.5", "unit": "PL"}
    assert (await depot.make("stock/movements", lost))["on_hand"] == "125.000"
    moved = {"product_id": product["id"], "quantity": "1", "unit": "PL"}
    transfer = {"from_location_id": shop["id"], "to_location_id": yard["id"], "items": [moved]}
    await depot.make("stock/transfers", transfer, status=204)
    count = await depot.make("stock/counts", {"product_ids": [product["id"]]})
    found = {"product_id": product["id"], "quantity": "1", "unit": "PL"}
    loose = {"product_id": product["id"], "quantity": "23"}
    counted = await depot.make(f"stock/counts/{count['id']}/record", {"items": [found, loose]}, status=200)
    assert counted["lines"][0]["counted"] == "73.000"
    booked = await depot.make(f"stock/counts/{count['id']}/book", status=200)
    assert booked["lines"][0]["difference"] == "-2.000"
    sack = {"product_id": product["id"], "quantity": "1", "unit": "CX"}
    for path, items in (
        ("stock/movements", {**sack, "kind": "receipt"}),
        ("stock/transfers", {**transfer, "items": [sack]}),
    ):
        refused = await depot.make(path, items, status=422)
        assert refused["errors"][0]["code"] == "unknown_unit"
