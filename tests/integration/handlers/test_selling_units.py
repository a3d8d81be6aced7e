"""Goods sold in another unit than they are counted in: prices, stock, events and discounts agree to the thousandth."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import pytest

from handlers import orders, prices, products, quotes
from handlers.quotes.models import CopyView
from runtime.errors import ConflictError, InvalidError, RefusedError
from tests.support.shop import Shop

BOX = {"unit": "CX", "quantity": "2.32"}
SHOWN = (
    "unit",
    "quantity",
    "stock_unit",
    "stock_quantity",
    "unit_price",
    "price_unit",
    "line_total",
    "price_source",
)


async def tile(shop: Shop, price: str = "39.90", on_hand: str = "0", **more: Any) -> UUID:
    return await shop.product("PISO", price, on_hand, unit_conversions=[BOX], **more)


def shown(item: dict[str, Any]) -> tuple[str, ...]:
    return tuple(item[name] for name in SHOWN)


async def events(shop: Shop, event_type: str) -> list[dict[str, Any]]:
    rows = await shop.owner.fetch(
        "select payload from event_outbox where tenant_id = $1 and event_type = $2 order by tenant_seq",
        shop.tenant_id,
        event_type,
    )
    return [orjson.loads(row["payload"]) for row in rows]


async def test_a_line_in_boxes_costs_its_square_metres(shop: Shop) -> None:
    product_id = await tile(shop)
    quote = await shop.draft({"product_id": product_id, "quantity": "5", "unit": "CX"})
    [item] = quote["items"]
    assert shown(item) == ("CX", "5.000", "UN", "11.600", "39.90", "UN", "462.84", "base")


async def test_a_price_given_for_a_box_is_kept_for_a_box(shop: Shop) -> None:
    product_id = await tile(shop)
    quote = await shop.draft({"product_id": product_id, "quantity": "3", "unit": "CX", "unit_price": "90.01"})
    assert shown(quote["items"][0]) == ("CX", "3.000", "UN", "6.960", "90.01", "CX", "270.03", "manual")
    own = {"product_id": product_id, "quantity": "3", "unit": "CX", "unit_price": "38.00", "price_unit": "UN"}
    quote = await shop.draft(own)
    assert shown(quote["items"][0]) == ("CX", "3.000", "UN", "6.960", "38.00", "UN", "264.48", "manual")


@pytest.mark.parametrize(
    ("asked", "pointer", "code"),
    [
        ({"quantity": "10"}, "/items/0/quantity", "not_whole"),
        ({"quantity": "2.5", "unit": "CX"}, "/items/0/quantity", "not_whole"),
        ({"quantity": "1", "unit": "PL"}, "/items/0/unit", "unknown_unit"),
        (
            {"quantity": "1", "unit": "CX", "unit_price": "1", "price_unit": "PL"},
            "/items/0/price_unit",
            "not_priced",
        ),
        ({"quantity": "1", "unit": "CX", "price_unit": "CX"}, "/items/0/price_unit", "not_priced"),
    ],
)
async def test_what_is_not_sold_so_is_refused_where_it_stands(
    shop: Shop, asked: dict[str, str], pointer: str, code: str
) -> None:
    product_id = await tile(shop, sale_pack="CX")
    with pytest.raises(InvalidError) as error:
        await shop.draft({"product_id": product_id, **asked})
    assert [(problem.pointer, problem.code) for problem in error.value.fields] == [(pointer, code)]


async def test_asked_to_round_up_the_next_whole_boxes_are_sold(shop: Shop) -> None:
    product_id = await tile(shop, sale_pack="CX")
    quote = await shop.draft({"product_id": product_id, "quantity": "10", "round_up": True})
    assert shown(quote["items"][0])[1:4] == ("11.600", "UN", "11.600")


async def test_an_order_in_boxes_sets_square_metres_aside_and_says_both(shop: Shop) -> None:
    product_id = await tile(shop, on_hand="23.2")
    await shop.order({"product_id": product_id, "quantity": "5", "unit": "CX"})
    assert await shop.level(product_id) == ("23.200", "11.600", "11.600")
    [created] = await events(shop, "order_created")
    [item] = created["items"]
    assert (Decimal(item["quantity"]), item["unit_price"]) == (Decimal("11.6"), "39.90")
    assert (item["sold_unit"], Decimal(item["sold_quantity"])) == ("CX", 5)


async def test_a_counter_sale_of_whole_pallets_takes_sacks_from_the_stock(shop: Shop) -> None:
    sack = await shop.product("CIM", "35.90", "150", unit_conversions=[{"unit": "PL", "quantity": "50"}])
    await shop.order(
        {"product_id": sack, "quantity": "2", "unit": "PL", "unit_price": "1700.00"},
        {"product_id": sack, "quantity": "7"},
        fulfilment="counter",
    )
    assert await shop.level(sack) == ("43.000", "0.000", "43.000")
    [sale] = await events(shop, "sale_recorded")
    pallets, sacks = sale["items"]
    assert (Decimal(pallets["quantity"]), pallets["unit_price"], pallets["line_total"]) == (
        100,
        "34.00",
        "3400.00",
    )
    assert "sold_unit" not in sacks


async def test_a_quote_in_boxes_becomes_an_order_in_boxes(shop: Shop) -> None:
    product_id = await tile(shop, on_hand="23.2")
    quote = await shop.draft({"product_id": product_id, "quantity": "5", "unit": "CX"})
    copy = await shop.duplicate(quote["id"])
    assert shown(copy["items"][0]) == shown(quote["items"][0])
    line = quote["items"][0]
    assert (line["stock_quantity"], line["stock_unit"]) == ("11.600", "UN")
    assert (line["quantity"], line["unit"]) == ("5.000", "CX")


async def agree(shop: Shop, **price: Any) -> None:
    async with shop.transaction() as tx:
        await prices.endpoints.agree(tx, prices.models.AgreedPriceNew(customer_id=shop.customer_id, **price))


async def test_quantity_breaks_compare_in_the_products_own_unit(shop: Shop) -> None:
    product_id = await tile(shop)
    await agree(shop, product_id=product_id, minimum_quantity="11.6", price="35.00")
    four = await shop.draft({"product_id": product_id, "quantity": "4", "unit": "CX"})
    five = await shop.draft({"product_id": product_id, "quantity": "5", "unit": "CX"})
    assert [quote["items"][0]["unit_price"] for quote in (four, five)] == ["39.90", "35.00"]


async def test_a_price_agreed_for_a_box_counts_for_goods_sold_in_boxes(shop: Shop) -> None:
    product_id = await tile(shop)
    await agree(shop, product_id=product_id, price="85.00", unit="CX")
    await agree(shop, product_id=product_id, price="38.00")
    boxes = await shop.draft({"product_id": product_id, "quantity": "5", "unit": "CX"})
    metres = await shop.draft({"product_id": product_id, "quantity": "11.6"})
    assert shown(boxes["items"][0])[4:7] == ("85.00", "CX", "425.00")
    assert shown(metres["items"][0])[4:7] == ("38.00", "UN", "440.80")


async def test_a_price_is_not_agreed_for_a_unit_that_the_product_does_not_have(shop: Shop) -> None:
    product_id = await tile(shop)
    with pytest.raises(InvalidError) as error:
        await agree(shop, product_id=product_id, price="85.00", unit="PL")
    assert error.value.fields[0].code == "unknown_unit"


async def test_a_sellers_discount_is_judged_whatever_unit_its_price_is_for(shop: Shop) -> None:
    product_id = await tile(shop)
    limit = shop.settings.seller_discount_limit_percent
    asked = Decimal("39.90") * Decimal("2.32")
    least = asked * (100 - limit) / 100
    box = {"product_id": product_id, "quantity": "1", "unit": "CX"}
    up = (least * 100).to_integral_value(rounding="ROUND_CEILING") / 100
    quote = await shop.draft({**box, "unit_price": str(up)}, role="seller")
    assert quote["discount_approval"] is None
    under = await shop.draft({**box, "unit_price": str(up - Decimal("0.01"))}, role="seller")
    assert under["discount_approval"] == "pending"
    changed = await shop.change(quote["id"], role="seller", discount_percent="1")
    assert changed["discount_approval"] == "pending"


async def test_many_tiny_lines_do_not_round_a_product_away(shop: Shop) -> None:
    product_id = await shop.product("AREIA", "4.99")
    crumbs = [{"product_id": product_id, "quantity": "0.001"} for _ in range(200)]
    quote = await shop.draft(*crumbs, role="seller")
    assert (quote["total"], quote["discount_approval"]) == ("0.00", "pending")
    asked_for = await shop.owner.fetchval(
        "select discount_percent from quote_discount_approvals where tenant_id = $1", shop.tenant_id
    )
    assert asked_for == 100
    body = orders.OrderNew(fulfilment="counter", items=crumbs)
    async with shop.transaction() as tx:
        with pytest.raises(RefusedError) as error:
            await orders.create(tx, shop.settings, body, "seller")
    assert error.value.code == "discount_limit"
    assert error.value.extra["items"] == list(range(200))


async def test_a_few_lines_of_one_product_round_as_they_will(shop: Shop) -> None:
    product_id = await shop.product("AREIA", "10.01")
    shop.settings = shop.settings.model_copy(update={"seller_discount_limit_percent": Decimal(0)})
    quote = await shop.draft(*[{"product_id": product_id, "quantity": "0.333"}] * 2, role="seller")
    assert (quote["total"], quote["discount_approval"]) == ("6.66", None)


async def test_a_product_that_is_counted_keeps_its_unit(shop: Shop) -> None:
    product_id = await tile(shop)
    async with shop.transaction() as tx:
        await products.change(tx, product_id, products.ProductChange(unit="PC"))
    await shop.draft({"product_id": product_id, "quantity": "1"})
    with pytest.raises(ConflictError) as error:
        async with shop.transaction() as tx:
            await products.change(tx, product_id, products.ProductChange(unit="UN"))
    assert error.value.code == "unit_in_use"


async def test_converting_a_quote_in_boxes_sets_square_metres_aside_until_they_leave(shop: Shop) -> None:
    product_id = await tile(shop, on_hand="23.2")
    quote = await shop.draft({"product_id": product_id, "quantity": "5", "unit": "CX"})
    async with shop.transaction() as tx:
        for step in (quotes.send, quotes.approve):
            await step(tx, UUID(quote["id"]))
        order, _ = await quotes.convert(tx, shop.settings, UUID(quote["id"]), orders.Fulfilment.PICKUP)
    assert await shop.level(product_id) == ("23.200", "11.600", "11.600")
    async with shop.transaction() as tx:
        for move in (orders.prepare, orders.ready):
            await move(tx, order.id)
        await orders.deliver(tx, shop.settings, order.id)
    assert await shop.level(product_id) == ("11.600", "0.000", "11.600")


async def test_goods_are_bought_again_in_the_units_they_are_sold_in_by_now(shop: Shop) -> None:
    product_id = await tile(shop)
    sold = {"product_id": product_id, "quantity": "2", "unit": "CX"}
    then = await shop.draft({"product_id": product_id, "quantity": "3"}, sold)
    for change, quantities in (
        (
            {"unit_conversions": [{"unit": "CX", "quantity": "2.5"}], "sale_pack": "CX"},
            ["5.000 UN", "2.000 CX"],
        ),
        ({"unit_conversions": [], "sale_pack": None}, ["3.000 UN", "4.640 UN"]),
    ):
        async with shop.transaction() as tx:
            await products.change(tx, product_id, products.ProductChange.model_validate(change))
        copy = await shop.duplicate(then["id"])
        CopyView.model_validate(copy)
        assert [f"{line['quantity']} {line['unit']}" for line in copy["items"]] == quantities
        changed = copy["since_then"]["quantity_changes"]
        assert [f"{one['quantity']} {one['unit']}" for one in changed] == quantities[-len(changed) :]
    [again] = changed
    assert (again["former_quantity"], again["former_unit"], again["former_stock_quantity"]) == (
        "2.000",
        "CX",
        "4.640",
    )
