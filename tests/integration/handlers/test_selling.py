"""From the quote to the delivered order, through HTTP: what may happen, what must not, and what two at once get."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import anyio
import pytest

from runtime.data.database import Database
from runtime.data.oracles import run_oracles
from tests.support.stores import ApiClient, Store, create_store


class Shop:
    """An owner at the counter, with products on the shelf and one customer."""

    def __init__(self, client: ApiClient) -> None:
        self.client = client
        self.customer = ""
        self.products: dict[str, str] = {}

    async def open(self, **stock: int) -> None:
        await self.client.login("owner")
        made = await self.client.json(
            "POST", "customers", {"kind": "company", "name": "Construtora"}, status=201
        )
        self.customer = made["id"]
        for sku, quantity in stock.items():
            product = await self.client.json(
                "POST", "products", {"sku": sku, "name": sku, "unit": "UN", "base_price": "10.00"}, status=201
            )
            self.products[sku] = product["id"]
            if quantity:
                await self.move(sku, "receipt", quantity)

    async def move(self, sku: str, kind: str, quantity: int) -> Any:
        body = {"product_id": self.products[sku], "kind": kind, "quantity": str(quantity)}
        return await self.client.json("POST", "stock/movements", body, status=201)

    def items(self, **quantities: int) -> list[dict[str, Any]]:
        return [
            {"product_id": self.products[sku], "quantity": str(count)} for sku, count in quantities.items()
        ]

    async def quote(self, **quantities: int) -> dict[str, Any]:
        body = {"customer_id": self.customer, "items": self.items(**quantities)}
        return await self.client.json("POST", "quotes", body, status=201)

    async def approved(self, **quantities: int) -> str:
        quote_id = (await self.quote(**quantities))["id"]
        await self.client.json("POST", f"quotes/{quote_id}/send", status=200)
        await self.client.json("POST", f"quotes/{quote_id}/approve", status=200)
        return quote_id

    async def order(self, fulfilment: str, **quantities: int) -> dict[str, Any]:
        body = {"customer_id": self.customer, "fulfilment": fulfilment, "items": self.items(**quantities)}
        return await self.client.json("POST", "orders", body, status=201)

    async def level(self, sku: str) -> tuple[str, str, str]:
        found = await self.client.json("GET", f"stock?product_id={self.products[sku]}", status=200)
        [level] = found["items"]
        return level["on_hand"], level["reserved"], level["available"]


@pytest.fixture
async def shop(client: ApiClient) -> Shop:
    shop = Shop(client)
    await shop.open(cement=100, sand=10)
    return shop


async def in_parallel(count: int, one: Any) -> list[tuple[int, Any]]:
    answers: list[tuple[int, Any]] = []

    async def call() -> None:
        answer = await one()
        answers.append((answer.status, await answer.json(content_type=None)))

    async with anyio.create_task_group() as tasks:
        for _ in range(count):
            tasks.start_soon(call)
    return answers


async def test_twenty_conversions_of_one_quote_make_one_order(shop: Shop, database: Database) -> None:
    quote_id = await shop.approved(cement=5)
    answers = await in_parallel(20, lambda: shop.client.post(f"quotes/{quote_id}/convert"))
    assert sorted(status for status, _ in answers) == [200] * 19 + [201]
    assert len({order["id"] for _, order in answers}) == 1
    assert await shop.level("cement") == ("100.000", "5.000", "95.000")
    assert await run_oracles(database, []) == []


async def test_fifty_orders_for_ten_pieces_sell_exactly_ten(shop: Shop, database: Database) -> None:
    body = {"fulfilment": "counter", "items": shop.items(sand=1)}
    answers = await in_parallel(50, lambda: shop.client.post("orders", json=body))
    refused = [problem for status, problem in answers if status == 409]
    assert sum(status == 201 for status, _ in answers) == 10
    assert len(refused) == 40
    assert {problem["code"] for problem in refused} == {"insufficient_stock"}
    assert await shop.level("sand") == ("0.000", "0.000", "0.000")
    assert await run_oracles(database, []) == []


async def test_numbers_have_no_gaps_though_half_of_the_orders_are_refused(
    shop: Shop, database: Database
) -> None:
    async def one(number: int) -> None:
        quantity = 1 if number % 2 else 1_000
        await shop.client.post("orders", json={"fulfilment": "counter", "items": shop.items(cement=quantity)})

    async with anyio.create_task_group() as tasks:
        for number in range(30):
            tasks.start_soon(one, number)
    listed = await shop.client.json("GET", "orders?limit=100", status=200)
    numbers = sorted(order["number"] for order in listed["items"])
    assert numbers == [f"PED-{number:06}" for number in range(1, 16)]
    assert await run_oracles(database, []) == []


async def test_of_a_delivery_and_a_cancellation_at_once_one_wins(shop: Shop, database: Database) -> None:
    for _ in range(8):
        order = await shop.order("delivery", cement=1)
        for step in ("prepare", "dispatch"):
            await shop.client.json("POST", f"orders/{order['id']}/{step}", status=200)
        steps = iter(("deliver", "cancel") * 3)
        answers = await in_parallel(6, lambda: shop.client.post(f"orders/{order['id']}/{next(steps)}"))  # noqa: B023
        assert [status for status, _ in answers].count(200) == 1
    assert await run_oracles(database, []) == []


async def test_an_order_goes_its_way_and_its_stock_with_it(shop: Shop) -> None:
    order = await shop.client.json("POST", f"quotes/{await shop.approved(cement=20)}/convert", status=201)
    assert (order["status"], order["number"], order["fulfilment"]) == ("pending", "PED-000001", "delivery")
    assert await shop.level("cement") == ("100.000", "20.000", "80.000")
    for step, status in (
        ("prepare", "preparing"),
        ("dispatch", "out_for_delivery"),
        ("deliver", "delivered"),
    ):
        moved = await shop.client.json("POST", f"orders/{order['id']}/{step}", status=200)
        assert moved["status"] == status
    assert await shop.level("cement") == ("80.000", "0.000", "80.000")
    refused = await shop.client.json("POST", f"orders/{order['id']}/cancel", {"reason": "late"}, status=409)
    assert (refused["current_state"], refused["allowed_actions"]) == ("delivered", ["duplicate"])


async def test_a_cancelled_order_gives_its_stock_back(shop: Shop) -> None:
    order = await shop.order("delivery", cement=30)
    assert await shop.level("cement") == ("100.000", "30.000", "70.000")
    await shop.client.json(
        "POST", f"orders/{order['id']}/cancel", {"reason": "changed their mind"}, status=200
    )
    assert await shop.level("cement") == ("100.000", "0.000", "100.000")


async def test_an_order_to_pick_up_is_made_ready_and_never_goes_out(shop: Shop) -> None:
    order = await shop.order("pickup", cement=1)
    await shop.client.json("POST", f"orders/{order['id']}/prepare", status=200)
    await shop.client.json("POST", f"orders/{order['id']}/dispatch", status=409)
    ready = await shop.client.json("POST", f"orders/{order['id']}/ready", status=200)
    assert ready["status"] == "ready_for_pickup"
    assert (await shop.client.json("POST", f"orders/{order['id']}/deliver", status=200))[
        "status"
    ] == "delivered"


async def test_a_sale_over_the_counter_is_created_delivered(shop: Shop, owner: Any) -> None:
    sold = await shop.client.json(
        "POST", "orders", {"fulfilment": "counter", "items": shop.items(cement=2)}, status=201
    )
    assert sold["status"] == "delivered"
    types = [
        row["event_type"]
        for row in await owner.fetch("select event_type from event_outbox order by tenant_seq")
    ]
    assert types[-3:] == ["order_created", "stock_updated", "sale_recorded"]


async def test_a_store_may_allow_its_stock_to_go_negative(shop: Shop) -> None:
    too_many = {"fulfilment": "counter", "items": shop.items(sand=11)}
    refused = await shop.client.json("POST", "orders", too_many, status=409)
    assert refused["code"] == "insufficient_stock"
    await shop.client.json("PATCH", "settings", {"settings": {"allow_negative_stock": True}}, status=200)
    await shop.client.json("POST", "orders", too_many, status=201)
    assert (await shop.level("sand"))[0] == "-1.000"


async def test_lines_and_totals_are_rounded_half_up(shop: Shop) -> None:
    body = {
        "customer_id": shop.customer,
        "discount_percent": "3.33",
        "items": [
            {
                "product_id": shop.products["cement"],
                "quantity": "3.335",
                "unit_price": "1.50",
                "discount_percent": "0",
            },
            {
                "product_id": shop.products["sand"],
                "quantity": "7",
                "unit_price": "0.35",
                "discount_percent": "10",
            },
        ],
    }
    quote = await shop.client.json("POST", "quotes", body, status=201)
    assert [item["line_total"] for item in quote["items"]] == ["5.00", "2.21"]
    assert (quote["subtotal"], quote["discount_amount"], quote["total"]) == ("7.21", "0.24", "6.97")
    assert [item["price_source"] for item in quote["items"]] == ["manual", "manual"]


async def test_a_seller_gives_discounts_up_to_the_stores_limit(shop: Shop) -> None:
    seller = shop.client.at("yard")
    await seller.login("seller")
    body = {"customer_id": shop.customer, "discount_percent": "5", "items": shop.items(cement=1)}
    await seller.json("POST", "quotes", body, status=201)
    above = await seller.json("POST", "quotes", {**body, "discount_percent": "5.01"}, status=201)
    assert above["discount_approval"] == "pending"
    placed = {**body, "fulfilment": "pickup", "discount_percent": "5.01"}
    refused = await seller.json("POST", "orders", placed, status=403)
    assert refused["code"] == "discount_limit"
    await shop.client.json("POST", "quotes", {**body, "discount_percent": "50"}, status=201)


async def test_prices_in_a_quote_stay_and_a_duplicate_takes_todays(shop: Shop) -> None:
    quote = await shop.quote(cement=1)
    await shop.client.json(
        "PATCH", f"products/{shop.products['cement']}", {"base_price": "12.50"}, status=200
    )
    again = await shop.client.json("GET", f"quotes/{quote['id']}", status=200)
    copy = await shop.client.json("POST", f"quotes/{quote['id']}/duplicate", status=201)
    assert again["items"][0]["unit_price"] == "10.00"
    assert copy["items"][0]["unit_price"] == "12.50"
    assert copy["number"] == "COT-000002"


async def test_only_drafts_are_edited_and_what_they_said_stays_readable(shop: Shop) -> None:
    quote = await shop.quote(cement=1)
    path = f"quotes/{quote['id']}"
    changed = await shop.client.patch(path, json={"notes": "urgent"}, headers={"If-Match": '"1"'})
    assert changed.status == 200
    assert changed.headers["ETag"] == '"2"'
    stale = await shop.client.patch(path, json={"notes": "late"}, headers={"If-Match": '"1"'})
    assert stale.status == 412
    versions = await shop.client.json("GET", f"{path}/versions", status=200)
    assert [version["content"]["notes"] for version in versions["items"]] == [""]
    await shop.client.json("POST", f"{path}/send", status=200)
    refused = await shop.client.json("PATCH", path, {"notes": "too late"}, status=409)
    assert refused["current_state"] == "sent"


async def test_a_quote_past_its_last_day_is_expired_and_not_converted(shop: Shop, owner: Any) -> None:
    quote_id = await shop.approved(cement=1)
    await owner.execute("update quotes set valid_until = now() - interval '1 minute'")
    refused = await shop.client.json("POST", f"quotes/{quote_id}/convert", status=409)
    assert refused["current_state"] == "expired"


async def test_the_scheduler_expires_due_quotes_of_every_store(
    shop: Shop, owner: Any, database: Database, scheduler_database: Database
) -> None:
    from handlers.quotes.expiry import expire_due_quotes

    due, draft = await shop.approved(cement=1), (await shop.quote(cement=1))["id"]
    await owner.execute("update quotes set valid_until = now() - interval '1 minute'")
    assert await expire_due_quotes(scheduler_database, database) == 1
    assert await expire_due_quotes(scheduler_database, database) == 0
    assert (await shop.client.json("GET", f"quotes/{due}", status=200))["status"] == "expired"
    assert (await shop.client.json("GET", f"quotes/{draft}", status=200))["status"] == "draft"


@pytest.mark.parametrize(
    ("items", "status"),
    [
        ([], 422),
        ([{"quantity": "1"}], 422),
        ([{"product_id": "own", "quantity": "0"}], 422),
        ([{"product_id": "own", "quantity": "-1"}], 422),
        ([{"product_id": "own", "quantity": "1e30"}], 422),
        ([{"product_id": "own", "quantity": "NaN"}], 422),
        ([{"product_id": "own", "quantity": "99999999999.999", "unit_price": "999999999999.99"}], 422),
        ([{"product_id": "own", "quantity": "1", "discount_percent": "100.01"}], 422),
        ([{"product_id": "own", "quantity": "1", "note": "a\u0000b"}], 400),
        ([{"product_id": "01a20cdf-7fe4-77bb-be08-c405b19b3945", "quantity": "1"}], 404),
        ([{"product_id": "own", "quantity": "1"}] * 201, 422),
    ],
)
async def test_items_that_cannot_be_are_refused_and_leave_nothing(
    shop: Shop, owner: Any, items: list[dict[str, Any]], status: int
) -> None:
    own = [
        {**item, "product_id": shop.products["cement"]} if item.get("product_id") == "own" else item
        for item in items
    ]
    answer = await shop.client.post("quotes", json={"customer_id": shop.customer, "items": own})
    assert answer.status == status, await answer.text()
    assert await owner.fetchval("select count(*) from quotes") == 0
    assert (
        await owner.fetchval("select count(*) from document_counters where series = 'quote' and value > 0")
        == 0
    )


async def test_another_stores_quotes_and_orders_are_not_there(shop: Shop, database: Database) -> None:
    quote_id, order = await shop.approved(cement=1), await shop.order("delivery", cement=1)
    rival: Store = await create_store(database, "rival")
    stranger = shop.client.at(rival.slug)
    await stranger.login("owner")
    for action in ("send", "approve", "reject", "cancel", "convert", "duplicate"):
        assert (await stranger.post(f"quotes/{quote_id}/{action}")).status == 404
    for action in ("prepare", "dispatch", "ready", "deliver", "cancel", "duplicate"):
        assert (await stranger.post(f"orders/{order['id']}/{action}")).status == 404
    customer = await stranger.json("POST", "customers", {"kind": "person", "name": "Ana"}, status=201)
    foreign = {"customer_id": customer["id"], "items": shop.items(cement=1)}
    assert (await stranger.post("quotes", json=foreign)).status == 404
    assert (await stranger.post("quotes", json={**foreign, "customer_id": shop.customer})).status == 404
    assert (await stranger.json("GET", "quotes", status=200))["items"] == []


async def test_the_ledger_balances_after_a_hundred_random_steps(shop: Shop, database: Database) -> None:
    rng, open_orders = random.Random(7), []
    for _ in range(100):
        step = rng.randrange(5)
        if step == 0:
            await shop.move("cement", rng.choice(("receipt", "loss", "adjustment")), rng.randint(1, 3))
        elif step in (1, 2):
            body = {
                "fulfilment": "pickup",
                "customer_id": shop.customer,
                "items": shop.items(cement=rng.randint(1, 4)),
            }
            answer = await shop.client.post("orders", json=body)
            if answer.status == 201:
                open_orders.append((await answer.json())["id"])
        elif open_orders:
            order = rng.choice(open_orders)
            await shop.client.post(f"orders/{order}/{rng.choice(('prepare', 'ready', 'deliver', 'cancel'))}")
    assert await run_oracles(database, []) == []


async def test_lists_are_filtered_and_go_on_by_cursor(shop: Shop) -> None:
    for count in range(1, 6):
        await shop.quote(cement=count)
    first = await shop.client.json("GET", "quotes?limit=2", status=200)
    second = await shop.client.json("GET", f"quotes?limit=2&cursor={first['next_cursor']}", status=200)
    numbers = [quote["number"] for page in (first, second) for quote in page["items"]]
    assert numbers == ["COT-000005", "COT-000004", "COT-000003", "COT-000002"]
    assert (await shop.client.json("GET", "quotes?status=sent", status=200))["items"] == []
    found = await shop.client.json("GET", "quotes?q=COT-000003", status=200)
    assert [quote["number"] for quote in found["items"]] == ["COT-000003"]
    assert (await shop.client.get("quotes?cursor=nonsense")).status == 400


async def test_the_dashboard_counts_what_happened(shop: Shop) -> None:
    await shop.client.json("POST", f"quotes/{await shop.approved(cement=2)}/convert", status=201)
    await shop.client.json(
        "POST", "orders", {"fulfilment": "counter", "items": shop.items(sand=10)}, status=201
    )
    board = await shop.client.json("GET", "dashboard", status=200)
    assert (board["quotes_today"], board["orders_today"], board["conversion_rate"]) == (1, 2, 1.0)
    assert Decimal(board["revenue_month"]) == Decimal("100.00")
    assert board["stock_out_rate"] == 0.5
    assert board["idle_capital"] == "0.00"
