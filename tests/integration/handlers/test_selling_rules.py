"""The rules of quotes, orders and stock below HTTP, as the demo's loader and the scheduler use them too."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import anyio
import orjson
import pytest

from handlers import customers, orders, prices, products, quotes, sites, stock
from handlers.orders import Fulfilment
from handlers.quotes.models import CopyView
from runtime.data.queries import sql
from runtime.errors import InvalidError, RefusedError
from tests.support.shop import Shop, item


async def test_new_items_of_a_draft_take_the_place_of_the_old_and_the_old_stay_readable(shop: Shop) -> None:
    cement, lime = await shop.product("CIM-50"), await shop.product("CAL-20", "7.00")
    quote = await shop.draft(item(cement, "2"), notes="first")
    await shop.change(quote["id"], items=[item(lime, "3")], notes="second")
    changed = await shop.change(quote["id"], discount_percent="10")
    assert (changed["version"], changed["total"]) == (3, "18.90")
    assert [line["product_id"] for line in changed["items"]] == [str(lime)]
    async with shop.transaction() as tx:
        versions = orjson.loads(await tx.fetch_value(sql.list_quote_versions, id=UUID(quote["id"])))
    assert [(v["version"], v["content"]["total"], v["content"]["notes"]) for v in versions["items"]] == [
        (1, "20.00", "first"),
        (2, "21.00", "second"),
    ]
    async with shop.transaction() as tx:
        for product_id in (cement, lime):  # a former version counts the cement in its unit, too
            assert await tx.fetch_value(sql.is_product_counted, product_id=product_id)


async def test_items_that_stay_in_a_changed_draft_keep_their_prices(shop: Shop) -> None:
    cement = await shop.product("CIM-50", "10.00")
    quote = await shop.draft(item(cement, "2"))
    async with shop.transaction() as tx:
        await products.change(tx, cement, products.ProductChange(base_price="99.00"))
    changed = await shop.change(quote["id"], notes="urgent", discount_percent="1")
    assert changed["total"] == "19.80"
    assert changed["items"] == quote["items"]


@pytest.mark.parametrize("line", [{"discount_percent": "5.01"}, {"unit_price": "94.99"}])
async def test_a_seller_meets_the_limit_on_every_way_to_a_discount(shop: Shop, line: dict[str, str]) -> None:
    cement = await shop.product("CIM-50", "100.00")
    dear = await shop.draft(item(cement, **line))
    plain = await shop.draft(item(cement))
    for attempt in (
        shop.draft(item(cement, **line), role="seller"),
        shop.change(plain["id"], "seller", items=[item(cement, **line)]),
        shop.change(dear["id"], "seller", discount_percent="1"),
    ):
        assert (await attempt)["discount_approval"] == "pending"
    with pytest.raises(RefusedError) as error:
        await shop.order(item(cement, **line), role="seller")
    assert (error.value.status, error.value.code) == (403, "discount_limit")
    within = await shop.draft(item(cement, discount_percent="5"), role="seller")
    assert (within["total"], within["discount_approval"]) == ("95.00", None)


async def test_a_sellers_copy_leaves_out_discounts_above_the_limit(shop: Shop) -> None:
    cement = await shop.product("CIM-50", "100.00")
    dear = await shop.draft(item(cement, discount_percent="30"), discount_percent="4")
    assert (await shop.duplicate(dear["id"], "seller"))["total"] == "96.00"
    assert (await shop.duplicate(dear["id"]))["total"] == "67.20"


async def test_a_copy_says_which_prices_changed_and_what_is_no_longer_sold(shop: Shop) -> None:
    cement, sand = await shop.product("CIM-50", "10.00"), await shop.product("ARE", "50.00")
    retired = await shop.product("OLD-01", "5.00", on_hand="1")
    then = await shop.draft(item(cement, "2"), item(retired), item(sand))
    order = await shop.order(item(retired))
    async with shop.transaction() as tx:
        await products.change(tx, cement, products.ProductChange(base_price="12.00"))
        await products.change(tx, retired, products.ProductChange(active=False))
    copy = await shop.duplicate(then["id"])
    CopyView.model_validate(copy)
    assert [line["sku"] for line in copy["items"]] == ["CIM-50", "ARE"]
    changes = copy["since_then"]
    assert changes["former_total"] == "75.00"
    [change] = changes["price_changes"]
    assert (change["position"], change["sku"]) == (1, "CIM-50")
    assert (change["former_price"], change["unit_price"]) == ("10.00", "12.00")
    assert [one["sku"] for one in changes["discontinued"]] == ["OLD-01"]
    async with shop.transaction() as tx:
        with pytest.raises(InvalidError) as error:
            await quotes.duplicate(tx, shop.settings, sql.find_order_content, order)
    assert [field.code for field in error.value.fields] == ["inactive"]


async def test_things_out_of_use_or_of_another_customer_are_refused_by_name(shop: Shop) -> None:
    cement, retired = await shop.product("CIM-50"), await shop.product("OLD-01", active=False)
    async with shop.transaction() as tx:
        neighbour = await customers.create(tx, customers.CustomerNew(kind="person", name="Ana"))
        site = await sites.create(tx, neighbour, sites.SiteNew(name="Obra da Ana"))
    for attempt, pointer in (
        (shop.draft(item(cement), item(retired)), "/items/1/product_id"),
        (shop.draft(item(cement), site_id=site), "/site_id"),
    ):
        with pytest.raises(InvalidError) as error:
            await attempt
        assert error.value.fields[0].pointer == pointer


async def test_a_quote_is_valid_to_the_end_of_its_last_day_at_the_store(shop: Shop) -> None:
    cement = await shop.product("CIM-50")
    late_evening = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)  # still the 23rd in São Paulo
    body = quotes.QuoteNew(customer_id=shop.customer_id, items=[item(cement)], validity_days=7)
    async with shop.transaction(late_evening) as tx:
        quote = orjson.loads((await quotes.create(tx, shop.settings, body)).body)
    last_second = datetime(2026, 12, 1, 2, 59, 59, tzinfo=UTC)
    assert datetime.fromisoformat(quote["valid_until"]) == last_second
    assert datetime.fromisoformat(quote["created_at"]) == late_evening


async def test_the_days_of_validity_count_from_sending(shop: Shop) -> None:
    cement = await shop.product("CIM-50")
    body = quotes.QuoteNew(customer_id=shop.customer_id, items=[item(cement)], validity_days=3)
    async with shop.transaction(datetime(2026, 11, 1, 12, tzinfo=UTC)) as tx:
        quote_id = (await quotes.create(tx, shop.settings, body)).id
    async with shop.transaction(datetime(2026, 11, 20, 12, tzinfo=UTC)) as tx:
        sent = orjson.loads((await quotes.send(tx, quote_id)).body)
    assert datetime.fromisoformat(sent["valid_until"]) == datetime(2026, 11, 24, 2, 59, 59, tzinfo=UTC)


async def test_numbers_written_at_once_have_no_gap_though_some_roll_back(shop: Shop) -> None:
    cement = await shop.product("CIM-50")
    body = quotes.QuoteNew(customer_id=shop.customer_id, items=[item(cement)])

    async def write(fails: bool) -> None:
        try:
            async with shop.transaction() as tx:
                await quotes.create(tx, shop.settings, body)
                if fails:
                    raise LookupError
        except LookupError:
            pass

    async with anyio.create_task_group() as tasks:
        for turn in range(12):
            tasks.start_soon(write, turn % 3 == 0)
    rows = await shop.owner.fetch(
        "select serial from quotes where tenant_id = $1 order by serial", shop.tenant_id
    )
    assert [row["serial"] for row in rows] == list(range(1, 9))


async def test_lines_of_one_product_are_reserved_and_taken_together(shop: Shop) -> None:
    cement = await shop.product("CIM-50", on_hand="4")
    with pytest.raises(stock.InsufficientStockError) as error:
        await shop.order(item(cement, "3"), item(cement, "2"))
    assert error.value.extra["products"] == [
        {"product_id": str(cement), "requested": "5.000", "available": "4.000"}
    ]
    assert await shop.level(cement) == ("4.000", "0.000", "4.000")
    await shop.order(item(cement, "3"), item(cement, "1"), fulfilment="counter")
    assert await shop.level(cement) == ("0.000", "0.000", "0.000")
    [taken] = [event for event in await shop.payloads("stock_updated") if event["reason"] == "sale"]
    assert Decimal(taken["delta"]) == -4
    [sale] = await shop.payloads("sale_recorded")
    assert [Decimal(line["quantity"]) for line in sale["items"]] == [3, 1]
    movements = await shop.owner.fetchval("select count(*) from stock_movements where kind = 'sale'")
    assert movements == 1


async def test_goods_that_are_gone_are_not_delivered_whatever_was_reserved(shop: Shop) -> None:
    cement = await shop.product("CIM-50", on_hand="5")
    order_id = await shop.order(item(cement, "5"))
    await shop.move(cement, "loss", "2", reason="wet")
    assert await shop.level(cement) == ("3.000", "5.000", "-2.000")
    async with shop.transaction() as tx:
        await orders.prepare(tx, order_id)
        await orders.ready(tx, order_id)
    with pytest.raises(stock.InsufficientStockError) as error:
        async with shop.transaction() as tx:
            await orders.deliver(tx, shop.settings, order_id)
    assert error.value.extra["products"][0]["requested"] == "5.000"
    assert error.value.extra["products"][0]["available"] == "3.000"
    async with shop.transaction() as tx:
        assert orjson.loads((await orders.get(tx, order_id)).body)["status"] == "ready_for_pickup"
    with pytest.raises(stock.InsufficientStockError):
        await shop.move(cement, "adjustment", "-3.001")


async def test_receipts_move_the_average_cost_by_their_weight(shop: Shop) -> None:
    cement = await shop.product("CIM-50")
    for quantity, cost in (("10", "20.00"), ("30", "24.00")):
        await shop.move(cement, "receipt", quantity, unit_cost=cost)
    await shop.move(cement, "loss", "5")
    await shop.move(cement, "receipt", "35", unit_cost="30.00")
    average = await shop.owner.fetchval("select average_cost from stock_costs where product_id = $1", cement)
    # (10·20 + 30·24) / 40 = 23; a loss leaves it; (35·23 + 35·30) / 70 = 26.5
    assert average == Decimal("26.5")


async def test_two_first_movements_at_once_share_one_default_location(shop: Shop) -> None:
    cement, lime = await shop.product("CIM-50"), await shop.product("CAL-20")
    async with anyio.create_task_group() as tasks:
        for product_id in (cement, lime, cement, lime):
            tasks.start_soon(shop.move, product_id, "receipt", "1")
    assert (
        await shop.owner.fetchval("select count(*) from locations where tenant_id = $1", shop.tenant_id) == 1
    )
    assert (await shop.level(cement))[0] == (await shop.level(lime))[0] == "2.000"


async def test_orders_of_the_same_products_in_any_sequence_never_deadlock(shop: Shop) -> None:
    shelf = [await shop.product(f"P-{number}", on_hand="100") for number in range(4)]

    async def buy(turn: int) -> None:
        picked = shelf[turn % 4 :] + shelf[: turn % 4]
        await shop.order(*(item(product_id) for product_id in picked), fulfilment="counter")

    async with anyio.create_task_group() as tasks:
        for turn in range(16):
            tasks.start_soon(buy, turn)
    assert [(await shop.level(product_id))[0] for product_id in shelf] == ["84.000"] * 4


async def test_a_quote_converts_into_a_sale_over_the_counter(shop: Shop) -> None:
    cement = await shop.product("CIM-50", "12.34", on_hand="10")
    quote = await shop.draft(item(cement, "3", discount_percent="1"), discount_percent="2")
    async with shop.transaction() as tx:
        await quotes.send(tx, UUID(quote["id"]))
        await quotes.approve(tx, UUID(quote["id"]))
        written, made = await quotes.convert(tx, shop.settings, UUID(quote["id"]), Fulfilment.COUNTER)
    order = orjson.loads(written.body)
    assert made
    assert (order["status"], order["items"], order["total"]) == ("delivered", quote["items"], quote["total"])
    assert await shop.level(cement) == ("7.000", "0.000", "7.000")
    [sale] = await shop.payloads("sale_recorded")
    assert (sale["order_id"], sale["total"]) == (order["id"], quote["total"])


async def test_a_business_moment_in_the_past_is_kept_in_every_row(shop: Shop) -> None:
    cement = await shop.product("CIM-50", on_hand="10")
    then = datetime(2026, 5, 4, 12, tzinfo=UTC)
    body = orders.OrderNew(fulfilment="counter", customer_id=shop.customer_id, items=[item(cement)])
    async with shop.transaction(then) as tx:
        order_id = (await orders.create(tx, shop.settings, body)).id
    sold = await shop.owner.fetchrow(
        "select orders.created_at, orders.delivered_at, movement.created_at as moved_at from orders "
        "join stock_movements as movement on movement.order_id = orders.id where orders.id = $1",
        order_id,
    )
    assert set(sold.values()) == {then}
    occurred = await shop.owner.fetchval(
        "select occurred_at from event_outbox where event_type = 'sale_recorded' and tenant_id = $1",
        shop.tenant_id,
    )
    assert occurred == then


async def test_a_seller_does_not_carry_one_customers_prices_over_to_another(shop: Shop) -> None:
    cement = await shop.product("CIM-50", "100.00")
    async with shop.transaction() as tx:
        await prices.agree(
            tx, prices.AgreedPriceNew(customer_id=shop.customer_id, product_id=cement, price="60.00")
        )
        other = await customers.create(tx, customers.CustomerNew(kind="company", name="Outra"))
    quote = await shop.draft(item(cement), role="seller")
    assert quote["total"] == "60.00"
    assert (await shop.change(quote["id"], "seller", notes="the same customer"))["discount_approval"] is None
    carried = await shop.change(quote["id"], "seller", customer_id=other)
    assert (carried["total"], carried["discount_approval"]) == ("60.00", "pending")
    more = await shop.change(quote["id"], "seller", discount_percent="1")
    assert more["discount_approval"] == "pending"
    assert (await shop.change(quote["id"], customer_id=other))["discount_approval"] == "approved"


async def test_nothing_more_is_sold_to_a_site_that_is_out_of_use(shop: Shop) -> None:
    cement = await shop.product("CIM-50")
    async with shop.transaction() as tx:
        site_id = await sites.create(tx, shop.customer_id, sites.SiteNew(name="Obra"))
    quote = await shop.draft(item(cement), site_id=site_id)
    async with shop.transaction() as tx:
        await sites.change(tx, site_id, sites.SiteChange(active=False))
    with pytest.raises(InvalidError) as error:
        await shop.draft(item(cement), site_id=site_id)
    assert [field.pointer for field in error.value.fields] == ["/site_id"]
    assert (await shop.change(quote["id"], site_id=None))["site_id"] is None
