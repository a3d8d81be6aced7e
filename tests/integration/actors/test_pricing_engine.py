"""The pricing engine over a real log: prices, costs and alerts, the same rows however they came about."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from actors.pricing import actor
from actors.pricing.actor import PricingEngine
from runtime.data.ids import new_id
from runtime.events.catalogue import (
    Payload,
    PricingAlertAnswered,
    PricingParameters,
    PricingParametersSet,
    ProductCreated,
    ProductPriceUpdated,
    PurchaseItem,
    PurchaseOrderReceived,
    SupplierDeactivated,
    SupplierPriceRegistered,
    SupplierReactivated,
)
from runtime.events.consumer import Consumer
from runtime.events.event import read_event
from runtime.events.replay import rebuild
from tests.support.engines import NOON, Engines, day

TABLES = ("tenants", "products", "offers", "periods", "alerts", "suppliers")


def price(supplier: UUID, product: UUID, cost: str, **terms: Any) -> SupplierPriceRegistered:
    return SupplierPriceRegistered(supplier_id=supplier, product_id=product, price=Decimal(cost), **terms)


def created(product: UUID, cost: str = "100", **given: Any) -> ProductCreated:
    return ProductCreated(product_id=product, unit="SC", base_price=Decimal(cost), **given)


def received(supplier: UUID, product: UUID, quantity: str, cost: str) -> PurchaseOrderReceived:
    item = PurchaseItem(product_id=product, quantity=Decimal(quantity), unit_cost=Decimal(cost))
    return PurchaseOrderReceived(
        purchase_order_id=new_id(), supplier_id=supplier, sent_at=NOON, items=(item,), complete=True
    )


def parameters(product: UUID | None = None, **given: Any) -> PricingParametersSet:
    return PricingParametersSet(product_id=product, parameters=PricingParameters(**given))


async def apply(engines: Engines, *tenants: UUID, batch_events: int = 2_000) -> None:
    consumer = Consumer(PricingEngine(), engines.engine, batch_events=batch_events)
    while (await consumer.step(tenants)).behind:
        pass


async def roll(engines: Engines, tenant: UUID, today: datetime) -> None:
    async with engines.engine.engine([tenant]) as tx:
        await PricingEngine().roll(tx, tenant, today.date())


async def everything(engines: Engines, tenant: UUID) -> dict[str, list[dict[str, Any]]]:
    return {table: await engines.rows(f"engine_pricing_{table}", tenant) for table in TABLES}


async def one(engines: Engines, table: str, tenant: UUID) -> dict[str, Any]:
    [row] = await engines.rows(f"engine_pricing_{table}", tenant)
    return row


async def test_an_offer_is_what_the_events_say(engines: Engines, new_tenant) -> None:
    tenant, supplier, product = await new_tenant(), new_id(), new_id()
    await engines.say(tenant, NOON, created(product), price(supplier, product, "10"))
    await apply(engines, tenant)
    await engines.say(
        tenant,
        day(10),
        price(
            supplier,
            product,
            "10.50",
            minimum_quantity=Decimal(5),
            payment_days=30,
            valid_to=date(2026, 12, 31),
        ),
    )
    await engines.say(tenant, day(20), price(supplier, product, "10.25"))
    await apply(engines, tenant)
    offer = await one(engines, "offers", tenant)
    assert (offer["price"], offer["previous"], offer["changed_on"]) == (
        Decimal("10.25"),
        Decimal("10.50"),
        day(20).date(),
    )
    assert (offer["registered"], offer["lowest"], offer["highest"]) == (3, 10, Decimal("10.50"))
    assert (offer["prices"], offer["mean"], offer["deviation"]) == (3, 10.25, 0.25)
    assert (offer["stability"], offer["minimum_quantity"], offer["landed"]) == ("stable", 0, 10.25)
    assert (offer["points"], round(offer["slope"], 4)) == (3, 0.375)
    found = await one(engines, "products", tenant)
    assert (found["base_cost"], found["base_source"]) == (Decimal("10.25"), "best")


async def test_a_price_of_tomorrow_counts_when_the_day_begins(engines: Engines, new_tenant) -> None:
    tenant, supplier, product = await new_tenant(), new_id(), new_id()
    await engines.say(
        tenant,
        NOON,
        created(product),
        price(supplier, product, "10"),
        price(supplier, product, "12", valid_from=day(3).date()),
    )
    await apply(engines, tenant)
    await roll(engines, tenant, day(2))
    assert (await one(engines, "offers", tenant))["price"] == 10
    assert await engines.rows("engine_pricing_alerts", tenant) == []
    await roll(engines, tenant, day(5))
    assert (await one(engines, "offers", tenant))["price"] == 12
    alert = await one(engines, "alerts", tenant)
    midnight = datetime(2026, 3, 5, 3, tzinfo=UTC)
    assert (alert["kind"], alert["risk"], alert["opened_at"]) == ("price_rise", "high", midnight)
    await roll(engines, tenant, day(60))
    alert = await one(engines, "alerts", tenant)
    assert (alert["status"], alert["closed_at"]) == ("closed", midnight + timedelta(days=30))


async def test_alerts_follow_parameters_of_the_store_and_of_the_product(engines: Engines, new_tenant) -> None:
    tenant, supplier, mine, other = await new_tenant(), new_id(), new_id(), new_id()
    for product in (mine, other):
        await engines.say(tenant, NOON, created(product, "100"), price(supplier, product, "80"))
    await apply(engines, tenant)
    assert await engines.rows("engine_pricing_alerts", tenant) == []
    await engines.say(tenant, day(1), parameters(margin_floor_percent=Decimal(25)))
    await apply(engines, tenant)
    rows = await engines.rows("engine_pricing_alerts", tenant)
    assert [(row["product_id"], row["status"]) for row in rows] == [(mine, "open"), (other, "open")]
    await engines.say(tenant, day(2), parameters(mine, margin_floor_percent=Decimal(20)))
    await apply(engines, tenant)
    rows = await engines.rows("engine_pricing_alerts", tenant)
    assert [(row["product_id"], row["status"]) for row in rows] == [(mine, "closed"), (other, "open")]
    await engines.say(tenant, day(3), ProductPriceUpdated(product_id=other, previous=100, price=200))
    await apply(engines, tenant)
    rows = await engines.rows("engine_pricing_alerts", tenant)
    assert {row["status"] for row in rows} == {"closed"}


async def test_two_stores_in_a_batch_do_not_mix(engines: Engines, new_tenant) -> None:
    here, there = await new_tenant(), await new_tenant()
    supplier, product = new_id(), new_id()
    await engines.say(here, NOON, created(product, "100"), price(supplier, product, "10"))
    await engines.say(there, NOON, created(product, "100"), price(supplier, product, "99"))
    await engines.say(there, NOON, parameters(cost_method="last"))
    await engines.say(here, day(1), received(supplier, product, "5", "11"))
    await engines.say(there, day(1), received(supplier, product, "5", "98"))
    await apply(engines, here, there)
    mine, theirs = await one(engines, "products", here), await one(engines, "products", there)
    assert (mine["base_cost"], mine["base_source"], mine["paid"]) == (10, "best", 11)
    assert (theirs["base_cost"], theirs["base_source"], theirs["paid"]) == (98, "last", 98)
    assert await engines.rows("engine_pricing_alerts", here) == []
    assert (await one(engines, "alerts", there))["kind"] == "margin"
    apart = await everything(engines, here)
    await rebuild(Consumer(PricingEngine(), engines.engine), here)
    assert await everything(engines, here) == apart


async def costs(engines: Engines, tenant: UUID) -> dict[UUID, Decimal | None]:
    rows = await engines.rows("engine_pricing_products", tenant)
    return {row["product_id"]: row["base_cost"] for row in rows}


async def test_a_supplier_out_of_use_does_not_count_and_one_brought_back_does(
    engines: Engines, new_tenant
) -> None:
    tenant, cheap, dear, product, other = await new_tenant(), new_id(), new_id(), new_id(), new_id()
    await engines.say(tenant, NOON, created(product), price(cheap, product, "10"), price(dear, product, "20"))
    await engines.say(tenant, day(1), price(cheap, product, "16"))
    await apply(engines, tenant)
    [alert] = await engines.rows("engine_pricing_alerts", tenant)
    assert (alert["status"], alert["supplier_id"]) == ("open", cheap)
    await engines.say(tenant, day(2), SupplierDeactivated(supplier_id=cheap), price(cheap, other, "5"))
    await apply(engines, tenant)
    assert await costs(engines, tenant) == {product: 20, other: None}
    [alert] = await engines.rows("engine_pricing_alerts", tenant)
    assert alert["status"] == "closed"
    await engines.say(tenant, day(3), parameters(cost_method="average"))
    await apply(engines, tenant)
    assert await costs(engines, tenant) == {product: 20, other: None}
    await engines.say(tenant, day(4), SupplierReactivated(supplier_id=cheap))
    await apply(engines, tenant)
    assert await costs(engines, tenant) == {product: 18, other: 5}
    assert (await one(engines, "suppliers", tenant))["active"]


async def test_what_is_applied_late_undoes_nothing_that_was_said_since(engines: Engines, new_tenant) -> None:
    tenant, supplier, product = await new_tenant(), new_id(), new_id()
    await engines.say(
        tenant, NOON, created(product), price(supplier, product, "10"), price(supplier, product, "5")
    )
    dismissed = PricingAlertAnswered(
        product_id=product, about="variation", supplier_id=supplier, answer="dismissed", reason="wrong"
    )
    await engines.say(tenant, day(1), SupplierDeactivated(supplier_id=supplier), dismissed)
    await engines.say(tenant, day(2), SupplierReactivated(supplier_id=supplier))
    await engines.say(tenant, day(3), price(supplier, product, "20"))
    rows = await engines.owner.fetch(
        "select tenant_id, tenant_seq, event_id, event_type, version, occurred_at, payload::text as payload"
        " from event_outbox where tenant_id = $1 order by tenant_seq",
        tenant,
    )
    events = [read_event(row) for row in rows]
    for applied in (events[:3], events[5:], events[3:5]):
        async with engines.engine.engine([tenant]) as tx:
            await PricingEngine().apply(tx, applied)
    assert await costs(engines, tenant) == {product: 20}
    alert = await one(engines, "alerts", tenant)
    assert (alert["kind"], alert["status"], alert["answer"]) == ("price_rise", "open", None)


async def test_an_answer_holds_until_the_alert_is_another_one(engines: Engines, new_tenant) -> None:
    tenant, supplier, product = await new_tenant(), new_id(), new_id()

    async def alert_after(number: int, *said: Payload) -> tuple[str, str, str | None]:
        await engines.say(tenant, day(number), *said)
        await apply(engines, tenant)
        row = await one(engines, "alerts", tenant)
        return row["status"], row["risk"], row["answer"]

    def answered(answer: Any) -> PricingAlertAnswered:
        return PricingAlertAnswered(
            product_id=product, about="variation", supplier_id=supplier, answer=answer, reason="wrong"
        )

    def asks(cost: str) -> SupplierPriceRegistered:
        return price(supplier, product, cost)

    await engines.say(tenant, NOON, created(product), asks("10.00"), answered("accepted"))
    assert await alert_after(1, asks("11.00")) == ("open", "medium", None), "there was nothing to answer yet"
    assert await alert_after(2, answered("dismissed")) == ("open", "medium", "dismissed")
    assert await alert_after(3, asks("11.50")) == ("open", "medium", "dismissed")
    assert await alert_after(4, asks("12.50")) == ("open", "high", None)
    assert await alert_after(5, answered("accepted")) == ("open", "high", "accepted")
    assert await alert_after(6, asks("13.00")) == ("open", "high", "accepted")
    assert await alert_after(7, asks("10.00")) == ("closed", "high", "accepted")
    assert await alert_after(8, asks("12.50")) == ("open", "high", None)


async def test_prices_that_no_window_reaches_are_forgotten(engines: Engines, new_tenant) -> None:
    tenant, supplier, product = await new_tenant(), new_id(), new_id()
    await engines.say(
        tenant,
        NOON,
        price(supplier, product, "9", valid_from=date(2020, 1, 1), valid_to=date(2020, 2, 1)),
        price(supplier, product, "10", valid_from=date(2021, 1, 1)),
        price(supplier, product, "11", valid_from=date(2022, 1, 1)),
        price(supplier, product, "12"),
    )
    await apply(engines, tenant)
    await roll(engines, tenant, day(1))
    kept = [row["price"] for row in await engines.rows("engine_pricing_periods", tenant)]
    assert sorted(kept) == [11, 12], "the one that counted two years ago stays"
    assert (await one(engines, "offers", tenant))["lowest"] == 9


@pytest.mark.parametrize("batch_events", [1, 7, 2_000])
async def test_a_rebuild_gives_the_same_rows_however_the_log_was_cut(
    engines: Engines, new_tenant, batch_events: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actor, "_DUE_AT_A_TIME", batch_events)
    dice = random.Random(7)
    tenant, other = await new_tenant(), await new_tenant()
    products, suppliers = [new_id() for _ in range(5)], [new_id() for _ in range(3)]
    await engines.say(tenant, NOON, *(created(product, "30") for product in products[:4]))
    for number in range(0, 260, 4):
        said = [_something(dice, products, suppliers, number) for _ in range(3)]
        await engines.say(tenant, day(number), *said)
        await engines.say(other, day(number), said[0])
        if number % 3 == 0:
            await apply(engines, tenant, other, batch_events=batch_events)
            await roll(engines, tenant, day(number + dice.randrange(4)))
    await apply(engines, tenant, other, batch_events=batch_events)
    await roll(engines, tenant, day(300))
    lived = await everything(engines, tenant)
    assert all(lived.values())
    assert {row["status"] for row in lived["alerts"]} == {"open", "closed"}
    await rebuild(Consumer(PricingEngine(), engines.engine), tenant)
    await roll(engines, tenant, day(300))
    assert await everything(engines, tenant) == lived


def _something(dice: random.Random, products: list[UUID], suppliers: list[UUID], number: int) -> Payload:
    product, supplier = dice.choice(products), dice.choice(suppliers)
    cost = str(dice.randrange(1500, 3500) / 100)
    match dice.randrange(14):
        case 10:
            return SupplierDeactivated(supplier_id=suppliers[0])
        case 11:
            return SupplierReactivated(supplier_id=supplier)
        case 12 | 13:
            answer = dice.choice(["accepted", "dismissed"])
            return PricingAlertAnswered(
                product_id=product, about="variation", supplier_id=supplier, answer=answer
            )
        case 0:
            return received(supplier, product, str(dice.randrange(1, 50)), cost)
        case 1:
            return ProductPriceUpdated(product_id=product, previous=Decimal(30), price=Decimal(cost))
        case 2:
            method = dice.choice(["best", "average", "last", None])
            target = dice.choice([product, None])
            return parameters(target, cost_method=method, window_days=dice.choice([None, 30, 90]))
        case _:
            begins = day(number + dice.randrange(-20, 20)).date()
            ends = dice.choice([None, begins + timedelta(days=dice.randrange(1, 30))])
            terms = {"payment_days": dice.choice([None, 28]), "minimum_quantity": Decimal(dice.randrange(40))}
            return price(supplier, product, cost, valid_from=begins, valid_to=ends, **terms)
