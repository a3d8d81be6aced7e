"""Stock over HTTP: the ledger and its levels, what cannot be booked, and what each role gets to see and do."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from runtime.data.database import Database
from runtime.data.oracles import run_oracles
from tests.integration.handlers.test_selling import Shop, in_parallel
from tests.support.stores import ApiClient

MOST = "99999999999.999"
NEVER = "01a20cdf-7fe4-77bb-be08-c405b19b3945"


@pytest.fixture
async def shop(client: ApiClient) -> Shop:
    shop = Shop(client)
    await shop.open(cement=100, sand=10)
    return shop


async def book(shop: Shop, status: int = 201, **body: Any) -> Any:
    movement = {"product_id": shop.products["sand"], "kind": "receipt", "quantity": "1", **body}
    return await shop.client.json("POST", "stock/movements", movement, status=status)


async def test_every_kind_of_movement_by_hand_goes_its_way(shop: Shop) -> None:
    for kind, quantity, delta, on_hand in (
        ("receipt", "2.5", "2.500", "12.500"),
        ("loss", "0.5", "-0.500", "12.000"),
        ("return", "1", "1.000", "13.000"),
        ("adjustment", "-3", "-3.000", "10.000"),
        ("adjustment", "0.001", "0.001", "10.001"),
    ):
        moved = await book(shop, kind=kind, quantity=quantity, reason=f"because of {kind}")
        assert (moved["delta"], moved["on_hand"], moved["available"]) == (delta, on_hand, on_hand)
        assert (moved["reason"], moved["order_id"]) == (f"because of {kind}", None)
    ledger = (await shop.client.json("GET", f"stock/movements?product_id={moved['product_id']}"))["items"]
    assert [line["on_hand_after"] for line in ledger] == [
        "10.001", "10.000", "13.000", "12.000", "12.500", "10.000",
    ]  # fmt: skip
    assert sum(Decimal(line["delta"]) for line in ledger) == Decimal("10.001")


async def test_a_receipt_with_its_cost_moves_the_cost_of_the_product(shop: Shop) -> None:
    await book(shop, quantity="10", unit_cost="4.00")
    product = await shop.client.json("GET", f"products/{shop.products['sand']}", status=200)
    assert product["cost"] == "4.00"
    await book(shop, quantity="20", unit_cost="7.00")
    [level] = (await shop.client.json("GET", f"stock?product_id={product['id']}", status=200))["items"]
    assert (level["on_hand"], level["average_cost"]) == ("40.000", "5.50")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"quantity": "0"}, 422),
        ({"quantity": "-1"}, 422),
        ({"quantity": "0.0001"}, 422),
        ({"quantity": "NaN"}, 422),
        ({"quantity": "Infinity"}, 422),
        ({"quantity": "1e3"}, 422),
        ({"quantity": "100000000000"}, 422),
        ({"quantity": True}, 422),
        ({"quantity": None}, 422),
        ({"quantity": ["1"]}, 422),
        ({"kind": "sale"}, 422),
        ({"kind": "transfer"}, 422),
        ({"kind": "loss", "unit_cost": "1"}, 422),
        ({"unit_cost": "-0.01"}, 422),
        ({"unit_cost": "1000000000000"}, 422),
        ({"reason": "x" * 4001}, 422),
        ({"reason": "a\u0000b"}, 400),
        ({"product_id": "1"}, 422),
        ({"product_id": NEVER}, 404),
        ({"location_id": NEVER}, 404),
        ({"colour": "red"}, 422),
        ({"kind": "adjustment", "quantity": "-10.001"}, 409),
        ({"quantity": MOST}, 422),  # with the ten that are there, more than a level can hold
    ],
)
async def test_a_movement_that_cannot_be_is_refused_and_books_nothing(
    shop: Shop, owner: asyncpg.Connection, body: dict[str, Any], status: int
) -> None:
    before = await owner.fetchval("select count(*) from stock_movements")
    await book(shop, status, **body)
    assert await owner.fetchval("select count(*) from stock_movements") == before
    assert await shop.level("sand") == ("10.000", "0.000", "10.000")


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e999", "01", "0x10"])
async def test_numbers_that_json_does_not_have_are_malformed(shop: Shop, literal: str) -> None:
    text = f'{{"product_id": "{shop.products["sand"]}", "kind": "receipt", "quantity": {literal}}}'
    answer = await shop.client.post(
        "stock/movements", data=text, headers={"Content-Type": "application/json"}
    )
    assert answer.status in (400, 422)
    assert (await shop.level("sand"))[0] == "10.000"


async def test_more_than_a_level_can_hold_is_refused_where_stock_may_be_negative(
    shop: Shop, database: Database
) -> None:
    await shop.client.json("PATCH", "settings", {"settings": {"allow_negative_stock": True}}, status=200)
    huge = [{"product_id": shop.products["sand"], "quantity": MOST, "unit_price": "0.01"}]
    body = {"fulfilment": "pickup", "items": huge}
    await shop.client.json("POST", "orders", body, status=201)
    await shop.client.json("POST", "orders", body, status=422)
    await shop.client.json("POST", "orders", {**body, "fulfilment": "counter"}, status=422)
    assert (await shop.level("sand"))[1] == MOST
    assert await run_oracles(database, []) == []


async def test_as_much_as_a_level_can_hold_is_sold_and_taken(shop: Shop, database: Database) -> None:
    await shop.client.json("PATCH", "settings", {"settings": {"allow_negative_stock": True}}, status=200)
    most = [{"product_id": shop.products["sand"], "quantity": MOST, "unit_price": "0.01"}]
    order = await shop.client.json("POST", "orders", {"fulfilment": "pickup", "items": most}, status=201)
    for step in ("prepare", "ready", "deliver"):
        await shop.client.json("POST", f"orders/{order['id']}/{step}", status=200)
    assert await shop.level("sand") == ("-99999999989.999", "0.000", "-99999999989.999")
    assert await run_oracles(database, []) == []


async def test_movements_of_one_product_at_once_all_count(shop: Shop, database: Database) -> None:
    body = {"product_id": shop.products["sand"], "kind": "loss", "quantity": "1"}
    answers = await in_parallel(16, lambda: shop.client.post("stock/movements", json=body))
    assert sorted(status for status, _ in answers) == [201] * 10 + [409] * 6
    assert await shop.level("sand") == ("0.000", "0.000", "0.000")
    assert await run_oracles(database, []) == []


async def test_receipts_of_one_product_at_once_average_their_costs(shop: Shop) -> None:
    """Each counts with the cost and the stock that the one before it has left; steps are rounded to the cent."""
    await book(shop, quantity="10", unit_cost="4.00")
    costs = iter(range(1, 17))
    answers = await in_parallel(
        16,
        lambda: shop.client.post(
            "stock/movements",
            json={
                "product_id": shop.products["sand"],
                "kind": "receipt",
                "quantity": "10",
                "unit_cost": f"{next(costs)}.00",
            },
        ),
    )
    assert [status for status, _ in answers] == [201] * 16
    found = await shop.client.json("GET", f"stock?product_id={shop.products['sand']}", status=200)
    [level] = found["items"]
    assert level["on_hand"] == "180.000"
    assert abs(Decimal(level["average_cost"]) - (20 * 4 + 10 * sum(range(1, 17))) / Decimal(180)) <= Decimal(
        "0.08"
    )


async def test_every_role_is_offered_what_it_may_do_and_may_do_what_it_is_offered(shop: Shop) -> None:
    """An order and a quote on their way, each step by whoever is offered it, after all others were refused it."""
    people = {}
    for role in ("seller", "finance", "stock_keeper", "driver"):
        people[role] = shop.client.at("yard")
        await people[role].login(role)
    body = {"customer_id": shop.customer, "items": shop.items(cement=1)}
    quote = await people["seller"].json("POST", "quotes", body, status=201)
    steps: list[tuple[str, str, str]] = [("quotes", "send", "seller"), ("quotes", "approve", "finance")]
    steps += [("quotes", "convert", "seller"), ("orders", "prepare", "stock_keeper")]
    steps += [("orders", "dispatch", "stock_keeper"), ("orders", "deliver", "stock_keeper")]
    people["owner"] = shop.client
    ids = {"quotes": quote["id"], "orders": ""}
    for thing, action, who in steps:
        path = f"{thing}/{ids[thing]}"
        for role, client in people.items():
            seen = await client.get(path)
            offered = (await seen.json())["allowed_actions"] if seen.status == 200 else []
            assert (action in offered) == (role in (who, "owner")), (role, action)
            if role not in (who, "owner"):
                assert (await client.post(f"{path}/{action}")).status == 403, (role, action)
        done = await people[who].json("POST", f"{path}/{action}")
        if action == "convert":
            ids["orders"] = done["id"]
    assert done["status"] == "delivered"
    assert await shop.level("cement") == ("99.000", "0.000", "99.000")


STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["receipt", "loss", "adjustment"]), st.integers(-4, 6)),
        st.tuples(st.sampled_from(["counter", "pickup", "delivery"]), st.integers(1, 6)),
        st.tuples(
            st.sampled_from(["prepare", "cancel", "prepare ready dispatch deliver"]), st.integers(0, 3)
        ),
    ),
    min_size=12,
    max_size=25,
)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
    phases=[Phase.generate],  # over HTTP, shrinking takes minutes
)
@given(steps=STEPS)
async def test_on_hand_is_the_sum_of_movements_and_reserved_of_open_orders_after_any_steps(
    shop: Shop, database: Database, owner: asyncpg.Connection, steps: list[tuple[str, int]]
) -> None:
    placed: list[dict[str, Any]] = []
    await shop.move("cement", "receipt", 50)
    await shop.move("sand", "receipt", 40)
    for step, number in [("pickup", 1), ("delivery", 2), *steps]:
        if step in ("receipt", "loss", "adjustment"):
            body = {"product_id": shop.products["sand"], "kind": step, "quantity": str(number)}
            assert (await shop.client.post("stock/movements", json=body)).status in (201, 409, 422)
        elif step in ("counter", "pickup", "delivery"):
            body = {
                "customer_id": shop.customer,
                "fulfilment": step,
                "items": [*shop.items(sand=number), *shop.items(cement=1, sand=1)],
            }
            answer = await shop.client.post("orders", json=body)
            assert answer.status in (201, 409)
            placed += [await answer.json()] if answer.status == 201 else []
        elif placed:
            order = placed[number % len(placed)]
            for action in step.split():
                assert (await shop.client.post(f"orders/{order['id']}/{action}")).status in (200, 409)
    assert await run_oracles(database, []) == []
    levels = await owner.fetch("select product_id, on_hand, available from stock_levels")
    moved: dict[Any, Decimal] = defaultdict(Decimal)
    for row in await owner.fetch("select product_id, delta from stock_movements"):
        moved[row["product_id"]] += row["delta"]
    assert {row["product_id"]: row["on_hand"] for row in levels} == moved
    assert min(row["on_hand"] for row in levels) >= 0
