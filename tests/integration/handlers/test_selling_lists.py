"""Lists of quotes, orders, movements and levels over HTTP: every filter, days of the store, pages without a gap."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from tests.integration.handlers.test_selling import Shop
from tests.support.stores import ApiClient

NEVER = "01a20cdf-7fe4-77bb-be08-c405b19b3945"


@pytest.fixture
async def shop(client: ApiClient) -> Shop:
    shop = Shop(client)
    await shop.open(cement=100, sand=10)
    return shop


async def listed(shop: Shop, path: str, key: str = "number") -> list[Any]:
    return [entry[key] for entry in (await shop.client.json("GET", path, status=200))["items"]]


async def test_orders_are_found_by_state_way_customer_and_number(shop: Shop) -> None:
    pending = await shop.order("delivery", cement=1)
    cancelled = await shop.order("pickup", cement=1)
    await shop.client.json("POST", f"orders/{cancelled['id']}/cancel", status=200)
    counter = {"fulfilment": "counter", "items": shop.items(sand=1)}
    anonymous = await shop.client.json("POST", "orders", counter, status=201)
    for filters, found in (
        ("", [anonymous, cancelled, pending]),
        ("?status=pending", [pending]),
        ("?status=cancelled", [cancelled]),
        ("?fulfilment=counter", [anonymous]),
        ("?fulfilment=delivery&status=delivered", []),
        (f"?customer_id={shop.customer}", [cancelled, pending]),
        (f"?customer_id={NEVER}", []),
        ("?q=PED-000003", [anonymous]),
        ("?q=2", [cancelled]),
        ("?q=construtora", [cancelled, pending]),
        ("?q=CONSTRUTÓRA", [cancelled, pending]),
        ("?sort=-created_at&limit=1", [anonymous]),
    ):
        assert await listed(shop, f"orders{filters}") == [order["number"] for order in found], filters


async def test_movements_are_found_by_product_kind_and_order(shop: Shop) -> None:
    order = await shop.client.json(
        "POST", "orders", {"fulfilment": "counter", "items": shop.items(cement=2, sand=1)}, status=201
    )
    await shop.move("sand", "loss", 4)
    sand = shop.products["sand"]
    for filters, deltas in (
        (f"?product_id={sand}", ["-4.000", "-1.000", "10.000"]),
        (f"?product_id={sand}&kind=loss", ["-4.000"]),
        (f"?order_id={order['id']}&product_id={sand}", ["-1.000"]),
        (f"?location_id={order['location_id']}&kind=receipt", ["10.000", "100.000"]),
        (f"?location_id={NEVER}", []),
        ("?kind=transfer", []),
    ):
        assert await listed(shop, f"stock/movements{filters}", "delta") == deltas, filters


@pytest.mark.parametrize("path", ["quotes", "orders", "stock/movements"])
async def test_pages_follow_each_other_without_gap_or_repeat(shop: Shop, path: str) -> None:
    for _ in range(5):
        await shop.quote(cement=1)
        await shop.order("counter", cement=1)
    whole = await listed(shop, path, "id")
    pages: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await shop.client.json(
            "GET", f"{path}?limit=2&cursor={cursor}" if cursor else f"{path}?limit=2"
        )
        pages += [entry["id"] for entry in page["items"]]
        cursor = page["next_cursor"]
        if path == "quotes" and len(pages) == 2:
            await shop.quote(cement=1)  # newer than all of them: it does not push anything onto the next page
    assert pages == whole
    assert len(whole) >= 5


async def test_a_cursor_of_one_list_is_refused_by_another(shop: Shop) -> None:
    await shop.quote(cement=1)
    await shop.quote(cement=1)
    cursor = (await shop.client.json("GET", "quotes?limit=1", status=200))["next_cursor"]
    assert (await shop.client.get(f"orders?cursor={cursor}")).status == 400
    assert (await shop.client.get(f"quotes?cursor={cursor[:-4]}AAAA")).status == 400


async def test_days_of_a_list_are_the_stores_and_both_included(shop: Shop, owner: asyncpg.Connection) -> None:
    for number, at in enumerate(
        (
            datetime(2026, 3, 10, 2, 59, 59, tzinfo=UTC),  # the 9th in São Paulo
            datetime(2026, 3, 10, 3, 0, 0, tzinfo=UTC),
            datetime(2026, 3, 11, 2, 59, 59, 999_999, tzinfo=UTC),
            datetime(2026, 3, 11, 3, 0, 0, tzinfo=UTC),  # the 11th
        ),
        1,
    ):
        quote, order = await shop.quote(cement=1), await shop.order("pickup", cement=1)
        await owner.execute("update quotes set created_at = $1 where id = $2", at, quote["id"])
        await owner.execute("update orders set created_at = $1 where id = $2", at, order["id"])
        assert quote["number"] == f"COT-{number:06}"
    for path, prefix in (("quotes", "COT"), ("orders", "PED")):
        for days, numbers in (
            ("created_from=2026-03-10&created_to=2026-03-10", [3, 2]),
            ("created_from=2026-03-11", [4]),
            ("created_to=2026-03-09", [1]),
            ("created_from=2026-03-12", []),
        ):
            expected = [f"{prefix}-{number:06}" for number in numbers]
            assert await listed(shop, f"{path}?{days}") == expected, (path, days)


async def test_a_quote_past_its_last_day_is_shown_and_found_as_expired_at_once(
    shop: Shop, owner: asyncpg.Connection
) -> None:
    overdue, valid = await shop.approved(cement=1), await shop.approved(cement=1)
    await owner.execute("update quotes set valid_until = now() - interval '1 second' where id = $1", overdue)
    shown = await shop.client.json("GET", f"quotes/{overdue}", status=200)
    assert (shown["status"], shown["allowed_actions"]) == ("expired", ["duplicate"])
    assert await listed(shop, "quotes?status=expired", "id") == [overdue]
    assert await listed(shop, "quotes?status=approved", "id") == [valid]
    assert await listed(shop, "quotes", "status") == ["approved", "expired"]


async def test_a_shared_quote_past_its_last_day_can_no_longer_be_answered(
    shop: Shop, owner: asyncpg.Connection
) -> None:
    quote_id = (await shop.quote(cement=1))["id"]
    await shop.client.json("POST", f"quotes/{quote_id}/send", status=200)
    link = f"public/quotes/{(await shop.client.json('POST', f'quotes/{quote_id}/share', {}))['token']}"
    assert (await shop.client.json("GET", link, status=200))["allowed_actions"] == ["accept", "reject"]
    await owner.execute("update quotes set valid_until = now() - interval '1 second'")
    shown = await shop.client.json("GET", link, status=200)
    assert (shown["status"], shown["allowed_actions"]) == ("expired", [])
    assert (await shop.client.post(f"{link}/accept")).status == 409


@pytest.mark.parametrize(
    "query",
    [
        "status=nonsense",
        "customer_id=1",
        "limit=0",
        "limit=201",
        "created_from=2026-02-30",
        "created_from=0001-01-01",
        "created_to=9999-12-31",
        "sort=total",
        "colour=red",
        "q=%00",
    ],
)
async def test_filters_that_cannot_be_are_refused(shop: Shop, query: str) -> None:
    for path in ("quotes", "orders"):
        assert (await shop.client.get(f"{path}?{query}")).status in (400, 422), path


async def test_levels_are_listed_by_product_with_zeros_for_what_never_moved(shop: Shop) -> None:
    lime = await shop.client.json(
        "POST", "products", {"sku": "CAL", "name": "Cal", "unit": "SC", "base_price": "7.00"}, status=201
    )
    await shop.order("pickup", cement=30)
    whole = (await shop.client.json("GET", "stock", status=200))["items"]
    levels = {entry["sku"]: (entry["on_hand"], entry["reserved"], entry["available"]) for entry in whole}
    assert levels == {
        "cement": ("100.000", "30.000", "70.000"),
        "sand": ("10.000", "0.000", "10.000"),
        "CAL": ("0.000", "0.000", "0.000"),
    }
    assert len({entry["location_id"] for entry in whole}) == 1
    first = await shop.client.json("GET", "stock?limit=2", status=200)
    rest = await shop.client.json("GET", f"stock?limit=2&cursor={first['next_cursor']}", status=200)
    assert first["items"] + rest["items"] == whole
    assert await listed(shop, "stock?q=cal", "product_id") == [lime["id"]]
    assert await listed(shop, f"stock?product_id={NEVER}", "sku") == []
