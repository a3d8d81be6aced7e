"""What the stock engine makes of purchase orders: on order, lead times, and the same again from a rebuild."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from actors.stock.actor import StockEngine
from actors.stock.model import reorder_point, safety_factor
from runtime.data.ids import new_id
from runtime.events.catalogue import (
    Payload,
    PurchaseItem,
    PurchaseOrderCancelled,
    PurchaseOrderReceived,
    PurchaseOrderSent,
    ReplenishmentParameters,
    ReplenishmentParametersSet,
    SuggestionAccepted,
)
from runtime.events.consumer import Consumer
from runtime.events.replay import rebuild
from tests.support.engines import NOON, Engines, day, sale, stock

ORDER, SUPPLIER = UUID(int=2), UUID(int=3)


def line(product_id: UUID, quantity: float, ordered: float | None = None) -> tuple[PurchaseItem, ...]:
    awaited = None if ordered is None else Decimal(str(ordered))
    item = PurchaseItem(
        product_id=product_id, quantity=Decimal(str(quantity)), unit_cost=Decimal(5), ordered=awaited
    )
    return (item,)


def sent(product_id: UUID, quantity: float) -> PurchaseOrderSent:
    return PurchaseOrderSent(purchase_order_id=ORDER, supplier_id=SUPPLIER, items=line(product_id, quantity))


def received(
    product_id: UUID, quantity: float, at: datetime, ordered: float | None = None
) -> PurchaseOrderReceived:
    return PurchaseOrderReceived(
        purchase_order_id=ORDER,
        supplier_id=SUPPLIER,
        sent_at=at,
        items=line(product_id, quantity, ordered),
        complete=True,
    )


def cancelled(product_id: UUID, quantity: float, *, was_sent: bool = True) -> PurchaseOrderCancelled:
    return PurchaseOrderCancelled(
        purchase_order_id=ORDER, supplier_id=SUPPLIER, sent=was_sent, items=line(product_id, quantity)
    )


def arrival(product_id: UUID, on_hand: float, delta: float, *, bought: bool = True) -> Payload:
    moved = stock(product_id, on_hand, delta=delta, reason="receipt")
    return moved.model_copy(update={"purchase_order_id": ORDER if bought else None})


async def test_suggestions_are_net_of_what_is_on_order(engines: Engines, new_tenant) -> None:
    tenant, cement = await new_tenant(), new_id()

    async def after(*payloads: Payload) -> tuple[float, float, float]:
        await engines.say(tenant, NOON, *payloads)
        await engines.apply(tenant)
        row = await engines.product(tenant, cement)
        return float(row["on_order"]), float(row["ordered"]), float(row["suggested_quantity"])

    _, _, suggested = await after(sale((cement, 10)), stock(cement, 10))
    assert await after(SuggestionAccepted(product_id=cement, quantity=30)) == (30, 0, suggested - 30)
    assert await after(sent(cement, 40)) == (40, 40, suggested - 40), "the order takes the suggestion's place"
    assert await after(SuggestionAccepted(product_id=cement, quantity=7)) == (47, 40, suggested - 47)
    assert await after(cancelled(cement, 7, was_sent=False)) == (40, 40, suggested - 40)
    assert await after(arrival(cement, 20, 10), received(cement, 10, NOON)) == (30, 30, suggested - 40)
    on_order, ordered, _ = await after(arrival(cement, 100, 40), received(cement, 40, NOON, ordered=30))
    assert (on_order, ordered) == (0, 0)
    await after(sent(cement, 20), SuggestionAccepted(product_id=cement, quantity=5))
    on_order, ordered, _ = await after(arrival(cement, 109, 9, bought=False))
    assert (on_order, ordered) == (20, 20), "goods without an order fulfil what was only accepted"
    on_order, ordered, _ = await after(cancelled(cement, 20))
    assert (on_order, ordered) == (0, 0)


async def test_goods_on_order_are_not_suggested_again_before_the_next_look(
    engines: Engines, new_tenant
) -> None:
    tenant, cement = await new_tenant(), new_id()

    async def suggested_after(number: int, *payloads: Payload) -> float:
        await engines.say(tenant, day(number), *payloads)
        await engines.apply(tenant)
        return float((await engines.product(tenant, cement))["suggested_quantity"])

    first = await suggested_after(0, sale((cement, 10)), stock(cement, 20))
    assert first > 100
    assert await suggested_after(0, sent(cement, first)) == 0
    assert await suggested_after(1, sale((cement, 10)), stock(cement, 10)) == 0, "it is on its way"
    assert await suggested_after(2, sale((cement, 10)), stock(cement, 0)) == 0
    due = await suggested_after(6, *[sale((cement, 10))] * 4)
    assert due > 0, "what is on order does not even last until it comes"
    assert await suggested_after(6, sent(cement, 1)) == due - 1, "and a little more changes nothing"


async def test_an_overdue_suggestion_is_forgotten_and_an_order_is_not(engines: Engines, new_tenant) -> None:
    tenant, cement = await new_tenant(), new_id()
    accepted = SuggestionAccepted(product_id=cement, quantity=5)
    await engines.say(tenant, NOON, sale((cement, 10)), stock(cement, 0), sent(cement, 20), accepted)
    await engines.apply(tenant)
    assert (await engines.product(tenant, cement))["on_order"] == 25
    await engines.roll(tenant, day(20))
    assert (await engines.product(tenant, cement))["on_order"] == 20


async def test_lead_times_are_learnt_unless_the_store_has_set_them(engines: Engines, new_tenant) -> None:
    tenant, cement = await new_tenant(), new_id()
    z = safety_factor(0.95)

    async def reorder_after(*payloads: Payload) -> float:
        await engines.say(tenant, NOON, *payloads)
        await engines.apply(tenant)
        return float((await engines.product(tenant, cement))["reorder_point"])

    def set_to(**given: object) -> Payload:
        return ReplenishmentParametersSet(parameters=ReplenishmentParameters(**given))

    assert await reorder_after(sale((cement, 10))) == pytest.approx(reorder_point(10, 0, 7, z, 1))
    waits = [received(cement, 1, NOON - timedelta(days=days)) for days in (2, 4, 6)]
    assert await reorder_after(*waits[:2]) == pytest.approx(reorder_point(10, 0, 3, z, 1))
    assert await reorder_after(waits[2]) == pytest.approx(reorder_point(10, 0, 4, z, 2))
    assert await reorder_after(set_to(lead_time_days=10)) == pytest.approx(reorder_point(10, 0, 10, z, 2))
    fixed = set_to(lead_time_deviation_days=0)
    assert await reorder_after(fixed) == pytest.approx(reorder_point(10, 0, 4, z, 0))


async def test_a_rebuild_knows_the_same_orders_and_lead_times(engines: Engines, new_tenant) -> None:
    tenant, rnd = await new_tenant(), random.Random(5)
    products = [UUID(int=rnd.getrandbits(128)) for _ in range(4)]
    for number in range(40):
        payloads: list[Payload] = []
        for product in products:
            quantity = rnd.choice((5, 12.5, 40))
            at = day(number) - timedelta(hours=rnd.randint(1, 300))
            payloads += rnd.sample(
                [
                    sale((product, 3)),
                    sent(product, quantity),
                    received(product, quantity, at, ordered=rnd.choice((None, 2))),
                    cancelled(product, 5, was_sent=rnd.random() < 0.5),
                    arrival(product, 30, 7, bought=rnd.random() < 0.5),
                    SuggestionAccepted(product_id=product, quantity=4),
                ],
                k=2,
            )
        await engines.say(tenant, day(number), *payloads)
        await engines.apply(tenant, batch_events=3)
    lived = await engines.rows("engine_stock_products", tenant)
    assert all(0 <= row["ordered"] <= row["on_order"] for row in lived)
    assert any(row["lead_times"] > 3 for row in lived)
    await rebuild(Consumer(StockEngine(), engines.engine, batch_events=500), tenant)
    assert await engines.rows("engine_stock_products", tenant) == lived
