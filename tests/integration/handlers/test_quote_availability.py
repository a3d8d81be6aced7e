"""From when the goods of a quote can be had, and what goes with them, over HTTP."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from handlers.quotes.models import QuoteView
from tests.integration.handlers.test_selling import Shop
from tests.support.engines import Engines
from tests.support.stores import ApiClient


def today() -> date:
    return datetime.now(ZoneInfo("America/Sao_Paulo")).date()


@pytest.fixture
async def shop(client: ApiClient) -> Shop:
    made = Shop(client)
    await made.open(cement=5, sand=0, lime=100)
    return made


async def buy(shop: Shop, sku: str, count: int, expected_on: date | None) -> None:
    json = shop.client.json
    supplier = (await json("POST", "suppliers", {"name": f"Fornecedor {sku}"}, status=201))["id"]
    bought = {"product_id": shop.products[sku], "quantity": str(count), "unit_cost": "1"}
    body: dict[str, Any] = {"supplier_id": supplier, "items": [bought]}
    if expected_on is not None:
        body["expected_on"] = expected_on.isoformat()
    order = await json("POST", "purchase-orders", body, status=201)
    await json("POST", f"purchase-orders/{order['id']}/send", status=200)


async def test_each_line_says_from_when_it_can_be_had(shop: Shop) -> None:
    expected = today() + timedelta(days=40)
    await buy(shop, "cement", 20, expected)
    quote = await shop.quote(cement=8, sand=3, lime=2)
    assert "availability" not in quote
    answer = await shop.client.get(f"quotes/{quote['id']}?include=availability")
    shown = await answer.json()
    QuoteView.model_validate(shown)
    assert "ETag" not in answer.headers
    cement, sand, lime = shown["availability"]
    assert cement == {
        "position": 1,
        "status": "partly",
        "available_quantity": "5.000",
        "expected_on": expected.isoformat(),
        "supply": "purchase_order",
    }
    assert (sand["status"], sand["supply"]) == ("expected", "lead_time")
    assert sand["expected_on"] == (today() + timedelta(days=7)).isoformat()
    assert (lime["status"], lime["expected_on"], lime["supply"]) == ("available", None, "stock")
    assert (await shop.client.get(f"quotes/{quote['id']}?include=costs")).status == 422


async def test_what_is_overdue_is_not_promised_for_today(shop: Shop) -> None:
    await buy(shop, "sand", 10, today() - timedelta(days=3))
    quote = await shop.quote(sand=3)
    [line] = (await shop.client.json("GET", f"quotes/{quote['id']}?include=availability"))["availability"]
    assert (line["supply"], line["expected_on"]) == (
        "purchase_order",
        (today() + timedelta(days=1)).isoformat(),
    )


async def test_customers_are_told_only_when_the_store_says_so(shop: Shop) -> None:
    quote = await shop.quote(cement=8, lime=1)
    await shop.client.json("POST", f"quotes/{quote['id']}/send", status=200)
    token = (await shop.client.json("POST", f"quotes/{quote['id']}/share", {}, status=201))["token"]
    customer = shop.client.at("yard")
    quiet = await customer.json("GET", f"public/quotes/{token}", status=200)
    assert {line["availability"] for line in quiet["items"]} == {None}
    assert "pronta entrega" not in (await (await customer.get(f"/q/{token}")).text()).lower()
    await shop.client.json("PATCH", "settings", {"settings": {"show_availability": True}}, status=200)
    told = await customer.json("GET", f"public/quotes/{token}", status=200)
    assert [line["availability"] for line in told["items"]] == ["partly", "available"]
    page = await (await customer.get(f"/q/{token}")).text()
    assert "5 UN à pronta entrega, restante em " in page
    assert "Pronta entrega" in page
    for path in (f"/q/{token}/pdf", f"quotes/{quote['id']}/pdf"):
        assert (await shop.client.get(path)).status == 200


async def test_a_draft_gets_suggestions_for_the_whole_of_its_basket(
    shop: Shop, owner: Any, engines: Engines
) -> None:
    tenant = await owner.fetchval("select tenant_id from products limit 1")
    await engines.apply(tenant)
    cement, sand, lime = (shop.products[sku] for sku in ("cement", "sand", "lime"))
    await owner.execute("insert into engine_sales_totals (tenant_id, orders) values ($1, 100)", tenant)
    await owner.executemany(
        "insert into engine_sales_products (tenant_id, product_id, orders, quantity, revenue)"
        " values ($1, $2, 20, 20, 200)",
        [(tenant, product) for product in (cement, sand, lime)],
    )
    await owner.executemany(
        "insert into engine_sales_pairs (tenant_id, product_a, product_b, orders) values ($1, $2, $3, 15)",
        [(tenant, *sorted((product, lime))) for product in (cement, sand)],
    )
    quote = await shop.quote(cement=1, sand=1)
    [suggested] = (await shop.client.json("GET", f"quotes/{quote['id']}/suggestions", status=200))["items"]
    assert suggested["product_id"] == lime
    quote = await shop.quote(cement=1, sand=1, lime=1)
    assert (await shop.client.json("GET", f"quotes/{quote['id']}/suggestions", status=200))["items"] == []
