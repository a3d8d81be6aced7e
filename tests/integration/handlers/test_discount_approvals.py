"""Discounts above a seller's limit wait for approval, and goods that sell for too little are marked."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import pytest

from handlers import customers, quotes
from handlers.quotes.discount_endpoints import DiscountApprovalView, MarginView
from handlers.quotes.models import QuoteView
from runtime.errors import ConflictError, PreconditionFailedError, RefusedError, StateConflictError
from tests.integration.handlers.test_selling import Shop as Counter
from tests.support.shop import Shop, item
from tests.support.stores import ApiClient


@pytest.fixture
async def counter(client: ApiClient) -> Counter:
    made = Counter(client)
    await made.open(cement=100)
    return made


async def signed_in(client: ApiClient, role: str) -> ApiClient:
    other = client.at("yard")
    await other.login(role)
    return other


async def decide(shop: Shop, quote: dict[str, Any], *, approve: bool, role: str = "owner") -> dict[str, Any]:
    quote_id = UUID(quote["id"])
    async with shop.transaction() as tx:
        await quotes.decide(
            tx, shop.settings, quote_id, version=quote["version"], approve=approve, by_role=role
        )
        return orjson.loads((await quotes.get(tx, quote_id)).body)


async def send(shop: Shop, quote: dict[str, Any]) -> None:
    async with shop.transaction() as tx:
        await quotes.send(tx, UUID(quote["id"]))


async def test_a_sellers_large_discount_is_kept_and_sent_once_finance_has_approved_it(
    counter: Counter,
) -> None:
    seller, finance = await signed_in(counter.client, "seller"), await signed_in(counter.client, "finance")
    items = [{**line, "discount_percent": "12"} for line in counter.items(cement=10)]
    quote = await seller.json("POST", "quotes", {"customer_id": counter.customer, "items": items}, status=201)
    QuoteView.model_validate(quote)
    path = f"quotes/{quote['id']}"
    assert (quote["status"], quote["discount_approval"], quote["total"]) == ("draft", "pending", "88.00")
    assert quote["allowed_actions"] == ["update", "cancel", "duplicate"]
    refused = await seller.json("POST", f"{path}/send", status=409)
    assert (refused["code"], refused["discount_approval"]) == ("discount_not_approved", "pending")
    assert (await seller.post(f"{path}/approve-discount", json={"version": 1})).status == 403

    [waiting] = (await finance.json("GET", "quotes?discount_approval=pending", status=200))["items"]
    assert waiting["allowed_actions"] == ["approve_discount", "deny_discount"]
    approved = await finance.json("POST", f"{path}/approve-discount", {"version": 1}, status=200)
    assert (approved["status"], approved["discount_approval"]) == ("draft", "approved")
    assert (await finance.json("GET", "quotes?discount_approval=pending", status=200))["items"] == []
    sent = await seller.json("POST", f"{path}/send", status=200)
    assert sent["status"] == "sent"

    [entry] = (await seller.json("GET", f"{path}/discount-approvals", status=200))["items"]
    DiscountApprovalView.model_validate(entry)
    assert (entry["status"], entry["discount_percent"], entry["limit_percent"]) == (
        "approved",
        "12.00",
        "5.00",
    )
    assert entry["products"] == [
        {"product_id": counter.products["cement"], "quantity": "10.000", "discount_percent": "12.00"}
    ]
    audit = await counter.client.json("GET", f"audit?thing_id={quote['id']}", status=200)
    assert "quote.discount_approved" in [one["action"] for one in audit["items"]]
    events = await counter.client.json("GET", f"events?thing_id={quote['id']}", status=200)
    assert [event["type"] for event in reversed(events["items"])] == [
        "quote_created",
        "quote_discount_requested",
        "quote_discount_approved",
        "quote_sent",
    ]


async def test_a_denied_discount_says_why_and_is_sent_when_it_is_given_up(counter: Counter) -> None:
    seller = await signed_in(counter.client, "seller")
    body = {"customer_id": counter.customer, "discount_percent": "30", "items": counter.items(cement=1)}
    quote = await seller.json("POST", "quotes", body, status=201)
    path = f"quotes/{quote['id']}"
    for nothing in ({"version": 1}, {"version": 1, "reason": ""}):
        assert (await counter.client.post(f"{path}/deny-discount", json=nothing)).status == 422
    denied = await counter.client.json(
        "POST", f"{path}/deny-discount", {"version": 1, "reason": "Abaixo do custo"}, status=200
    )
    assert denied["discount_approval"] == "denied"
    assert denied["allowed_actions"] == ["update", "cancel", "duplicate"]
    refused = await counter.client.json("POST", f"{path}/send", status=409)
    assert refused["discount_approval"] == "denied"
    [entry] = (await seller.json("GET", f"{path}/discount-approvals", status=200))["items"]
    assert (entry["status"], entry["reason"]) == ("denied", "Abaixo do custo")
    changed = await seller.json("PATCH", path, {"discount_percent": "5"}, status=200)
    assert (changed["discount_approval"], "send" in changed["allowed_actions"]) == (None, True)
    await seller.json("POST", f"{path}/send", status=200)


@pytest.mark.parametrize(
    ("change", "approval"),
    [
        ({"notes": "the same"}, "approved"),
        ({"discount_percent": "4"}, "pending"),
        ({"line": {"quantity": "9", "discount_percent": "10"}}, "approved"),
        ({"line": {"quantity": "10", "discount_percent": "8"}}, "approved"),
        ({"line": {"quantity": "10", "discount_percent": "10.01"}}, "pending"),
        ({"line": {"quantity": "10.001", "discount_percent": "10"}}, "pending"),
        ({"line": {"quantity": "10", "unit_price": "89.99"}}, "pending"),
        ({"line": {"quantity": "10", "discount_percent": "5"}}, None),
    ],
)
async def test_an_approval_covers_up_to_its_discount_and_quantity(
    shop: Shop, change: dict[str, Any], approval: str | None
) -> None:
    cement = await shop.product("CIM-50", "100.00")
    quote = await shop.draft(item(cement, "10", discount_percent="10"), role="seller")
    await decide(shop, quote, approve=True)
    line = change.pop("line", None)
    changes = change if line is None else {"items": [item(cement, **line)]}
    assert (await shop.change(quote["id"], "seller", **changes))["discount_approval"] == approval


async def test_an_approval_is_for_its_product_and_its_customer(shop: Shop) -> None:
    cement, sand = await shop.product("CIM-50", "100.00"), await shop.product("ARE", "100.00")
    async with shop.transaction() as tx:
        other = await customers.create(tx, customers.CustomerNew(kind="person", name="Ana"))
    quote = await shop.draft(item(cement, discount_percent="10"), role="seller")
    await decide(shop, quote, approve=True)
    swapped = await shop.change(quote["id"], "seller", items=[item(sand, discount_percent="10")])
    assert swapped["discount_approval"] == "pending"
    back = await shop.change(quote["id"], "seller", items=[item(cement, discount_percent="10")])
    assert back["discount_approval"] == "approved"
    moved = await shop.change(quote["id"], "seller", customer_id=other)
    assert moved["discount_approval"] == "pending"


async def test_what_the_owner_gives_is_approved_and_the_seller_may_carry_it_on(shop: Shop) -> None:
    cement = await shop.product("CIM-50", "100.00")
    quote = await shop.draft(item(cement, "5", discount_percent="20"))
    assert quote["discount_approval"] == "approved"
    same = await shop.change(quote["id"], "seller", items=[item(cement, "5", discount_percent="20")])
    assert same["discount_approval"] == "approved"
    assert await shop.payloads("quote_discount_requested") == []


async def test_only_what_was_looked_at_is_approved(shop: Shop) -> None:
    cement = await shop.product("CIM-50", "100.00")
    seen = await shop.draft(item(cement, discount_percent="10"), role="seller")
    await shop.change(seen["id"], "seller", items=[item(cement, discount_percent="50")])
    with pytest.raises(PreconditionFailedError):
        await decide(shop, seen, approve=True)
    statuses = await shop.owner.fetch("select status from quote_discount_approvals order by id")
    assert [row["status"] for row in statuses] == ["superseded", "pending"]


async def test_a_quote_that_waits_for_nothing_is_not_decided_on(shop: Shop) -> None:
    cement = await shop.product("CIM-50", "100.00")
    plain = await shop.draft(item(cement))
    above = await shop.draft(item(cement, discount_percent="10"), role="seller")
    async with shop.transaction() as tx:
        await quotes.cancel(tx, UUID(above["id"]))
    for quote, state in ((plain, "draft"), (above, "cancelled")):
        with pytest.raises(StateConflictError) as error:
            await decide(shop, quote, approve=True)
        assert error.value.extra["current_state"] == state
        assert "approve_discount" not in error.value.extra["allowed_actions"]


async def test_finance_approves_up_to_its_own_limit(shop: Shop) -> None:
    shop.settings = shop.settings.model_copy(update={"finance_discount_limit_percent": Decimal(15)})
    cement = await shop.product("CIM-50", "100.00")
    for percent, allowed in (("15", True), ("15.01", False)):
        quote = await shop.draft(item(cement, discount_percent=percent), role="seller")
        if allowed:
            assert (await decide(shop, quote, approve=True, role="finance"))[
                "discount_approval"
            ] == "approved"
            continue
        with pytest.raises(RefusedError) as error:
            await decide(shop, quote, approve=True, role="finance")
        assert (error.value.status, error.value.code) == (403, "discount_limit")
        await decide(shop, quote, approve=True)


async def test_a_draft_whose_discount_grew_meanwhile_is_not_sent(shop: Shop) -> None:
    cement = await shop.product("CIM-50", "100.00")
    quote = await shop.draft(item(cement), role="seller")
    await shop.change(quote["id"], "seller", discount_percent="50")
    with pytest.raises(ConflictError) as error:
        await send(shop, quote)
    assert error.value.code == "discount_not_approved"


async def test_goods_below_cost_and_floor_are_marked_for_all_and_explained_to_some(counter: Counter) -> None:
    owner, seller = counter.client, await signed_in(counter.client, "seller")
    await owner.json("PATCH", "settings", {"settings": {"price_floor_percent": "10"}}, status=200)
    new = {"unit": "UN", "base_price": "10.00"}
    costs = {"thin": "9.50", "fat": "5.00", "unknown": None}
    products = {
        name: (
            await owner.json("POST", "products", {**new, "sku": name, "name": name, "cost": cost}, status=201)
        )["id"]
        for name, cost in costs.items()
    }
    items = [{"product_id": product, "quantity": "2"} for product in products.values()]
    quote = await seller.json("POST", "quotes", {"customer_id": counter.customer, "items": items}, status=201)
    assert quote["margin_warning"] == {"items": [1], "total": False}
    assert "9.50" not in str(quote)
    assert (await seller.get(f"quotes/{quote['id']}/margin")).status == 403
    margin = await owner.json("GET", f"quotes/{quote['id']}/margin", status=200)
    MarginView.model_validate(margin)
    assert [(line["cost"], line["margin"], line["below_floor"]) for line in margin["items"]] == [
        ("19.00", "1.00", True),
        ("10.00", "10.00", False),
        (None, None, False),
    ]
    assert (margin["net_total"], margin["cost"], margin["margin"]) == ("40.00", "29.00", "11.00")
    dear = await owner.json("PATCH", f"quotes/{quote['id']}", {"discount_percent": "25"}, status=200)
    assert dear["margin_warning"] == {"items": [1], "total": True}
    fair = await owner.json(
        "PATCH", f"quotes/{quote['id']}", {"discount_percent": "0", "items": items[1:]}, status=200
    )
    assert fair["margin_warning"] is None


async def test_the_cost_of_the_stock_comes_before_the_products_own(counter: Counter) -> None:
    received = {
        "product_id": counter.products["cement"],
        "kind": "receipt",
        "quantity": "100",
        "unit_cost": "30.00",
    }
    await counter.client.json("POST", "stock/movements", received, status=201)
    quote = await counter.quote(cement=1)
    assert quote["margin_warning"] == {"items": [1], "total": True}
