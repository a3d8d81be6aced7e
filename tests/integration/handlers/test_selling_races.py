"""Of two at once the second waits, sees what the first has done, and is told so: shown with gates, not with luck.

The first transaction does its step and stays open until PostgreSQL says that the second waits for its lock.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import anyio
import asyncpg
import orjson
import pytest

from handlers import orders, quotes, sites
from handlers.personal_data import forget
from handlers.quotes import QuoteChange
from runtime.data.transactions import TenantTransaction
from runtime.errors import ConflictError, RefusedError
from tests.support.shop import Shop, item

Step = Callable[[TenantTransaction], Awaitable[Any]]


async def race(shop: Shop, first: Step, second: Step) -> tuple[Any, Any]:
    """What both got: their results, or what the second was refused with."""
    outcome: list[Any] = []

    async def follow() -> None:
        try:
            async with shop.transaction() as tx:
                outcome.append(await second(tx))
        except ConflictError as refused:
            outcome.append(refused)

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks, shop.transaction() as tx:
            done = await first(tx)
            tasks.start_soon(follow)
            await until_somebody_waits(shop.owner)
    return done, outcome[0]


async def until_somebody_waits(owner: asyncpg.Connection) -> None:
    while not await owner.fetchval(
        "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    ):
        await anyio.sleep(0.005)


@pytest.fixture
async def cement(shop: Shop) -> UUID:
    return await shop.product("CIM-50", on_hand="10")


async def approved(shop: Shop, *items: dict[str, Any]) -> UUID:
    quote_id = UUID((await shop.draft(*items))["id"])
    async with shop.transaction() as tx:
        await quotes.send(tx, quote_id)
        await quotes.approve(tx, quote_id)
    return quote_id


async def test_the_second_conversion_gets_the_order_of_the_first(shop: Shop, cement: UUID) -> None:
    quote_id = await approved(shop, item(cement, "3"))

    async def convert(tx: TenantTransaction) -> tuple[orders.Written, bool]:
        return await quotes.convert(tx, shop.settings, quote_id)

    (order, made), (same, made_again) = await race(shop, convert, convert)
    assert (made, made_again) == (True, False)
    assert order.id == same.id
    assert await shop.level(cement) == ("10.000", "3.000", "7.000")


async def test_a_quote_cancelled_meanwhile_is_not_converted(shop: Shop, cement: UUID) -> None:
    quote_id = await approved(shop, item(cement, "3"))
    _, refused = await race(
        shop,
        lambda tx: quotes.cancel(tx, quote_id),
        lambda tx: quotes.convert(tx, shop.settings, quote_id),
    )
    assert refused.extra["current_state"] == "cancelled"
    assert await shop.level(cement) == ("10.000", "0.000", "10.000")


async def test_a_quote_converted_meanwhile_is_not_cancelled(shop: Shop, cement: UUID) -> None:
    quote_id = await approved(shop, item(cement, "3"))
    _, refused = await race(
        shop,
        lambda tx: quotes.convert(tx, shop.settings, quote_id),
        lambda tx: quotes.cancel(tx, quote_id),
    )
    assert refused.extra["current_state"] == "converted"


async def test_a_draft_sent_meanwhile_is_not_changed(shop: Shop, cement: UUID) -> None:
    quote_id = UUID((await shop.draft(item(cement)))["id"])
    _, refused = await race(
        shop,
        lambda tx: quotes.send(tx, quote_id),
        lambda tx: quotes.change(tx, shop.settings, quote_id, QuoteChange(notes="late")),
    )
    assert refused.extra["current_state"] == "sent"


async def test_a_draft_changed_meanwhile_is_sent_as_it_is_now(shop: Shop, cement: UUID) -> None:
    quote_id = UUID((await shop.draft(item(cement)))["id"])
    change = QuoteChange(items=[item(cement, "4")])
    _, sent = await race(
        shop,
        lambda tx: quotes.change(tx, shop.settings, quote_id, change),
        lambda tx: quotes.send(tx, quote_id),
    )
    shown = orjson.loads(sent.body)
    assert (shown["status"], shown["total"], shown["version"]) == ("sent", "40.00", 3)


async def test_a_quote_rewritten_meanwhile_reserves_what_it_says_now(shop: Shop, cement: UUID) -> None:
    quote_id = UUID((await shop.draft(item(cement, "3")))["id"])

    async def rewrite(tx: TenantTransaction) -> None:
        await quotes.change(tx, shop.settings, quote_id, QuoteChange(items=[item(cement, "5")]))
        await quotes.send(tx, quote_id)
        await quotes.approve(tx, quote_id)

    await race(shop, rewrite, lambda tx: quotes.convert(tx, shop.settings, quote_id))
    assert await shop.level(cement) == ("10.000", "5.000", "5.000")


@pytest.mark.parametrize(("first", "second"), [("deliver", "cancel"), ("cancel", "deliver")])
async def test_an_order_is_either_delivered_or_cancelled(
    shop: Shop, cement: UUID, first: str, second: str
) -> None:
    order_id = await shop.order(item(cement, "3"), fulfilment="delivery")
    async with shop.transaction() as tx:
        await orders.prepare(tx, order_id)
        await orders.dispatch(tx, order_id)
    steps: dict[str, Step] = {
        "deliver": lambda tx: orders.deliver(tx, shop.settings, order_id),
        "cancel": lambda tx: orders.cancel(tx, order_id),
    }
    _, refused = await race(shop, steps[first], steps[second])
    state, left = {"deliver": ("delivered", "7.000"), "cancel": ("cancelled", "10.000")}[first]
    assert refused.extra == {"current_state": state, "allowed_actions": ["duplicate"]}
    assert await shop.level(cement) == (left, "0.000", left)


async def test_an_order_is_delivered_once(shop: Shop, cement: UUID) -> None:
    order_id = await shop.order(item(cement, "3"))
    async with shop.transaction() as tx:
        await orders.prepare(tx, order_id)
        await orders.ready(tx, order_id)

    async def deliver(tx: TenantTransaction) -> orders.Written:
        return await orders.deliver(tx, shop.settings, order_id)

    _, refused = await race(shop, deliver, deliver)
    assert refused.extra["current_state"] == "delivered"
    assert await shop.level(cement) == ("7.000", "0.000", "7.000")
    assert len(await shop.payloads("sale_recorded")) == 1


async def test_cancelling_while_a_part_leaves_releases_only_what_is_left(shop: Shop, cement: UUID) -> None:
    await shop.order(item(cement, "5"))
    order_id = await shop.order(item(cement, "4"), fulfilment="delivery")
    async with shop.transaction() as tx:
        await orders.prepare(tx, order_id)
        await orders.dispatch(tx, order_id)

    async def bring_three(tx: TenantTransaction) -> None:
        order = await orders.hold(tx, order_id)
        assert order is not None
        await orders.leave(tx, shop.settings, order, {order.items[0]["id"]: Decimal(3)})

    _, cancelled = await race(shop, bring_three, lambda tx: orders.cancel(tx, order_id))
    shown = orjson.loads(cancelled.body)
    assert (shown["status"], [left["quantity"] for left in shown["left_items"]]) == ("cancelled", ["3.000"])
    assert await shop.level(cement) == ("7.000", "5.000", "2.000")


@pytest.mark.parametrize("fulfilment", ["counter", "pickup"])
async def test_the_last_pieces_are_sold_once(shop: Shop, cement: UUID, fulfilment: str) -> None:
    body = orders.OrderNew(fulfilment=fulfilment, customer_id=shop.customer_id, items=[item(cement, "6")])

    async def buy(tx: TenantTransaction) -> orders.Written:
        return await orders.create(tx, shop.settings, body)

    _, refused = await race(shop, buy, buy)
    assert refused.extra["products"] == [
        {"product_id": str(cement), "requested": "6.000", "available": "4.000"}
    ]
    assert (await shop.level(cement))[2] == "4.000"


async def test_a_sale_waits_for_a_customer_who_is_being_forgotten_and_is_refused(
    shop: Shop, cement: UUID
) -> None:
    body = quotes.QuoteNew(customer_id=shop.customer_id, items=[item(cement)], notes="Maria")

    async def quote(tx: TenantTransaction) -> Any:
        try:
            return await quotes.create(tx, shop.settings, body, "owner")
        except RefusedError as refused:
            return refused

    _, refused = await race(shop, lambda tx: forget(tx, shop.customer_id), quote)
    assert isinstance(refused, RefusedError)
    assert await shop.owner.fetchval("select count(*) from quotes") == 0


async def test_a_customer_whose_quote_is_being_converted_is_not_forgotten_with_the_order_on_its_way(
    shop: Shop, cement: UUID
) -> None:
    quote_id = await approved(shop, item(cement))
    _, refused = await race(
        shop,
        lambda tx: quotes.convert(tx, shop.settings, quote_id),
        lambda tx: forget(tx, shop.customer_id),
    )
    assert refused.code == "open_orders"


async def test_a_conversion_that_waited_for_a_customer_to_be_forgotten_brings_nothing_back(
    shop: Shop, cement: UUID
) -> None:
    quote_id = await approved(shop, {**item(cement), "note": "Maria"})
    await shop.owner.execute("update quotes set notes = 'Maria'")
    await race(
        shop,
        lambda tx: forget(tx, shop.customer_id),
        lambda tx: quotes.convert(tx, shop.settings, quote_id),
    )
    [order] = await shop.owner.fetch(
        "select o::text, array_agg(i::text) from orders o, order_items i group by 1"
    )
    assert "Maria" not in str(order)


async def test_what_a_customer_says_of_a_quote_while_being_forgotten_is_forgotten(
    shop: Shop, cement: UUID
) -> None:
    quote_id = UUID((await shop.draft(item(cement)))["id"])
    async with shop.transaction() as tx:
        await quotes.send(tx, quote_id)
    await race(
        shop,
        lambda tx: quotes.reject(tx, quote_id, "Maria has moved"),
        lambda tx: forget(tx, shop.customer_id),
    )
    assert await shop.owner.fetchval("select reason from quotes") is None


async def test_a_site_that_is_being_written_for_a_customer_is_forgotten_with_it(
    shop: Shop, cement: UUID
) -> None:
    site = sites.SiteNew(name="Maria", address="Rua das Flores, 7")
    await race(
        shop,
        lambda tx: sites.create(tx, shop.customer_id, site),
        lambda tx: forget(tx, shop.customer_id),
    )
    assert tuple(await shop.owner.fetchrow("select name, address from sites")) == ("Anonimizado", None)
