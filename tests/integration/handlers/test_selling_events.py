"""What the log says of every step of selling, and that a refused step, a repeated one or a stranger's says nothing."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import asyncpg
import orjson
import pytest

from runtime.data.database import Database
from runtime.data.oracles import run_oracles
from tests.integration.handlers.test_selling import Shop
from tests.support.stores import ApiClient, create_store

NEVER = "01a20cdf-7fe4-77bb-be08-c405b19b3945"


class Log:
    """The events of the store since the last look, as (type, payload)."""

    def __init__(self, owner: asyncpg.Connection) -> None:
        self._owner = owner
        self._seen = 0

    async def news(self) -> list[tuple[str, dict[str, Any]]]:
        rows = await self._owner.fetch(
            "select tenant_seq, event_type, payload::text from event_outbox where tenant_seq > $1 "
            "order by tenant_seq",
            self._seen,
        )
        self._seen += len(rows)
        return [(row["event_type"], orjson.loads(row["payload"])) for row in rows]


@pytest.fixture
async def shop(client: ApiClient) -> Shop:
    shop = Shop(client)
    await shop.open(cement=100, sand=10)
    return shop


@pytest.fixture
async def log(shop: Shop, owner: asyncpg.Connection) -> Log:
    log = Log(owner)
    await log.news()
    return log


async def test_a_quote_tells_each_of_its_steps(shop: Shop, log: Log) -> None:
    quote = await shop.quote(cement=2, sand=1)
    quote_id, cement, sand = quote["id"], shop.products["cement"], shop.products["sand"]
    [(kind, payload)] = await log.news()
    assert kind == "quote_created"
    assert payload == {
        "quote_id": quote_id,
        "number": "COT-000001",
        "customer_id": shop.customer,
        "total": "30.00",
        "items": [{"product_id": cement, "quantity": "2"}, {"product_id": sand, "quantity": "1"}],
    }
    await shop.client.json("PATCH", f"quotes/{quote_id}", {"notes": "urgent"}, status=200)
    assert await log.news() == [], "the engines learn from what is sent and sold, not from drafts"
    for step, said in (("send", "quote_sent"), ("approve", "quote_approved")):
        await shop.client.json("POST", f"quotes/{quote_id}/{step}", status=200)
        assert await log.news() == [(said, {"quote_id": quote_id})]
    order = await shop.client.json("POST", f"quotes/{quote_id}/convert", {"fulfilment": "pickup"}, status=201)
    assert await log.news() == [
        ("quote_converted", {"quote_id": quote_id, "order_id": order["id"]}),
        (
            "order_created",
            {
                "order_id": order["id"],
                "number": "PED-000001",
                "quote_id": quote_id,
                "customer_id": shop.customer,
                "fulfilment": "pickup",
                "total": "30.00",
                "items": [
                    {"product_id": cement, "quantity": "2.000", "unit_price": "10.00"},
                    {"product_id": sand, "quantity": "1.000", "unit_price": "10.00"},
                ],
            },
        ),
    ]


async def test_a_quote_that_ends_otherwise_tells_how_and_not_why(shop: Shop, log: Log) -> None:
    for steps, said in ((("send", "reject"), "quote_rejected"), (("cancel",), "quote_cancelled")):
        quote_id = (await shop.quote(cement=1))["id"]
        for step in steps[:-1]:
            await shop.client.json("POST", f"quotes/{quote_id}/{step}", status=200)
        await log.news()
        reason = {"reason": "Dona Maria moved to Rua das Flores 7"}
        ended = await shop.client.json("POST", f"quotes/{quote_id}/{steps[-1]}", reason, status=200)
        assert ended["reason"] == reason["reason"]
        assert await log.news() == [(said, {"quote_id": quote_id})]


async def test_an_order_tells_its_way_and_its_sale(shop: Shop, log: Log) -> None:
    order = await shop.order("delivery", cement=3)
    await log.news()
    order_id, cement = order["id"], shop.products["cement"]
    for step, previous, status, said_besides in (
        ("prepare", "pending", "preparing", []),
        ("dispatch", "preparing", "out_for_delivery", ["delivery_status_changed"]),
    ):
        await shop.client.json("POST", f"orders/{order_id}/{step}", status=200)
        [(kind, changed), *besides] = await log.news()
        assert kind == "order_status_changed"
        assert changed == {"order_id": order_id, "previous": previous, "status": status}
        assert [kind for kind, _ in besides] == said_besides
    await shop.client.json("POST", f"orders/{order_id}/deliver", status=200)
    [(kind, _), moved, changed, sale] = await log.news()
    assert kind == "delivery_status_changed"
    assert moved == (
        "stock_updated",
        {
            "product_id": cement,
            "location_id": order["location_id"],
            "delta": "-3.000",
            "on_hand": "97.000",
            "available": "97.000",
            "reason": "sale",
            "purchase_order_id": None,
        },
    )
    assert changed[1] == {"order_id": order_id, "previous": "out_for_delivery", "status": "delivered"}
    line = {"product_id": cement, "quantity": "3.000", "unit_price": "10.00", "line_total": "30.00"}
    assert sale == (
        "sale_recorded",
        {
            "order_id": order_id,
            "customer_id": shop.customer,
            "items": [line],
            "total": "30.00",
            "earlier_product_ids": [],
        },
    )


async def test_a_cancelled_order_tells_whether_a_reason_was_given(shop: Shop, log: Log) -> None:
    for body, given in ((None, False), ({"reason": "   "}, False), ({"reason": "late"}, True)):
        order_id = (await shop.order("pickup", cement=1))["id"]
        await log.news()
        await shop.client.json("POST", f"orders/{order_id}/cancel", body, status=200)
        cancelled = {"order_id": order_id, "previous": "pending", "reason_given": given}
        assert await log.news() == [("order_cancelled", cancelled)]


async def test_a_refused_step_says_nothing(shop: Shop, log: Log, database: Database) -> None:
    draft, order = (await shop.quote(cement=1))["id"], (await shop.order("pickup", cement=1))["id"]
    short = await shop.approved(sand=11)
    await log.news()
    for path, body, status in (
        (f"quotes/{draft}/approve", None, 409),
        (f"quotes/{draft}/convert", None, 409),
        (f"quotes/{short}/convert", None, 409),
        (f"orders/{order}/deliver", None, 409),
        ("orders", {"fulfilment": "counter", "items": shop.items(cement=1, sand=11)}, 409),
        ("orders", {"fulfilment": "delivery", "items": shop.items(cement=1)}, 422),
        ("quotes", {"customer_id": NEVER, "items": shop.items(cement=1)}, 404),
        ("stock/movements", {"product_id": shop.products["sand"], "kind": "loss", "quantity": "11"}, 409),
    ):
        assert (await shop.client.post(path, json=body or {})).status == status, path
    assert await log.news() == []
    assert await shop.level("sand") == ("10.000", "0.000", "10.000")
    assert await run_oracles(database, []) == []


async def test_the_refusal_of_a_short_stock_says_of_what_and_how_much(shop: Shop) -> None:
    await shop.order("pickup", sand=4)
    body = {"fulfilment": "counter", "items": shop.items(cement=101, sand=7)}
    refused = await shop.client.json("POST", "orders", body, status=409)
    expected = {
        (shop.products["cement"], "101.000", "100.000"),
        (shop.products["sand"], "7.000", "6.000"),
    }
    assert {(p["product_id"], p["requested"], p["available"]) for p in refused["products"]} == expected
    quote_id = await shop.approved(sand=7)
    refused = await shop.client.json("POST", f"quotes/{quote_id}/convert", status=409)
    assert [p["available"] for p in refused["products"]] == ["6.000"]
    assert (await shop.client.json("GET", f"quotes/{quote_id}", status=200))["status"] == "approved"


async def test_a_repeated_request_says_nothing_new(shop: Shop, log: Log) -> None:
    body = {"fulfilment": "counter", "items": shop.items(sand=1)}
    key = {"Idempotency-Key": str(uuid4())}
    first = await shop.client.post("orders", json=body, headers=key)
    assert [kind for kind, _ in await log.news()] == ["order_created", "stock_updated", "sale_recorded"]
    again = await shop.client.post("orders", json=body, headers=key)
    assert (again.status, await again.json()) == (201, await first.json())
    quote_id = await shop.approved(cement=1)
    await shop.client.json("POST", f"quotes/{quote_id}/convert", status=201)
    await log.news()
    await shop.client.json("POST", f"quotes/{quote_id}/convert", status=200)
    assert await log.news() == []


async def test_a_stranger_finds_nothing_and_changes_nothing(
    shop: Shop, log: Log, database: Database, owner: asyncpg.Connection
) -> None:
    draft, sent = (await shop.quote(cement=1))["id"], (await shop.quote(cement=1))["id"]
    await shop.client.json("POST", f"quotes/{sent}/send", status=200)
    approved, order = await shop.approved(cement=1), (await shop.order("pickup", cement=1))["id"]
    await log.news()
    before = await _everything(owner)
    await create_store(database, "rival")
    stranger = shop.client.at("rival")
    await stranger.login("owner")
    made = await stranger.json("POST", "customers", {"kind": "person", "name": "Ana"}, status=201)
    own = await stranger.json(
        "POST", "products", {"sku": "X", "name": "X", "unit": "UN", "base_price": "1"}, status=201
    )
    for quote_id in (draft, sent, approved):
        for action in ("send", "approve", "reject", "cancel", "convert", "duplicate"):
            assert (await stranger.post(f"quotes/{quote_id}/{action}")).status == 404
        for path in (f"quotes/{quote_id}", f"quotes/{quote_id}/versions"):
            assert (await stranger.get(path)).status == 404
        assert (await stranger.patch(f"quotes/{quote_id}", json={"notes": "mine"})).status == 404
    for action in ("prepare", "ready", "dispatch", "deliver", "cancel", "duplicate"):
        assert (await stranger.post(f"orders/{order}/{action}")).status == 404
    assert (await stranger.get(f"orders/{order}")).status == 404
    location = (await shop.client.json("GET", "locations", status=200))["items"][0]["id"]
    for body in (
        {"product_id": shop.products["sand"], "kind": "receipt", "quantity": "1"},
        {"product_id": own["id"], "kind": "receipt", "quantity": "1", "location_id": location},
    ):
        assert (await stranger.post("stock/movements", json=body)).status == 404
    for body in (
        {"customer_id": made["id"], "fulfilment": "pickup", "items": shop.items(cement=1)},
        {"customer_id": shop.customer, "fulfilment": "pickup", "items": [_one(own["id"])]},
    ):
        assert (await stranger.post("orders", json=body)).status == 404
    for path in ("quotes", "orders", "stock/movements"):
        for filters in ("", f"?customer_id={shop.customer}" if path != "stock/movements" else "?limit=9"):
            assert (await stranger.json("GET", path + filters, status=200))["items"] == [], path
    assert await _everything(owner) == before
    assert await run_oracles(database, []) == []


def _one(product_id: str) -> dict[str, str]:
    return {"product_id": product_id, "quantity": "1"}


async def _everything(owner: asyncpg.Connection) -> list[Any]:
    """Every row of the yard's business."""
    tables = (
        "quotes",
        "quoted_products",
        "quote_versions",
        "orders",
        "order_items",
        "stock_levels",
        "stock_movements",
    )
    found: list[Any] = []
    for table in (*tables, "tenant_event_head"):
        found += await owner.fetch(
            f"select row_to_json(t)::text from {table} as t "
            "where tenant_id = (select id from tenants where slug = 'yard') order by 1"
        )
    return found
