"""Orders that leave in parts: what each part books, what stays reserved, and how such an order ends."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from runtime.data.database import Database
from runtime.data.oracles import run_oracles
from tests.support.delivering import PROOF, Depot


async def picked_up(depot: Depot, *quantities: str, discount: str = "0") -> dict[str, Any]:
    """An order that waits for its pick-up, one item per quantity, all of the same product."""
    items = [{"product_id": depot.product, "quantity": quantity} for quantity in quantities]
    body = {"fulfilment": "pickup", "discount_percent": discount, "items": items}
    made = await depot.make("orders", body)
    await depot.make(f"orders/{made['id']}/prepare", status=200)
    return dict(await depot.make(f"orders/{made['id']}/ready", status=200))


async def hand_over(depot: Depot, order: dict[str, Any], *quantities: str, status: int = 200) -> Any:
    chosen = zip(order["items"], quantities, strict=False)
    items = [{"item_id": item["id"], "quantity": quantity} for item, quantity in chosen if quantity]
    return await depot.keeper.json("POST", f"orders/{order['id']}/deliver", {"items": items}, status=status)


async def halfway(depot: Depot) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """An order of ten of which six have arrived and four are on the same vehicle."""
    order = await depot.order("10", dispatched=False)
    part = {"order_id": order["id"], "items": [{"order_item_id": order["items"][0]["id"], "quantity": "6"}]}
    first = await depot.make("deliveries", part)
    rest = await depot.make("deliveries", {"order_id": order["id"]})
    [route] = (await depot.plan())["routes"]
    await depot.driver.json("POST", f"routes/{route['id']}/depart", status=200)
    await depot.driver.json("POST", f"deliveries/{first['id']}/deliver", PROOF, status=200)
    return order, [first, rest]


async def test_each_part_leaves_the_stock_at_its_cost_and_is_sold_by_itself(
    depot: Depot, database: Database
) -> None:
    order, _ = await halfway(depot)
    assert await depot.level() == ("994.000", "4.000")
    shown = await depot.api.json("GET", f"orders/{order['id']}")
    assert (shown["status"], shown["left_total"], shown["total"]) == ("out_for_delivery", "240.00", "400.00")
    assert [item["quantity"] for item in shown["left_items"]] == ["6.000"]
    [sale] = await depot.events("sale_recorded")
    assert (sale["items"][0]["quantity"], sale["total"], sale["earlier_product_ids"]) == (
        "6.000",
        "240.00",
        [],
    )
    [movement] = (await depot.api.json("GET", f"stock/movements?order_id={order['id']}"))["items"]
    assert (movement["kind"], movement["delta"], movement["unit_cost"]) == ("sale", "-6.000", "30.00")
    moved = [event for event in await depot.events("stock_updated") if event["reason"] == "sale"]
    assert [(event["delta"], event["on_hand"], event["available"]) for event in moved] == [
        ("-6.000", "994.000", "990.000")
    ]
    assert await run_oracles(database, [], slugs=[depot.store.slug]) == []


async def test_what_comes_back_of_a_part_stays_reserved_until_another_brings_it(
    depot: Depot, database: Database
) -> None:
    order, [_, rest] = await halfway(depot)
    await depot.driver.json("POST", f"deliveries/{rest['id']}/fail", {"kind": "absent"}, status=200)
    assert await depot.level() == ("994.000", "4.000")
    assert (await depot.api.json("GET", f"orders/{order['id']}"))["status"] == "out_for_delivery"
    again = await depot.make("deliveries", {"order_id": order["id"]})
    assert again["items"][0]["quantity"] == "4.000"
    assert await run_oracles(database, [], slugs=[depot.store.slug]) == []


async def test_closing_an_order_sells_the_rest_of_it_only(depot: Depot, database: Database) -> None:
    order, [_, rest] = await halfway(depot)
    closed = await depot.make(f"orders/{order['id']}/deliver", status=200)
    assert (closed["status"], closed["left_total"], closed["total"]) == ("delivered", "400.00", "400.00")
    assert await depot.level() == ("990.000", "0.000")
    assert (await depot.api.json("GET", f"deliveries/{rest['id']}"))["status"] == "delivered"
    [first, second] = await depot.events("sale_recorded")
    assert (first["total"], second["total"]) == ("240.00", "160.00")
    assert second["earlier_product_ids"] == [depot.product]
    revenue = await depot.api.json("GET", "dashboard")
    assert revenue["revenue_week"] == "400.00"
    assert await run_oracles(database, [], slugs=[depot.store.slug]) == []


async def test_cancelling_what_has_left_in_part_releases_the_rest_and_keeps_what_was_sold(
    depot: Depot, database: Database
) -> None:
    order, [_, rest] = await halfway(depot)
    out = await depot.make(f"orders/{order['id']}/cancel", {}, status=409)
    assert out["code"] == "on_its_way"
    await depot.driver.json("POST", f"deliveries/{rest['id']}/fail", {"kind": "refused"}, status=200)
    cancelled = await depot.make(f"orders/{order['id']}/cancel", {"reason": "sobrou"}, status=200)
    assert (cancelled["status"], cancelled["total"], cancelled["left_total"]) == (
        "cancelled",
        "400.00",
        "240.00",
    )
    assert await depot.level() == ("994.000", "0.000")
    assert (await depot.api.json("GET", "dashboard"))["revenue_week"] == "240.00"
    back = {"reason": "x", "items": [{"item_id": order["items"][0]["id"], "quantity": "7"}]}
    await depot.make(f"orders/{order['id']}/returns", back, status=422)
    back["items"][0]["quantity"] = "6"
    assert (await depot.make(f"orders/{order['id']}/returns", back))["amount"] == "240.00"
    assert await depot.level() == ("1000.000", "0.000")
    assert await run_oracles(database, [], slugs=[depot.store.slug]) == []


async def test_a_pick_up_leaves_bit_by_bit_and_its_parts_add_up_to_the_cent(
    depot: Depot, database: Database
) -> None:
    order = await picked_up(depot, "3", "1", discount="33.33")
    part = await hand_over(depot, order, "1", "1")
    assert (part["status"], [item["quantity"] for item in part["left_items"]]) == (
        "ready_for_pickup",
        ["1.000", "1.000"],
    )
    too_much = await hand_over(depot, order, "3", status=422)
    assert too_much["errors"][0]["pointer"] == "/items/0/quantity"
    taken = await hand_over(depot, order, "", "1", status=422)
    assert taken["errors"][0]["code"] == "too_many"
    await hand_over(depot, order, "1")
    assert (await hand_over(depot, order, "1"))["status"] == "delivered"
    sales = await depot.events("sale_recorded")
    assert len(sales) == 3
    assert sum(float(sale["total"]) for sale in sales) == pytest.approx(float(order["total"]), abs=1e-9)
    assert await depot.level() == ("996.000", "0.000")
    assert (await hand_over(depot, order, "1", status=409))["current_state"] == "delivered"
    assert await run_oracles(database, [], slugs=[depot.store.slug]) == []


async def test_a_pick_up_handed_over_whole_has_no_parts(depot: Depot) -> None:
    order = await picked_up(depot, "3")
    whole = await hand_over(depot, order, "3")
    assert (whole["status"], whole["left_total"], whole["left_items"]) == ("delivered", None, [])


async def test_parts_of_an_order_for_delivery_leave_with_its_deliveries(depot: Depot) -> None:
    order = await depot.order("4")
    refused = await hand_over(depot, order, "1", status=409)
    assert refused["code"] == "leaves_by_delivery"


async def test_of_two_who_hand_over_the_same_goods_one_does(depot: Depot, database: Database) -> None:
    order = await picked_up(depot, "4")
    body = {"items": [{"item_id": order["items"][0]["id"], "quantity": "3"}]}
    answers: list[int] = []

    async def ask() -> None:
        answers.append((await depot.keeper.post(f"orders/{order['id']}/deliver", json=body)).status)

    async with anyio.create_task_group() as group:
        for _ in range(4):
            group.start_soon(ask)
    assert sorted(answers) == [200, 422, 422, 422]
    assert await depot.level() == ("997.000", "1.000")
    assert await run_oracles(database, [], slugs=[depot.store.slug]) == []
