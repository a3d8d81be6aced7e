"""Lots: what expires first leaves first, what has expired is not there for anybody, and the sums hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import anyio
import pytest

from handlers.stock import lot_expiry, rules
from handlers.stock_keeping import booking
from runtime.data.database import Database
from runtime.data.oracles import run_oracles
from tests.integration.handlers.test_selling import Shop, in_parallel
from tests.support.stores import ApiClient


def day(days: int) -> str:
    """So many days from today, at the store."""
    today = datetime.now(UTC).astimezone(ZoneInfo("America/Sao_Paulo")).date()
    return str(today + timedelta(days=days))


@pytest.fixture
async def shop(client: ApiClient) -> Shop:
    """Thirty sacks of cement in three lots and two places, and sand that is kept without lots."""
    shop = Shop(client)
    await shop.open(cement=0, sand=100)
    await shop.client.json("POST", f"products/{shop.products['cement']}/keep-lots", status=204)
    await receive(shop, "later", 60, "10")
    await receive(shop, "sooner", 20, "10")
    await receive(shop, "never", None, "10")
    return shop


async def receive(
    shop: Shop, code: str, days: int | None, quantity: str, status: int = 201, **more: Any
) -> Any:
    lot = {"lot_code": code} | ({} if days is None else {"expires_on": day(days)})
    body = {"product_id": shop.products["cement"], "kind": "receipt", "quantity": quantity, **lot, **more}
    return await shop.client.json("POST", "stock/movements", body, status=status)


async def lots(shop: Shop, **query: str) -> dict[str, str]:
    """On hand by lot, in the order of the list."""
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    listed = (await shop.client.json("GET", f"stock/lots?{asked}", status=200))["items"]
    return {lot["code"]: lot["on_hand"] for lot in listed}


async def sell(shop: Shop, quantity: int, status: int = 201) -> Any:
    body = {
        "customer_id": shop.customer,
        "fulfilment": "counter",
        "items": shop.items(cement=quantity, sand=1),
    }
    return await shop.client.json("POST", "orders", body, status=status)


async def test_what_expires_first_leaves_first(shop: Shop, database: Database) -> None:
    assert await lots(shop) == {"sooner": "10.000", "later": "10.000", "never": "10.000"}
    await sell(shop, 12)
    assert await lots(shop) == {"later": "8.000", "never": "10.000"}
    assert await shop.level("cement") == ("18.000", "0.000", "18.000")
    assert await run_oracles(database, []) == []


async def test_goods_that_come_back_are_in_the_lot_they_left(shop: Shop, database: Database) -> None:
    order = await sell(shop, 12)
    body = {"reason": "too many", "items": [{"item_id": order["items"][0]["id"], "quantity": "3"}]}
    await shop.client.json("POST", f"orders/{order['id']}/returns", body, status=201)
    assert await lots(shop) == {"sooner": "1.000", "later": "10.000", "never": "10.000"}
    assert await run_oracles(database, []) == []


async def test_a_transfer_keeps_the_lots(shop: Shop, database: Database) -> None:
    yard = (await shop.client.json("POST", "locations", {"name": "Yard"}, status=201))["id"]
    [home] = [one["id"] for one in (await shop.client.json("GET", "locations"))["items"] if one["id"] != yard]
    items = [{"product_id": shop.products["cement"], "quantity": "15"}]
    moved = {"from_location_id": home, "to_location_id": yard, "items": items}
    await shop.client.json("POST", "stock/transfers", moved, status=204)
    assert await lots(shop, location_id=yard) == {"sooner": "10.000", "later": "5.000"}
    assert await lots(shop, location_id=home) == {"later": "5.000", "never": "10.000"}
    assert await run_oracles(database, []) == []


async def test_what_has_expired_is_on_hand_and_not_available(
    shop: Shop, database: Database, scheduler_database: Database, owner: Any
) -> None:
    await receive(shop, "old", -1, "5")
    assert await shop.level("cement") == ("35.000", "0.000", "30.000")
    short = await sell(shop, 31, status=409)
    assert short["code"] == "insufficient_stock"
    # A day that is over in the meantime.
    await owner.execute(f"update stock_lots set expires_on = '{day(-1)}' where code = 'sooner'")
    assert await lot_expiry.expire_due_lots(scheduler_database, database) == 1
    assert await lot_expiry.expire_due_lots(scheduler_database, database) == 0
    assert await shop.level("cement") == ("35.000", "0.000", "20.000")
    told = await owner.fetchval("select payload::text from event_outbox order by tenant_seq desc limit 1")
    assert '"available":"20.000"' in told
    await sell(shop, 1)
    assert (await lots(shop))["sooner"] == "10.000"
    assert await run_oracles(database, []) == []
    lost = {"product_id": shop.products["cement"], "kind": "loss", "quantity": "15"}
    booked = await shop.client.json("POST", "stock/movements", lost, status=201)
    assert (booked["on_hand"], booked["available"]) == ("19.000", "19.000")
    assert await lots(shop) == {"later": "9.000", "never": "10.000"}
    assert await run_oracles(database, []) == []


async def test_a_lot_that_has_expired_since_it_was_promised_is_not_handed_over(
    shop: Shop, owner: Any, database: Database
) -> None:
    body = {"fulfilment": "pickup", "items": shop.items(cement=25)}
    order = (await shop.client.json("POST", "orders", body, status=201))["id"]
    for step in ("prepare", "ready"):
        await shop.client.json("POST", f"orders/{order}/{step}", status=200)
    await owner.execute(f"update stock_lots set expires_on = '{day(-1)}' where code = 'sooner'")
    refused = await shop.client.json("POST", f"orders/{order}/deliver", status=409)
    assert refused["products"][0]["available"] == "20.000"
    assert await run_oracles(database, []) == []


async def test_the_stock_list_warns_of_what_expires_soon(shop: Shop) -> None:
    await receive(shop, "old", -1, "5")
    [level] = (await shop.client.json("GET", f"stock?product_id={shop.products['cement']}"))["items"]
    assert (level["in_lots"], level["expired"], level["expiring"], level["next_expiry"]) == (
        True,
        "5.000",
        "10.000",
        day(20),
    )
    assert list(await lots(shop, within_days="30")) == ["old", "sooner"]
    [sand] = (await shop.client.json("GET", f"stock?product_id={shop.products['sand']}"))["items"]
    assert (sand["in_lots"], sand["expired"], sand["expiring"], sand["next_expiry"]) == (
        False,
        "0.000",
        "0.000",
        None,
    )


async def test_goods_without_lots_never_get_to_the_lots(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def asked(*_: Any, **__: Any) -> None:
        raise AssertionError("lots were looked for")

    for module in (rules, booking):
        monkeypatch.setattr(module, "move_lots", asked)
    sale = {"fulfilment": "counter", "items": shop.items(sand=2)}
    order = await shop.client.json("POST", "orders", sale, status=201)
    back = {"reason": "x", "items": [{"item_id": order["items"][0]["id"], "quantity": "1"}]}
    await shop.client.json("POST", f"orders/{order['id']}/returns", back, status=201)
    loss = {"product_id": shop.products["sand"], "kind": "loss", "quantity": "1"}
    await shop.client.json("POST", "stock/movements", loss, status=201)
    assert (await shop.level("sand"))[0] == "98.000"


async def test_the_list_goes_on_where_a_page_ends(shop: Shop) -> None:
    seen, cursor = [], ""
    while cursor is not None:
        page = await shop.client.json("GET", f"stock/lots?limit=1&cursor={cursor}".removesuffix("&cursor="))
        seen += [lot["code"] for lot in page["items"]]
        cursor = page["next_cursor"]
    assert seen == ["sooner", "later", "never"]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"lot_code": None, "expires_on": None}, "missing"),
        ({"lot_code": "sooner", "expires_on": day(21)}, "other_expiry"),
        ({"lot_code": " "}, None),
        ({"lot_code": None, "expires_on": day(5)}, None),
    ],
)
async def test_goods_do_not_come_in_without_a_lot_or_into_one_of_another_day(
    shop: Shop, more: dict[str, Any], code: str | None
) -> None:
    refused = await receive(shop, "x", 1, "5", 422, **more)
    assert code in (None, refused["errors"][0]["code"])
    assert await shop.level("cement") == ("30.000", "0.000", "30.000")


async def test_a_lot_belongs_to_a_product_that_is_kept_in_lots(shop: Shop) -> None:
    body = {"product_id": shop.products["sand"], "kind": "receipt", "quantity": "1", "lot_code": "A"}
    refused = await shop.client.json("POST", "stock/movements", body, status=422)
    assert refused["errors"][0]["code"] == "not_in_lots"


async def test_a_lot_is_never_below_zero_even_where_stock_may_be(shop: Shop, database: Database) -> None:
    await shop.client.json("PATCH", "settings", {"settings": {"allow_negative_stock": True}}, status=200)
    await sell(shop, 31, status=409)
    body = {
        "product_id": shop.products["cement"],
        "kind": "loss",
        "quantity": "11",
        "lot_code": "sooner",
    }
    await shop.client.json("POST", "stock/movements", body, status=409)
    assert await run_oracles(database, []) == []


async def test_what_lies_there_becomes_a_lot_and_lots_are_dropped_when_nothing_does(
    shop: Shop, database: Database
) -> None:
    sand = f"products/{shop.products['sand']}"
    for _ in range(2):
        await shop.client.json("POST", f"{sand}/keep-lots", status=204)
    assert await lots(shop, product_id=shop.products["sand"]) == {"S/L": "100.000"}
    assert (await shop.client.json("POST", f"{sand}/drop-lots", status=409))["code"] == "lots_on_hand"
    assert await run_oracles(database, []) == []
    lost = {"product_id": shop.products["sand"], "kind": "loss", "quantity": "100"}
    await shop.client.json("POST", "stock/movements", lost, status=201)
    await shop.client.json("POST", f"{sand}/drop-lots", status=204)
    await shop.client.json("POST", "stock/movements", {**lost, "kind": "receipt"}, status=201)
    assert await lots(shop, product_id=shop.products["sand"]) == {}


async def test_sales_and_receipts_at_once_leave_lots_that_add_up(shop: Shop, database: Database) -> None:
    async with anyio.create_task_group() as group:
        for _ in range(4):
            group.start_soon(receive, shop, "later", 60, "1")
        answers = await in_parallel(
            8,
            lambda: shop.client.post("orders", json={"fulfilment": "counter", "items": shop.items(cement=3)}),
        )
    assert sorted(status for status, _ in answers) == [201] * 8
    assert (await shop.level("cement"))[0] == "10.000"
    assert await run_oracles(database, []) == []


async def test_counting_finds_and_misses_goods_of_lots(shop: Shop, database: Database) -> None:
    product = shop.products["cement"]
    for found, left in (("25", "25.000"), ("28", "28.000")):
        count = (await shop.client.json("POST", "stock/counts", {"product_ids": [product]}, status=201))["id"]
        items = {"items": [{"product_id": product, "quantity": found}]}
        await shop.client.json("POST", f"stock/counts/{count}/record", items, status=200)
        await shop.client.json("POST", f"stock/counts/{count}/book", status=200)
        assert (await shop.level("cement"))[0] == left
    assert await lots(shop) == {"sooner": "5.000", "later": "10.000", "never": "10.000", "S/L": "3.000"}
    assert await run_oracles(database, []) == []


async def test_bought_goods_come_in_with_their_lot(shop: Shop, database: Database) -> None:
    supplier = (await shop.client.json("POST", "suppliers", {"name": "Mill"}, status=201))["id"]
    cement = {"product_id": shop.products["cement"], "quantity": "10"}
    order = {"supplier_id": supplier, "items": [{**cement, "unit_cost": "7"}]}
    bought = f"purchase-orders/{(await shop.client.json('POST', 'purchase-orders', order, status=201))['id']}"
    await shop.client.json("POST", f"{bought}/send", status=200)
    await shop.client.json("POST", f"{bought}/receive", {"items": [cement]}, status=422)
    lot = {**cement, "lot_code": "NF-1", "expires_on": day(5)}
    await shop.client.json("POST", f"{bought}/receive", {"items": [lot]}, status=200)
    assert next(iter(await lots(shop))) == "NF-1"
    assert await run_oracles(database, []) == []
