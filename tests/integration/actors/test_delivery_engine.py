"""The delivery engine over a real log, and what the API makes of its figures."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from actors.delivery.actor import DeliveryEngine
from handlers.insights.delivery import CostsView, PerformanceView
from runtime.data.ids import new_id
from runtime.events.catalogue import (
    DeliveryOccurrenceReported,
    DeliveryProofRegistered,
    DeliveryRouteFinished,
    DeliveryStatusChanged,
    OrderCancelled,
    OrderStatusChanged,
    Payload,
)
from runtime.events.consumer import Consumer
from runtime.events.replay import rebuild
from tests.support.engines import NOON, Engines, day

TABLES = ("engine_delivery_days", "engine_delivery_occurrences", "engine_delivery_orders")


def ended(status: str, on_time: bool | None = None) -> DeliveryStatusChanged:
    return DeliveryStatusChanged(delivery_id=new_id(), previous="arrived", status=status, on_time=on_time)


def order(order_id: UUID, status: str) -> OrderStatusChanged:
    return OrderStatusChanged(order_id=order_id, previous="preparing", status=status)


def route(deliveries: int = 4, driven: int | None = None) -> DeliveryRouteFinished:
    return DeliveryRouteFinished(
        route_id=new_id(),
        deliveries=deliveries,
        planned_distance_m=20_000,
        driven_distance_m=driven,
        duration_s=7_200,
        planned_cost=Decimal("150.00"),
        cost=Decimal("160.00"),
    )


def occurrence(kind: str) -> DeliveryOccurrenceReported:
    return DeliveryOccurrenceReported(delivery_id=new_id(), kind=kind)


async def apply(engines: Engines, *tenants: UUID, batch_events: int = 2_000) -> None:
    consumer = Consumer(DeliveryEngine(), engines.engine, batch_events=batch_events)
    while (await consumer.step(tenants)).behind:
        pass


async def test_a_days_deliveries_are_counted_by_how_they_ended(engines: Engines, new_tenant) -> None:
    tenant = await new_tenant()
    await engines.say(
        tenant,
        NOON,
        ended("delivered", True),
        ended("delivered", False),
        ended("delivered_with_issue"),
        ended("failed"),
        ended("out"),
        ended("cancelled"),
        DeliveryProofRegistered(delivery_id=new_id()),
        occurrence("damaged"),
        occurrence("damaged"),
        occurrence("absent"),
        route(),
        route(driven=25_000),
    )
    await apply(engines, tenant)
    [figures] = await engines.rows("engine_delivery_days", tenant)
    assert (figures["delivered"], figures["with_issue"], figures["failed"]) == (3, 1, 1)
    assert (figures["promised"], figures["on_time"]) == (2, 1)
    assert (figures["routes"], figures["route_deliveries"], figures["duration_s"]) == (2, 8, 14_400)
    assert (figures["planned_distance_m"], figures["driven_distance_m"]) == (40_000, 45_000)
    assert (figures["planned_cost"], figures["cost"]) == (300, 320)
    told = await engines.rows("engine_delivery_occurrences", tenant)
    assert {row["kind"]: row["occurrences"] for row in told} == {"damaged": 2, "absent": 1}


async def test_an_order_counts_the_hours_from_dispatch_to_delivery(engines: Engines, new_tenant) -> None:
    tenant, brought, called_off, never_out = await new_tenant(), new_id(), new_id(), new_id()
    await engines.say(tenant, NOON, order(brought, "out_for_delivery"), order(called_off, "out_for_delivery"))
    await apply(engines, tenant)
    assert len(await engines.rows("engine_delivery_orders", tenant)) == 2
    await engines.say(
        tenant,
        NOON + timedelta(hours=3),
        order(brought, "delivered"),
        OrderCancelled(order_id=called_off, previous="out_for_delivery"),
        OrderCancelled(order_id=never_out, previous="pending"),
        order(new_id(), "delivered"),
    )
    await apply(engines, tenant)
    [figures] = await engines.rows("engine_delivery_days", tenant)
    assert (figures["orders_delivered"], figures["order_seconds"], figures["orders_cancelled"]) == (
        1,
        10_800,
        1,
    )
    assert await engines.rows("engine_delivery_orders", tenant) == []


async def test_days_are_the_stores_own_and_stores_do_not_mix(engines: Engines, new_tenant) -> None:
    one, other = await new_tenant(), await new_tenant()
    late = NOON + timedelta(hours=11)  # 02:00 UTC of the next day is 23:00 of this one in São Paulo
    await engines.say(one, late, ended("delivered"))
    await engines.say(other, NOON, ended("failed"))
    await apply(engines, one, other)
    [mine], [theirs] = [await engines.rows("engine_delivery_days", tenant) for tenant in (one, other)]
    assert (mine["day"], mine["delivered"], mine["failed"]) == (NOON.date(), 1, 0)
    assert (theirs["day"], theirs["delivered"], theirs["failed"]) == (NOON.date(), 0, 1)


@pytest.mark.parametrize("batch_events", [1, 3, 2_000])
async def test_a_rebuild_gives_the_same_rows_however_the_log_was_cut(
    engines: Engines, new_tenant, batch_events: int
) -> None:
    tenant, orders = await new_tenant(), [new_id() for _ in range(12)]
    for number, order_id in enumerate(orders):
        said: list[Payload] = [order(order_id, "out_for_delivery"), ended("delivered", number % 2 == 0)]
        if number % 3:
            said += [order(order_id, "delivered"), occurrence("other"), route(driven=number)]
        elif number % 2:
            said.append(OrderCancelled(order_id=order_id, previous="out_for_delivery"))
        await engines.say(tenant, day(number // 2), *said)
        await apply(engines, tenant, batch_events=batch_events)
    lived = {table: await engines.rows(table, tenant) for table in TABLES}
    assert all(lived.values())
    await rebuild(Consumer(DeliveryEngine(), engines.engine), tenant)
    for table in TABLES:
        assert await engines.rows(table, tenant) == lived[table]


async def test_the_insights_show_shares_and_say_them(client, store, engines: Engines) -> None:
    await client.login("owner")
    period = f"first_day={NOON.date()}&last_day={NOON.date() + timedelta(days=9)}"
    empty = await client.json("GET", f"insights/delivery/performance?{period}", status=200)
    assert (empty["success_rate"], empty["explanation"]) == (
        None,
        "Nenhuma entrega foi concluída no período.",
    )
    order_id = new_id()
    await engines.say(
        store.id, NOON, order(order_id, "out_for_delivery"), ended("delivered", True), occurrence("wrong")
    )
    await engines.say(store.id, day(1), order(order_id, "delivered"), ended("failed"), route(driven=22_000))
    await apply(engines, store.id)
    seen = await client.json("GET", f"insights/delivery/performance?{period}", status=200)
    PerformanceView.model_validate(seen)
    assert (seen["success_rate"], seen["on_time_rate"], seen["mean_hours_to_deliver"]) == (0.5, 1.0, 24.0)
    assert seen["occurrences"] == [{"kind": "wrong", "occurrences": 1}]
    assert len(seen["days"]) == 2
    assert seen["explanation"] == "De 2 entregas, 50% sem ocorrência; 100% das prometidas chegaram no prazo."
    costs = await client.json("GET", f"insights/delivery/costs?{period}", status=200)
    CostsView.model_validate(costs)
    assert (costs["cost"], costs["cost_per_delivery"], costs["distance_deviation"]) == (
        "160.00",
        "40.00",
        0.1,
    )
    assert (
        costs["explanation"].replace("\xa0", " ") == "Cada entrega custou em média R$ 40,00: 22 km em 1 rota."
    )
    for wrong in (
        "first_day=2026-03-02&last_day=2026-03-01",
        "first_day=2020-01-01&last_day=2026-01-01",
        "x=1",
    ):
        assert (await client.get(f"insights/delivery/costs?{wrong}")).status == 422
    assert (await client.get("insights/delivery/costs?first_day=2999-12-31")).status == 200
    assert (await client.get("insights/delivery/costs?last_day=1900-01-01")).status == 200


async def test_a_day_of_driving_reaches_the_insights(depot, engines: Engines) -> None:
    delivery = await depot.on_the_road("4")
    proof = {"receiver_name": "João"}
    await depot.driver.json("POST", f"deliveries/{delivery['id']}/deliver", proof, status=200)
    await depot.driver.json("POST", f"routes/{delivery['route_id']}/finish", {"driven_km": "8"}, status=200)
    await apply(engines, depot.store.id)
    seen = await depot.api.json("GET", "insights/delivery/performance", status=200)
    costs = await depot.api.json("GET", "insights/delivery/costs", status=200)
    assert (seen["delivered"], seen["orders_delivered"], seen["failed"]) == (1, 1, 0)
    assert (costs["routes"], costs["deliveries"], costs["driven_km"]) == (1, 1, 8.0)
