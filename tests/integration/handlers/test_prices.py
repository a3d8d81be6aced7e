from __future__ import annotations

from typing import Any

import anyio
import pytest

from runtime.data.ids import new_id
from tests.integration.handlers.test_selling_races import until_somebody_waits
from tests.support.stores import ApiClient, create_store


class Prices:
    """An owner with one product (10.00, category Cimentos), a customer, and a site of the customer."""

    def __init__(self, client: ApiClient) -> None:
        self.client = client

    async def open(self) -> None:
        await self.client.login("owner")
        json = self.client.json
        product = {
            "sku": "CIM",
            "name": "Cimento",
            "unit": "SC",
            "base_price": "10.00",
            "category": "Cimentos",
        }
        self.product = (await json("POST", "products", product, status=201))["id"]
        self.customer = (
            await json("POST", "customers", {"kind": "company", "name": "Obra Boa"}, status=201)
        )["id"]
        self.site = (await json("POST", f"customers/{self.customer}/sites", {"name": "Torre"}, status=201))[
            "id"
        ]

    async def agree(self, **terms: Any) -> dict[str, Any]:
        subject = {} if "category" in terms else {"product_id": self.product}
        return await self.client.json("POST", "agreed-prices", {**subject, **terms}, status=201)

    async def listed(self, **days: str) -> str:
        made = await self.client.json(
            "POST", "price-lists", {"name": f"Construtora {len(days)}", **days}, status=201
        )
        return made["id"]

    async def quoted(self, quantity: int = 1, *, at_site: bool = True, **item: str) -> tuple[str, str]:
        body = {
            "customer_id": self.customer,
            "items": [{"product_id": self.product, "quantity": str(quantity), **item}],
            **({"site_id": self.site} if at_site else {}),
        }
        [line] = (await self.client.json("POST", "quotes", body, status=201))["items"]
        return line["unit_price"], line["price_source"]


@pytest.fixture
async def prices(client: ApiClient) -> Prices:
    made = Prices(client)
    await made.open()
    return made


async def test_the_most_particular_price_wins(prices: Prices) -> None:
    assert await prices.quoted() == ("10.00", "base")
    list_id = await prices.listed()
    await prices.agree(price_list_id=list_id, percent_off="10")
    assert await prices.quoted() == ("10.00", "base")
    put = await prices.client.put(f"customers/{prices.customer}/price-list", json={"price_list_id": list_id})
    assert put.status == 204
    assert await prices.quoted() == ("9.00", "list")
    await prices.agree(customer_id=prices.customer, price="8.50")
    assert await prices.quoted() == ("8.50", "customer")
    at_site = await prices.agree(site_id=prices.site, price="8.00")
    assert await prices.quoted() == ("8.00", "site")
    assert await prices.quoted(at_site=False) == ("8.50", "customer")
    assert await prices.quoted(unit_price="7.77") == ("7.77", "manual")
    await prices.client.json("POST", f"agreed-prices/{at_site['id']}/end", status=200)
    assert await prices.quoted() == ("8.50", "customer")


async def test_larger_quantities_and_products_before_categories(prices: Prices) -> None:
    await prices.agree(customer_id=prices.customer, category="Cimentos", percent_off="50")
    assert await prices.quoted() == ("5.00", "customer")
    await prices.agree(customer_id=prices.customer, price="9.00")
    await prices.agree(customer_id=prices.customer, price="8.00", minimum_quantity="100")
    assert await prices.quoted(1) == ("9.00", "customer")
    assert await prices.quoted(99) == ("9.00", "customer")
    assert await prices.quoted(100) == ("8.00", "customer")


async def test_prices_and_lists_hold_on_their_days_only(prices: Prices) -> None:
    await prices.agree(customer_id=prices.customer, price="1.00", valid_to="2020-12-31")
    await prices.agree(customer_id=prices.customer, price="2.00", valid_from="2999-01-01")
    assert await prices.quoted() == ("10.00", "base")
    over = await prices.listed(valid_to="2020-12-31")
    await prices.agree(price_list_id=over, price="3.00")
    await prices.client.put(f"sites/{prices.site}/price-list", json={"price_list_id": over})
    assert await prices.quoted() == ("10.00", "base")
    await prices.client.json("PATCH", f"price-lists/{over}", {"valid_to": None}, status=200)
    assert await prices.quoted() == ("3.00", "list")
    await prices.client.json("PATCH", f"price-lists/{over}", {"active": False}, status=200)
    assert await prices.quoted() == ("10.00", "base")


