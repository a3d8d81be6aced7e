"""Goods bought in another unit than they are counted in: prices, totals, receipts and costs agree, packs stay whole."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tests.integration.handlers.test_purchase_orders import ORDERS, Yard, yard
from tests.support.engines import sale, stock

__all__ = ["yard"]

BOX = {"unit": "CX", "quantity": "2.32"}


async def tile(yard: Yard, **given: Any) -> str:
    return await yard.product("PISO", unit="M2", unit_conversions=[BOX], **given)


async def test_a_price_for_a_box_is_kept_as_quoted_and_compared_by_the_square_metre(yard: Yard) -> None:
    supplier, product = await yard.supplier("Portobello"), await tile(yard)
    await yard.price(supplier, product, "85.00", unit="CX", minimum_quantity="10")
    [price] = (await yard.api.json("GET", f"suppliers/{supplier}/prices", status=200))["items"]
    quoted = (price["unit"], price["price"], price["minimum_quantity"])
    assert (*quoted, price["stock_unit"], price["stock_price"]) == ("CX", "85.00", "10.000", "M2", "36.64")
    [(_, event)] = await yard.events("supplier_price")
    assert (event["price"], Decimal(event["minimum_quantity"])) == ("36.64", Decimal("23.2"))
    assert (event["quoted_unit"], event["quoted_price"]) == ("CX", "85.00")


async def test_boxes_are_ordered_at_the_price_of_boxes_and_arrive_as_square_metres(yard: Yard) -> None:
    supplier, product = await yard.supplier("Portobello"), await tile(yard)
    await yard.price(supplier, product, "85.00", unit="CX")
    body = {"supplier_id": supplier, "items": [{"product_id": product, "quantity": "44", "unit": "CX"}]}
    order = await yard.api.json("POST", ORDERS, body, status=201)
    [item] = order["items"]
    assert (item["unit"], item["quantity"], item["stock_quantity"]) == ("CX", "44.000", "102.080")
    assert (item["unit_cost"], item["cost_unit"], item["line_total"]) == ("85.00", "CX", "3740.00")
    await yard.act(order, "send")
    assert (await yard.level(product))["incoming"] == "102.080"
    order = await yard.act(order, "receive", {"items": [{"product_id": product, "quantity": "40"}]})
    [item] = order["items"]
    assert (item["received_quantity"], item["stock_received_quantity"]) == ("40.000", "92.800")
    rest = {"items": [{"product_id": product, "quantity": "9.28", "unit": "M2"}]}
    order = await yard.act(order, "receive", rest)
    assert (order["status"], order["items"][0]["stock_outstanding_quantity"]) == ("received", "0.000")
    level = await yard.level(product)
    assert (level["on_hand"], level["last_cost"]) == ("102.080", "36.64")
    exact = await yard.engines.owner.fetchval(
        "select average_cost from stock_costs where product_id = $1", UUID(product)
    )
    assert exact == Decimal("36.637931")


async def test_square_metres_of_a_product_priced_by_the_box_cost_what_the_boxes_do(yard: Yard) -> None:
    supplier, product = await yard.supplier("Portobello"), await tile(yard)
    await yard.price(supplier, product, "85.00", unit="CX")
    body = {"supplier_id": supplier, "items": [{"product_id": product, "quantity": "102.08"}]}
    order = await yard.api.json("POST", ORDERS, body, status=201)
    assert (order["items"][0]["unit"], order["total"]) == ("M2", "3740.00")


@pytest.mark.parametrize(
    ("line", "pointer"),
    [
        ({"quantity": "1", "unit": "PL"}, "/items/0/unit"),
        ({"quantity": "0.001", "unit": "CX"}, "/items/0/quantity"),
        ({"quantity": "99999999999", "unit": "CX"}, "/items/0/quantity"),
    ],
)
async def test_what_cannot_be_bought_so_is_refused(yard: Yard, line: dict[str, str], pointer: str) -> None:
    supplier, product = await yard.supplier("Portobello"), await tile(yard)
    body = {"supplier_id": supplier, "items": [{"product_id": product, "unit_cost": "1", **line}]}
    problem = await yard.api.json("POST", ORDERS, body, status=422)
    assert [error["pointer"] for error in problem["errors"]] == [pointer]


async def test_suggestions_become_whole_purchase_packs(yard: Yard) -> None:
    supplier, product = await yard.supplier("Portobello"), await tile(yard, purchase_pack="CX")
    await yard.price(supplier, product, "36.00")
    body = {"items": [{"product_id": product, "quantity": "100"}]}
    drafts = await yard.api.json("POST", f"{ORDERS}/from-suggestions", body, status=201)
    [item] = drafts["items"][0]["items"]
    assert (item["quantity"], item["unit"], item["stock_quantity"]) == ("44.000", "CX", "102.080")
    assert item["line_total"] == "3674.88"
    assert "44 CX (102,08 M2)" in item["note"]


async def test_what_a_supplier_prices_by_the_box_is_suggested_in_boxes(yard: Yard) -> None:
    dear, cheap, product = await yard.supplier("Eliane"), await yard.supplier("Portobello"), await tile(yard)
    await yard.price(dear, product, "37.00")
    await yard.price(cheap, product, "85.00", unit="CX", minimum_quantity="44")
    body = {"items": [{"product_id": product, "quantity": "100"}]}
    drafts = await yard.api.json("POST", f"{ORDERS}/from-suggestions", body, status=201)
    [draft] = drafts["items"]
    assert (draft["supplier_name"], draft["total"], draft["items"][0]["unit"]) == (
        "Portobello",
        "3740.00",
        "CX",
    )


async def test_a_suggestion_of_next_to_nothing_is_left_alone(yard: Yard) -> None:
    supplier, product = await yard.supplier("Portobello"), await tile(yard)
    await yard.price(supplier, product, "36.00")
    said = (sale((UUID(product), 10)), stock(UUID(product), 2))
    await yard.engines.say(yard.tenant_id, datetime.now(UTC), *said)
    await yard.engines.apply(yard.tenant_id)
    changed = await yard.engines.owner.execute(
        "update engine_stock_products set suggested_quantity = 0.0004 where product_id = $1 and status = 'open'",
        UUID(product),
    )
    assert changed == "UPDATE 1"
    drafts = await yard.api.json("POST", f"{ORDERS}/from-suggestions", {}, status=201)
    assert (drafts["items"], [one["reason"] for one in drafts["unplaced"]]) == ([], ["no_suggestion"])


async def test_a_price_list_says_which_unit_its_prices_are_for(yard: Yard) -> None:
    supplier, product = await yard.supplier("Portobello"), await tile(yard)
    await yard.product("ARG", unit="SC")
    data = "sku;unidade;preço\nPISO;Caixas;85,00\nARG;PCT C/10;9,90\n"
    answer = await yard.api.post(
        f"suppliers/{supplier}/import", data=data.encode(), headers={"Content-Type": "text/csv"}
    )
    taken = await answer.json()
    assert [(one["unit"], one["price"]) for one in taken["changes"]] == [("CX", "85.00")]
    assert [(one["row"], one["column"], one["code"]) for one in taken["errors"]] == [
        (3, "unit", "unknown_unit")
    ]
    [price] = (await yard.api.json("GET", f"suppliers/{supplier}/prices?product_id={product}", status=200))[
        "items"
    ]
    assert (price["unit"], price["price"], price["stock_price"]) == ("CX", "85.00", "36.64")


async def test_the_list_of_what_to_buy_says_it_in_whole_packs(yard: Yard) -> None:
    packed, loose = await tile(yard, purchase_pack="CX"), await yard.product("CIM")
    said = [sale((UUID(one), 10)) for one in (packed, loose)] + [
        stock(UUID(one), 2) for one in (packed, loose)
    ]
    await yard.engines.say(yard.tenant_id, datetime.now(UTC), *said)
    await yard.engines.apply(yard.tenant_id)
    shown = (await yard.api.json("GET", "insights/stock/suggestions", status=200))["items"]
    by_product = {one["product_id"]: one for one in shown}
    assert by_product[loose]["in_packs"] is None
    packs, wanted = by_product[packed]["in_packs"], Decimal(by_product[packed]["suggested_quantity"])
    held = Decimal(packs["packs"]) * Decimal("2.32")
    assert (packs["unit"], Decimal(packs["quantity"])) == ("CX", held)
    assert held - Decimal("2.32") < wanted <= held
