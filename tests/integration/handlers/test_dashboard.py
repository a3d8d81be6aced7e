"""The figures of the dashboard at moments of our choosing, and its answer when there is nothing or too much to show."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from handlers import orders, products, quotes, returns, stock
from handlers.dashboard import ENGINES
from runtime.data.ids import new_id
from runtime.data.queries import sql
from tests.support.shop import Shop, item
from tests.support.stores import ApiClient, create_store

# In São Paulo (UTC-3) the first of the month, a Wednesday, at noon.
NOON = datetime(2026, 7, 1, 15, tzinfo=UTC)


async def board(shop: Shop, now: datetime = NOON) -> dict[str, Any]:
    async with shop.transaction(now) as tx:
        row = await tx.fetch_one(sql.get_dashboard, engines=ENGINES)
    assert row is not None
    return orjson.loads(row["body"])


async def receive(shop: Shop, product_id: UUID, at: datetime, **more: Any) -> None:
    body = stock.MovementNew(product_id=product_id, kind="receipt", quantity="10", **more)
    async with shop.transaction(at) as tx:
        await stock.move(tx, shop.settings, body)


async def sell(shop: Shop, product_id: UUID, at: datetime, price: str = "1.00") -> None:
    body = orders.OrderNew(fulfilment="counter", items=[item(product_id, unit_price=price)])
    async with shop.transaction(at) as tx:
        await orders.create(tx, shop.settings, body)


async def sell_from_the_yard(shop: Shop, product_id: UUID, at: datetime) -> None:
    """The yard becomes the location that is sold from; eleven of the product lie there, and one of them goes."""
    yard = new_id()
    await shop.owner.execute("update locations set is_default = false where tenant_id = $1", shop.tenant_id)
    await shop.owner.execute(
        "insert into locations (tenant_id, id, name, is_default, created_at) values ($1, $2, 'Yard', true, $3)",
        shop.tenant_id,
        yard,
        at,
    )
    body = stock.MovementNew(product_id=product_id, kind="receipt", quantity="11", location_id=yard)
    async with shop.transaction(at) as tx:
        await stock.move(tx, shop.settings, body)
    await sell(shop, product_id, at)


async def quoted(shop: Shop, product_id: UUID, at: datetime) -> UUID:
    body = quotes.QuoteNew(customer_id=shop.customer_id, items=[item(product_id)])
    async with shop.transaction(at) as tx:
        return (await quotes.create(tx, shop.settings, body)).id


@pytest.mark.parametrize(
    ("time_zone", "midnight", "date"),
    [
        ("America/Sao_Paulo", datetime(2026, 7, 1, 3, tzinfo=UTC), "2026-07-01"),
        ("America/Manaus", datetime(2026, 7, 1, 4, tzinfo=UTC), "2026-07-01"),
        ("Asia/Tokyo", datetime(2026, 7, 1, 15, tzinfo=UTC), "2026-07-02"),
    ],
)
async def test_days_begin_at_the_stores_own_midnight(
    shop: Shop, time_zone: str, midnight: datetime, date: str
) -> None:
    await shop.owner.execute("update tenants set time_zone = $1", time_zone)
    cement = await shop.product("CIM-50", on_hand="10")
    for at in (midnight - timedelta(seconds=1), midnight):
        await quoted(shop, cement, at)
        await sell(shop, cement, at)
    figures = await board(shop)
    assert (figures["date"], figures["quotes_today"], figures["orders_today"]) == (date, 1, 1)


async def test_revenue_is_counted_from_monday_and_from_the_first(shop: Shop) -> None:
    cement = await shop.product("CIM-50", on_hand="10")
    monday, first = datetime(2026, 6, 29, 3, tzinfo=UTC), datetime(2026, 7, 1, 3, tzinfo=UTC)
    for at, price in (
        (monday - timedelta(seconds=1), "1.00"),
        (monday, "10.00"),
        (first - timedelta(seconds=1), "100.00"),
        (first, "1000.00"),
    ):
        await sell(shop, cement, at, price)
    figures = await board(shop)
    assert (figures["revenue_week"], figures["revenue_month"]) == ("1110.00", "1000.00")
    later = await board(shop, datetime(2026, 7, 8, 15, tzinfo=UTC))
    assert (later["revenue_week"], later["revenue_month"]) == ("0.00", "1000.00")


async def test_what_comes_back_is_taken_off_the_revenue_of_the_week_it_comes_back_in(shop: Shop) -> None:
    cement = await shop.product("CIM-50", "10.00", on_hand="10")
    body = orders.OrderNew(fulfilment="counter", discount_percent="10", items=[item(cement, "3")])
    async with shop.transaction(NOON) as tx:
        order_id = (await orders.create(tx, shop.settings, body)).id
        sold = await tx.fetch_all(sql.list_returnable_items, order_id=order_id)
    next_week = NOON + timedelta(days=7)
    back = returns.ReturnNew(reason="broken", items=[{"item_id": sold[0]["id"], "quantity": "2"}])
    async with shop.transaction(next_week) as tx:
        await returns.take_back(tx, order_id, back)
    figures = await board(shop, next_week)
    assert (figures["revenue_week"], figures["revenue_month"]) == ("-18.00", "9.00")


async def test_revenue_is_what_was_delivered_after_all_discounts(shop: Shop) -> None:
    cement = await shop.product("CIM-50", "10.00", on_hand="10")
    body = orders.OrderNew(
        fulfilment="pickup", discount_percent="10", items=[item(cement, "3", discount_percent="5")]
    )
    async with shop.transaction(NOON) as tx:
        order_id = (await orders.create(tx, shop.settings, body)).id
    assert (await board(shop))["revenue_month"] == "0.00"
    async with shop.transaction(NOON) as tx:
        await orders.prepare(tx, order_id)
        await orders.ready(tx, order_id)
        await orders.deliver(tx, shop.settings, order_id)
    assert (await board(shop))["revenue_month"] == "25.65"


async def test_rates_and_times_are_averages_of_what_happened(shop: Shop) -> None:
    cement = await shop.product("CIM-50", on_hand="10")
    start = NOON - timedelta(hours=40)
    converted, open_quote, _draft = [await quoted(shop, cement, start) for _ in range(3)]
    for quote_id in (converted, open_quote):
        async with shop.transaction(start) as tx:
            await quotes.send(tx, quote_id)
    async with shop.transaction(start + timedelta(hours=6)) as tx:
        await quotes.approve(tx, converted)
        order, _ = await quotes.convert(tx, shop.settings, converted)
    async with shop.transaction(start + timedelta(hours=36, minutes=30)) as tx:
        await orders.prepare(tx, order.id)
        await orders.dispatch(tx, order.id)
        await orders.deliver(tx, shop.settings, order.id)
    await sell(shop, cement, NOON)
    figures = await board(shop)
    assert figures["conversion_rate"] == 0.5
    assert figures["hours_quote_to_order"] == 6.0
    assert figures["hours_order_to_delivery"] == 30.5
    assert (await board(shop, NOON + timedelta(days=91)))["conversion_rate"] is None


async def test_a_product_is_out_when_no_location_has_any(shop: Shop) -> None:
    cement, sand, lime = [await shop.product(sku) for sku in ("CIM", "ARE", "CAL")]
    yard = new_id()
    for product_id in (cement, sand):
        await shop.move(product_id, "receipt", "3")
        await shop.move(product_id, "loss", "3")
    await shop.owner.execute(
        "insert into locations (tenant_id, id, name, created_at) values ($1, $2, 'Yard', now())",
        shop.tenant_id,
        yard,
    )
    await shop.move(cement, "receipt", "5", location_id=yard)
    assert (await board(shop))["stock_out_rate"] == 0.5, "lime was never kept, cement lies in the yard"
    async with shop.transaction() as tx:
        await products.change(tx, sand, products.ProductChange(active=False))
    assert (await board(shop))["stock_out_rate"] == 0.0
    await shop.move(lime, "adjustment", "1")
    await shop.move(lime, "adjustment", "-1")
    assert (await board(shop))["stock_out_rate"] == 0.5


async def test_goods_without_a_sale_for_sixty_days_tie_up_their_cost(shop: Shop) -> None:
    idle, sold, retired = [await shop.product(sku) for sku in ("IDLE", "SOLD", "OLD")]
    long_ago = NOON - timedelta(days=61)
    await receive(shop, idle, long_ago, unit_cost="4.00")
    await receive(shop, sold, long_ago, unit_cost="100.00")
    await receive(shop, retired, long_ago, unit_cost="0.30")
    await sell(shop, sold, NOON - timedelta(days=59))
    async with shop.transaction() as tx:
        await products.change(tx, retired, products.ProductChange(active=False))
    assert (await board(shop))["idle_capital"] == "43.00"
    assert (await board(shop, NOON - timedelta(days=2)))["idle_capital"] == "0.00"
    assert (await board(shop, NOON + timedelta(days=2)))["idle_capital"] == "943.00"


async def test_a_sale_from_any_location_shows_that_a_product_sells(shop: Shop) -> None:
    cement = await shop.product("CIM-50")
    await receive(shop, cement, NOON - timedelta(days=200), unit_cost="4.00")
    await sell(shop, cement, NOON - timedelta(days=100))
    await sell_from_the_yard(shop, cement, NOON - timedelta(days=10))
    assert (await board(shop))["idle_capital"] == "0.00"
    assert (await board(shop, NOON + timedelta(days=60)))["idle_capital"] == "76.00"


async def test_events_are_pending_until_the_slowest_engine_has_applied_them(shop: Shop) -> None:
    await shop.product("CIM-50", on_hand="1")
    head = await shop.owner.fetchval(
        "select head from tenant_event_head where tenant_id = $1", shop.tenant_id
    )
    assert (await board(shop))["pending_events"] == head > 1, "no engine has begun"
    for engine in ("relay", *ENGINES):
        await shop.owner.execute(
            "insert into consumer_cursor (consumer, tenant_id, last_seq) values ($1, $2, $3)",
            engine,
            shop.tenant_id,
            0 if engine == "relay" else head,
        )
    assert (await board(shop))["pending_events"] == 0, "the relay is behind, and is no engine"
    await shop.owner.execute("update consumer_cursor set last_seq = last_seq - 2 where consumer = 'sales'")
    assert (await board(shop))["pending_events"] == 2


async def test_a_new_store_sees_zeros_and_nothing_to_divide(client: ApiClient) -> None:
    await client.login("finance")
    figures = await client.json("GET", "dashboard", status=200)
    figures.pop("date")
    assert figures == {
        "quotes_today": 0,
        "orders_today": 0,
        "revenue_week": "0.00",
        "revenue_month": "0.00",
        "conversion_rate": None,
        "hours_quote_to_order": None,
        "hours_order_to_delivery": None,
        "stock_out_rate": None,
        "idle_capital": "0.00",
        "pending_events": 0,
    }


async def test_sums_beyond_what_an_amount_can_hold_are_shown(client: ApiClient, database: Any) -> None:
    await client.login("owner")
    new = {"sku": "GOLD", "name": "Gold", "unit": "UN", "base_price": "999999999999.99"}
    gold = (await client.json("POST", "products", new, status=201))["id"]
    receipt = {"product_id": gold, "kind": "receipt", "quantity": "2"}
    await client.json("POST", "stock/movements", receipt, status=201)
    sale = {"fulfilment": "counter", "items": [{"product_id": gold, "quantity": "1"}]}
    for _ in range(2):
        await client.json("POST", "orders", sale, status=201)
    assert (await client.json("GET", "dashboard", status=200))["revenue_month"] == "1999999999999.98"
    await create_store(database, "rival")
    rival = client.at("rival")
    await rival.login("owner")
    assert (await rival.json("GET", "dashboard", status=200))["revenue_month"] == "0.00"