async def test_a_price_is_explained_before_anything_is_written(prices: Prices) -> None:
    await prices.agree(customer_id=prices.customer, percent_off="12.5")
    query = f"product_id={prices.product}&customer_id={prices.customer}&quantity=3"
    shown = await prices.client.json("GET", f"prices/resolve?{query}", status=200)
    assert (shown["unit_price"], shown["price_source"], shown["base_price"]) == ("8.75", "customer", "10.00")


async def test_an_agreed_price_is_no_discount_of_the_seller(prices: Prices) -> None:
    await prices.agree(customer_id=prices.customer, price="5.00")
    seller = prices.client.at("yard")
    await seller.login("seller")
    item = {"product_id": prices.product, "quantity": "1"}
    await seller.json("POST", "quotes", {"customer_id": prices.customer, "items": [item]}, status=201)
    cheaper = {"customer_id": prices.customer, "items": [{**item, "unit_price": "4.00"}]}
    assert (await seller.json("POST", "quotes", cheaper, status=201))["discount_approval"] == "pending"
    assert (await seller.post("agreed-prices", json={})).status == 403


@pytest.mark.parametrize(
    "terms",
    [
        {"price": "1.00"},
        {"customer": True, "site": True, "price": "1.00"},
        {"customer": True},
        {"customer": True, "price": "1.00", "percent_off": "1"},
        {"customer": True, "price": "-1"},
        {"customer": True, "percent_off": "101"},
        {"customer": True, "price": "1.00", "valid_from": "2026-02-01", "valid_to": "2026-01-01"},
        {"customer": True, "price": "1.00", "category": "Cimentos"},
    ],
)
async def test_terms_that_make_no_sense_are_refused(prices: Prices, terms: dict[str, Any]) -> None:
    body = {"product_id": prices.product, **{k: v for k, v in terms.items() if k not in ("customer", "site")}}
    if "customer" in terms:
        body["customer_id"] = prices.customer
    if "site" in terms:
        body["site_id"] = prices.site
    assert (await prices.client.post("agreed-prices", json=body)).status == 422


async def test_another_stores_lists_and_customers_are_not_there(prices: Prices, database: Any) -> None:
    list_id = await prices.listed()
    agreed = await prices.agree(price_list_id=list_id, price="1.00")
    await create_store(database, "rival")
    stranger = prices.client.at("rival")
    await stranger.login("owner")
    assert (await stranger.get(f"price-lists/{list_id}")).status == 404
    assert (await stranger.post(f"agreed-prices/{agreed['id']}/end")).status == 404
    assert (
        await stranger.put(f"customers/{prices.customer}/price-list", json={"price_list_id": None})
    ).status == 404
    own = await stranger.json("POST", "customers", {"kind": "person", "name": "Ana"}, status=201)
    foreign = await stranger.put(f"customers/{own['id']}/price-list", json={"price_list_id": list_id})
    assert foreign.status == 422
    assert (
        await stranger.post(
            "agreed-prices", json={"customer_id": own["id"], "product_id": prices.product, "price": "1"}
        )
    ).status == 422


@pytest.mark.parametrize("kind", ["customer", "site"])
async def test_of_two_who_put_somebody_on_a_list_at_once_the_later_wins(
    prices: Prices, owner: Any, kind: str
) -> None:
    first, second = await prices.listed(), await prices.listed(valid_from="2020-01-01")
    member = getattr(prices, kind)
    path = f"{kind}s/{member}/price-list"
    async with anyio.create_task_group() as tasks, owner.transaction():
        await owner.execute(
            f"insert into price_list_members (tenant_id, id, price_list_id, {kind}_id, created_at)"
            " select tenant_id, $1, id, $2, now() from price_lists where id = $3",
            new_id(),
            member,
            first,
        )
        tasks.start_soon(prices.client.json, "PUT", path, {"price_list_id": second})
        await until_somebody_waits(owner)
    members = await owner.fetch(f"select price_list_id from price_list_members where {kind}_id = $1", member)
    assert [str(row["price_list_id"]) for row in members] == [second]
