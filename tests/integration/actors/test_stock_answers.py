"""What the stock engine makes of people's answers, of changed settings, and of facts that come late."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from actors.stock.actor import StockEngine
from actors.stock.model import reorder_point, safety_factor
from runtime.data.ids import new_id
from runtime.events.catalogue import (
    Payload,
    ProductCreated,
    ProductPriceUpdated,
    ProductUpdated,
    PurchaseItem,
    PurchaseOrderReceived,
    ReplenishmentDefaultsSet,
    ReplenishmentParameters,
    ReplenishmentParametersSet,
    SuggestionAccepted,
    SuggestionDismissed,
    SuggestionSnoozed,
)
from runtime.events.event import Event
from tests.support.engines import NOON, Engines, day, sale, stock

Z = safety_factor(0.95)


def parameters(product_id: UUID | None = None, **given: object) -> ReplenishmentParametersSet:
    return ReplenishmentParametersSet(product_id=product_id, parameters=ReplenishmentParameters(**given))


def defaults(**given: object) -> ReplenishmentDefaultsSet:
    values = {"lead_time_days": 7, "service_level": Decimal("0.95"), "review_period_days": 7, **given}
    return ReplenishmentDefaultsSet(**values)


async def test_answers_are_kept_with_what_had_been_suggested(engines: Engines, new_tenant) -> None:
    tenant, cement = await new_tenant(), new_id()
    await engines.say(tenant, NOON, sale((cement, 10)), stock(cement, 50))
    await engines.apply(tenant)
    suggested = Decimal((await engines.product(tenant, cement))["suggested_quantity"])
    await engines.say(
        tenant,
        NOON,
        SuggestionAccepted(product_id=cement, quantity=30, suggested=suggested),
        SuggestionAccepted(product_id=cement),
        SuggestionDismissed(product_id=cement, reason="sem espaço"),
        SuggestionSnoozed(product_id=cement, until=day(9).date()),
    )
    await engines.apply(tenant)
    kept = await engines.rows("engine_stock_feedback", tenant)
    kept.sort(key=lambda row: row["seq"])
    shown = [(row["answer"], row["suggested"], row["quantity"], row["reason"], row["until"]) for row in kept]
    rest = suggested - 30
    assert shown == [
        ("changed", suggested, 30, None, None),
        ("accepted", rest, rest, None, None),
        ("dismissed", 0, None, "sem espaço", None),
        ("snoozed", 0, None, None, day(9).date()),
    ]


async def test_a_snoozed_suggestion_comes_back_on_its_day_and_not_before(
    engines: Engines, new_tenant
) -> None:
    tenant, cement = await new_tenant(), new_id()
    snoozed = SuggestionSnoozed(product_id=cement, until=day(20).date())
    await engines.say(tenant, NOON, sale((cement, 10)), stock(cement, 0), snoozed)
    await engines.apply(tenant)
    await engines.say(tenant, day(3), stock(cement, 500), stock(cement, 0))
    await engines.apply(tenant)
    await engines.roll(tenant, day(19))
    assert (await engines.product(tenant, cement))["suggestion_state"] == "snoozed"
    await engines.roll(tenant, day(20))
    row = await engines.product(tenant, cement)
    assert (row["suggestion_state"], row["suggested_quantity"] > 0) == (None, True)


async def test_an_accepted_quantity_is_waited_for_even_if_the_rest_is_dismissed(
    engines: Engines, new_tenant
) -> None:
    tenant, cement = await new_tenant(), new_id()
    answers = (SuggestionAccepted(product_id=cement, quantity=5), SuggestionDismissed(product_id=cement))
    await engines.say(tenant, NOON, sale((cement, 10)), stock(cement, 0), *answers)
    await engines.apply(tenant)
    await engines.roll(tenant, day(8))
    row = await engines.product(tenant, cement)
    assert (row["suggestion_state"], row["on_order"]) == (None, 5)
    await engines.roll(tenant, day(20))
    assert (await engines.product(tenant, cement))["on_order"] == 0


async def test_settings_hold_until_lead_times_are_seen_or_parameters_set(
    engines: Engines, new_tenant
) -> None:
    tenant, cement = await new_tenant(), new_id()

    async def levels_after(*payloads: Payload) -> tuple[float, float]:
        await engines.say(tenant, NOON, *payloads)
        await engines.apply(tenant)
        row = await engines.product(tenant, cement)
        return row["reorder_point"], row["maximum"] - row["reorder_point"]

    await levels_after(sale((cement, 10)))
    changed = defaults(lead_time_days=20, review_period_days=3, service_level=Decimal("0.99"))
    expected = reorder_point(10, 0, 20, safety_factor(0.99), 1)
    assert await levels_after(changed) == pytest.approx((expected, 30))
    item = PurchaseItem(product_id=cement, quantity=Decimal(1), unit_cost=Decimal(1))
    received = PurchaseOrderReceived(
        purchase_order_id=new_id(),
        supplier_id=new_id(),
        sent_at=NOON - timedelta(days=4),
        items=(item,),
        complete=True,
    )
    expected = reorder_point(10, 0, 4, safety_factor(0.99), 1)
    assert await levels_after(received) == pytest.approx((expected, 30)), "what is seen says more"
    expected = reorder_point(10, 0, 9, Z, 1)
    given = parameters(lead_time_days=9, service_level=Decimal("0.95"))
    assert await levels_after(given) == pytest.approx((expected, 30)), "and what is set says most"
    [row] = await engines.rows("engine_stock_tenants", tenant)
    assert '"review_period_days":"3.0"' in row["effective"].replace(" ", "")


async def _apply_out_of_order(engines: Engines, tenant: UUID, *payloads: Payload) -> None:
    """The first of these events is parked and comes after the others, as a replayed dead letter does."""
    events = [
        Event(tenant, 100 + place, new_id(), payload.event_type, 1, NOON, payload)
        for place, payload in enumerate(payloads)
    ]
    async with engines.engine.engine([tenant]) as tx:
        await StockEngine().apply(tx, events[1:])
    async with engines.engine.engine([tenant]) as tx:
        await StockEngine().apply(tx, events[:1])


async def test_a_stock_level_replayed_late_restores_nothing(engines: Engines, new_tenant) -> None:
    tenant, cement = await new_tenant(), new_id()
    parked = stock(cement, 80, delta=80, reason="receipt")
    accepted = SuggestionAccepted(product_id=cement, quantity=90)
    await _apply_out_of_order(engines, tenant, parked, stock(cement, 75), accepted)
    row = await engines.product(tenant, cement)
    assert (row["on_hand"], row["available"]) == (75, 75)
    assert row["on_order"] == 10, "but the goods that came in are no longer awaited"
    [level] = await engines.rows("engine_stock_levels", tenant)
    assert level["on_hand"] == 75


async def test_a_description_or_price_replayed_late_restores_only_what_is_still_news(
    engines: Engines, new_tenant
) -> None:
    tenant, cement = await new_tenant(), new_id()
    known = {"product_id": cement, "unit": "SC", "base_price": Decimal(30), "cost": Decimal(25)}
    price = ProductPriceUpdated(product_id=cement, previous=Decimal(30), price=Decimal(33))
    await _apply_out_of_order(engines, tenant, ProductCreated(**known), price)
    row = await engines.product(tenant, cement)
    assert (row["cost"], row["price"]) == (25, 33)
    newer = ProductUpdated(**{**known, "cost": Decimal(26), "base_price": Decimal(34)}, active=False)
    other = await new_tenant()
    await _apply_out_of_order(engines, other, ProductCreated(**known), newer)
    row = await engines.product(other, cement)
    assert (row["cost"], row["price"], row["active"]) == (26, 34, False)
    third = await new_tenant()
    await _apply_out_of_order(engines, third, price, newer)
    assert (await engines.product(third, cement))["price"] == 34


async def test_parameters_replayed_late_do_not_undo_newer_ones(engines: Engines, new_tenant) -> None:
    tenant, cement = await new_tenant(), new_id()
    await engines.say(tenant, NOON, sale((cement, 10)))
    await engines.apply(tenant)
    expected = pytest.approx(reorder_point(10, 0, 5, Z, 1))
    await _apply_out_of_order(engines, tenant, parameters(lead_time_days=9), parameters(lead_time_days=5))
    assert (await engines.product(tenant, cement))["reorder_point"] == expected
    old, new = defaults(service_level=Decimal("0.99")), defaults()
    await _apply_out_of_order(engines, tenant, old, new)
    assert (await engines.product(tenant, cement))["reorder_point"] == expected
    await _apply_out_of_order(engines, tenant, parameters(cement, minimum=9), parameters(cement, minimum=4))
    assert (await engines.product(tenant, cement))["reorder_point"] == 4


async def test_an_answer_replayed_late_does_not_undo_a_newer_one(engines: Engines, new_tenant) -> None:
    tenant, cement = await new_tenant(), new_id()
    await engines.say(tenant, NOON, sale((cement, 10)), stock(cement, 0))
    await engines.apply(tenant)
    snoozed = SuggestionSnoozed(product_id=cement, until=day(9).date())
    await _apply_out_of_order(engines, tenant, SuggestionDismissed(product_id=cement), snoozed)
    assert (await engines.product(tenant, cement))["suggestion_state"] == "snoozed"
