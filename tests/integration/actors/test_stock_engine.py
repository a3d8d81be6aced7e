"""The stock engine over a real log: what it knows, when its alerts open and close, and that it can be rebuilt."""

from __future__ import annotations

import random
from collections import defaultdict
from decimal import Decimal
from statistics import fmean, stdev
from uuid import UUID

import pytest

from actors.stock.actor import StockEngine
from actors.stock.model import reorder_point, safety_factor
from runtime.data.ids import new_id
from runtime.events.catalogue import (
    Payload,
    ProductCreated,
    ProductUpdated,
    ReplenishmentParameters,
    ReplenishmentParametersSet,
    SuggestionAccepted,
    SuggestionDismissed,
)
from runtime.events.consumer import Consumer
from runtime.events.replay import rebuild
from tests.support.engines import NOON, Engines, day, returned, sale, stock

STOCK_TABLES = (
    "engine_stock_tenants", "engine_stock_products", "engine_stock_levels", "engine_daily_demand",
    "engine_stock_feedback", "engine_stock_forecasts",
)  # fmt: skip


def parameters(product_id: UUID | None = None, **given: object) -> ReplenishmentParametersSet:
    return ReplenishmentParametersSet(product_id=product_id, parameters=ReplenishmentParameters(**given))


async def test_demand_counts_the_days_without_sales(engines: Engines, new_tenant) -> None:
    tenant, cement = await new_tenant(), new_id()
    await engines.say(tenant, day(0), sale((cement, 4)), sale((cement, 6)))
    await engines.say(tenant, day(2), sale((cement, 8)))
    await engines.say(tenant, day(4), sale((cement, 7)), returned((cement, 2)))
    await engines.apply(tenant)
    row = await engines.product(tenant, cement)
    series = [10, 0, 8, 0, 5]
    assert row["mean"] == pytest.approx(fmean(series))
    assert row["deviation"] == pytest.approx(stdev(series))
    expected = reorder_point(fmean(series), stdev(series), 7, safety_factor(0.95), 1)
    assert row["reorder_point"] == pytest.approx(expected)
    assert row["maximum"] == pytest.approx(expected + 7 * fmean(series))
    await engines.roll(tenant, day(5))
    daily = await engines.rows("engine_daily_demand", tenant)
    assert [float(one["quantity"]) for one in daily] == [10, 8, 5]


async def test_a_day_is_a_day_where_the_store_is(engines: Engines, new_tenant) -> None:
    tenant, cement = await new_tenant(), new_id()
    midnight_utc = NOON.replace(hour=0)
    await engines.say(tenant, midnight_utc, sale((cement, 1)))
    await engines.apply(tenant)
    row = await engines.product(tenant, cement)
    assert row["last_sale_day"].isoformat() == "2026-03-01", "in São Paulo it is still the evening before"


async def test_an_alert_opens_grows_and_closes_by_itself(engines: Engines, new_tenant) -> None:
    tenant, cement = await new_tenant(), new_id()

    async def alert_after(*payloads: Payload) -> tuple[str, str | None, str | None]:
        await engines.say(tenant, NOON, *payloads)
        await engines.apply(tenant)
        row = await engines.product(tenant, cement)
        return row["status"], row["kind"], row["risk"]

    assert await alert_after(stock(cement, 500, delta=500, reason="receipt")) == ("none", None, None)
    assert await alert_after(sale((cement, 10)), stock(cement, 139)) == ("open", "stock_out", "medium")
    assert await alert_after(stock(cement, 69)) == ("open", "stock_out", "high")
    row = await engines.product(tenant, cement)
    assert row["opened_at"] == NOON
    assert row["suggested_quantity"] == pytest.approx(-(-(row["maximum"] - 69) // 1))
    assert row["days_left"] == pytest.approx(6.9)
    status, _, _ = await alert_after(stock(cement, 150, delta=81, reason="receipt"))
    assert status == "closed"
    row = await engines.product(tenant, cement)
    assert row["closed_at"] == NOON
    assert row["suggested_quantity"] == 0


async def test_stock_above_the_maximum_is_excess_and_without_sales_dead(engines: Engines, new_tenant) -> None:
    tenant, tiles, unsold = await new_tenant(), new_id(), new_id()
    await engines.say(tenant, day(0), stock(tiles, 100), stock(unsold, 5), sale((tiles, 1)))
    await engines.apply(tenant)
    row = await engines.product(tenant, tiles)
    assert (row["kind"], row["risk"], row["status"]) == ("excess", "high", "open")
    assert (await engines.product(tenant, unsold))["status"] == "none", "new goods are given time"
    await engines.roll(tenant, day(59))
    assert (await engines.product(tenant, unsold))["status"] == "none"
    await engines.roll(tenant, day(60))
    for product in (tiles, unsold):
        row = await engines.product(tenant, product)
        assert (row["kind"], row["risk"]) == ("dead_stock", "low")
        assert row["opened_at"].isoformat() == "2026-05-01T03:00:00+00:00", "as that day began in the store"


async def test_demand_leaves_the_window_with_its_day(engines: Engines, new_tenant) -> None:
    tenant, cement = await new_tenant(), new_id()
    await engines.say(tenant, day(0), parameters(window_days=10), sale((cement, 50)))
    await engines.say(tenant, day(5), sale((cement, 10)))
    await engines.apply(tenant)
    await engines.roll(tenant, day(9))
    assert (await engines.product(tenant, cement))["window_quantity"] == 60
    await engines.roll(tenant, day(10))
    row = await engines.product(tenant, cement)
    assert (row["window_quantity"], row["window_squares"], row["window_demand_days"]) == (10, 100, 1)
    await engines.roll(tenant, day(30))
    row = await engines.product(tenant, cement)
    assert (row["window_quantity"], row["window_squares"], row["window_revenue"]) == (0, 0, 0)
    assert row["mean"] == 0


async def test_days_without_stock_are_not_days_without_demand(engines: Engines, new_tenant) -> None:
    tenant, cement = await new_tenant(), new_id()
    await engines.say(tenant, day(0), stock(cement, 10), sale((cement, 10)), stock(cement, 0))
    await engines.say(tenant, day(5), stock(cement, 20), sale((cement, 10)))
    await engines.apply(tenant)
    row = await engines.product(tenant, cement)
    assert row["window_stock_out_days"] == 4, "days 1 to 4 had no stock from beginning to end"
    assert row["mean"] == pytest.approx(10)
    await engines.say(tenant, day(2), sale((cement, 6)))
    await engines.apply(tenant)
    row = await engines.product(tenant, cement)
    assert row["window_stock_out_days"] == 3, "a sale that comes to light late was demand after all"
    assert row["mean"] == pytest.approx(26 / 3)


async def test_days_in_stock_before_the_first_sale_are_days_without_demand(
    engines: Engines, new_tenant
) -> None:
    tenant, tap, unstocked = await new_tenant(), new_id(), new_id()
    await engines.say(tenant, day(0), stock(tap, 9))
    await engines.say(tenant, day(29), sale((tap, 3), (unstocked, 3)))
    await engines.apply(tenant)
    assert (await engines.product(tenant, tap))["mean"] == pytest.approx(3 / 30)
    assert (await engines.product(tenant, unstocked))["mean"] == 3, "nobody knows since when it was offered"


async def test_the_stock_of_all_locations_counts(engines: Engines, new_tenant) -> None:
    tenant, cement, other_yard = await new_tenant(), new_id(), new_id()
    await engines.say(tenant, NOON, stock(cement, 30), stock(cement, 12, location_id=other_yard))
    await engines.apply(tenant)
    await engines.say(tenant, NOON, stock(cement, 25))
    await engines.apply(tenant)
    row = await engines.product(tenant, cement)
    assert (row["on_hand"], row["available"]) == (Decimal(37), Decimal(37))


async def test_parameters_hold_for_a_product_a_store_and_by_default(engines: Engines, new_tenant) -> None:
    tenant, cement, sand = await new_tenant(), new_id(), new_id()
    await engines.say(
        tenant,
        NOON,
        sale((cement, 10), (sand, 10)),
        stock(cement, 50),
        stock(sand, 50),
        parameters(method="simple", lead_time_days=10, safety_percent=50),
        parameters(cement, pack_size=50, maximum=300),
    )
    await engines.apply(tenant)
    row = await engines.product(tenant, sand)
    assert (row["reorder_point"], row["maximum"], row["suggested_quantity"]) == (150, 200, 150)
    row = await engines.product(tenant, cement)
    assert (row["reorder_point"], row["maximum"], row["suggested_quantity"]) == (150, 300, 250)
    await engines.say(tenant, NOON, parameters())
    await engines.apply(tenant)
    row = await engines.product(tenant, sand)
    assert row["reorder_point"] == pytest.approx(reorder_point(10, 0, 7, safety_factor(0.95), 1))


async def test_an_accepted_suggestion_is_on_order_until_it_arrives(engines: Engines, new_tenant) -> None:
    tenant, cement = await new_tenant(), new_id()
    await engines.say(tenant, NOON, sale((cement, 10)), stock(cement, 50))
    await engines.apply(tenant)
    suggested = (await engines.product(tenant, cement))["suggested_quantity"]
    await engines.say(tenant, NOON, SuggestionAccepted(product_id=cement))
    await engines.apply(tenant)
    row = await engines.product(tenant, cement)
    assert (float(row["on_order"]), row["suggested_quantity"]) == (suggested, 0)
    await engines.say(tenant, NOON, stock(cement, 60, delta=10, reason="receipt"))
    await engines.apply(tenant)
    row = await engines.product(tenant, cement)
    assert (float(row["on_order"]), row["suggestion_state"]) == (suggested - 10, "accepted")
    await engines.roll(tenant, day(20))
    row = await engines.product(tenant, cement)
    assert (row["on_order"], row["suggestion_state"]) == (0, None), "an order long overdue is not waited for"


async def test_a_dismissed_suggestion_comes_back_at_the_next_review(engines: Engines, new_tenant) -> None:
    tenant, cement = await new_tenant(), new_id()
    await engines.say(
        tenant, NOON, sale((cement, 10)), stock(cement, 0), SuggestionDismissed(product_id=cement)
    )
    await engines.apply(tenant)
    assert (await engines.product(tenant, cement))["suggestion_state"] == "dismissed"
    await engines.roll(tenant, day(7))
    assert (await engines.product(tenant, cement))["suggestion_state"] == "dismissed"
    await engines.roll(tenant, day(8))
    assert (await engines.product(tenant, cement))["suggestion_state"] is None


async def test_an_inactive_product_is_not_bought_again(engines: Engines, new_tenant) -> None:
    tenant, cement = await new_tenant(), new_id()
    known = {"product_id": cement, "unit": "SC", "base_price": Decimal(30), "cost": Decimal(25)}
    await engines.say(tenant, NOON, ProductCreated(**known), sale((cement, 10)), stock(cement, 5))
    await engines.apply(tenant)
    row = await engines.product(tenant, cement)
    assert (row["status"], row["cost"]) == ("open", Decimal(25))
    await engines.say(tenant, NOON, ProductUpdated(**known, active=False))
    await engines.apply(tenant)
    assert (await engines.product(tenant, cement))["status"] == "closed"


async def test_products_are_classified_by_the_revenue_of_their_window(engines: Engines, new_tenant) -> None:
    tenant, products = await new_tenant(), [new_id() for _ in range(6)]
    shares = [500, 300, 100, 50, 30, 20]
    await engines.say(
        tenant, NOON, *(sale((p, share), price=1) for p, share in zip(products, shares, strict=True))
    )
    await engines.apply(tenant)
    await engines.roll(tenant, NOON)
    classes = [(await engines.product(tenant, product))["abc_class"] for product in products]
    assert classes == ["A", "A", "B", "B", "C", "C"]


async def test_a_store_that_nobody_has_rolled_for_long_is_brought_to_the_present_week_by_week(
    engines: Engines, new_tenant
) -> None:
    tenant, sand = await new_tenant(), new_id()
    await engines.say(tenant, day(0), stock(sand, 40), sale((sand, 3)))
    await engines.apply(tenant)
    reached = []
    arrived = False
    while not arrived:
        async with engines.engine.engine([tenant]) as tx:
            arrived = await StockEngine().roll(tx, tenant, day(18).date())
        reached.append((await engines.rows("engine_stock_tenants", tenant))[0]["today"])
    assert reached == [day(number).date() for number in (7, 14, 18)]
    assert (await engines.product(tenant, sand))["abc_class"] == "A"


async def test_intermittent_demand_is_forecast_by_croston(engines: Engines, new_tenant) -> None:
    tenant, pump = await new_tenant(), new_id()
    for number in range(0, 60, 10):
        await engines.say(tenant, day(number), sale((pump, 5)))
    await engines.apply(tenant)
    await engines.roll(tenant, day(60))
    row = await engines.product(tenant, pump)
    assert (row["croston_size"], row["croston_gap"]) == (5, 10)
    assert row["mean"] == pytest.approx(0.95 * 5 / row["croston_interval"])


async def test_two_stores_in_one_batch_do_not_mix(engines: Engines, new_tenant) -> None:
    one, other, cement = await new_tenant(), await new_tenant(), new_id()
    await engines.say(one, NOON, sale((cement, 10)), stock(cement, 20), parameters(lead_time_days=30))
    await engines.say(other, NOON, sale((cement, 1)), stock(cement, 7))
    await engines.apply(one, other)
    ours, theirs = await engines.product(one, cement), await engines.product(other, cement)
    assert (ours["mean"], ours["on_hand"], theirs["mean"], theirs["on_hand"]) == (10, 20, 1, 7)
    assert ours["reorder_point"] > 10 * theirs["reorder_point"]


def business(seed: int, days: int = 120) -> list[tuple[int, list[Payload]]]:
    """A store's made-up history of sales, returns, receipts, counts and changed minds, day by day."""
    rnd = random.Random(seed)
    products = [UUID(int=rnd.getrandbits(128)) for _ in range(8)]
    levels: dict[UUID, float] = defaultdict(float)
    history = []
    for number in range(days):
        payloads: list[Payload] = []
        for product in products:
            if levels[product] < 10 and rnd.random() < 0.2:
                levels[product] += 60
                payloads.append(stock(product, levels[product], delta=60, reason="receipt"))
        for _ in range(rnd.randint(0, 4)):
            items = [
                (product, rnd.choice((1, 2.5, 4))) for product in rnd.sample(products, rnd.randint(1, 4))
            ]
            payloads.append(sale(*items))
            for product, quantity in items:
                levels[product] -= quantity
                payloads.append(stock(product, levels[product], delta=-quantity, reason="sale"))
            if rnd.random() < 0.1:
                payloads.append(returned(items[0]))
        product = rnd.choice(products)
        if rnd.random() < 0.1:
            payloads.append(parameters(product, window_days=rnd.choice((20, 60)), pack_size=5))
        if rnd.random() < 0.05:
            payloads.append(parameters(lead_time_days=rnd.choice((3, 9)), window_days=rnd.choice((30, 90))))
        if rnd.random() < 0.2:
            payloads.append(rnd.choice((SuggestionAccepted, SuggestionDismissed))(product_id=product))
        rnd.shuffle(payloads)
        history.append((number, payloads))
    return history


async def test_a_rebuild_gives_the_same_rows_as_the_days_did(engines: Engines, new_tenant) -> None:
    tenant = await new_tenant()
    for number, payloads in business(seed=7):
        if payloads:
            await engines.say(tenant, day(number), *payloads)
        await engines.apply(tenant, batch_events=3)
        await engines.roll(tenant, day(number))
    lived = {table: await engines.rows(table, tenant) for table in STOCK_TABLES}
    await rebuild(Consumer(StockEngine(), engines.engine, batch_events=500), tenant)
    await engines.roll(tenant, day(119))
    for table in STOCK_TABLES:
        assert await engines.rows(table, tenant) == lived[table]


async def test_the_window_equals_the_daily_demand_it_stands_for(engines: Engines, new_tenant) -> None:
    tenant = await new_tenant()
    for number, payloads in business(seed=11):
        if payloads:
            await engines.say(tenant, day(number), *payloads)
    await engines.apply(tenant, batch_events=40)
    await engines.roll(tenant, day(120))
    wrong = await engines.owner.fetch(
        """
        select p.product_id
        from engine_stock_products as p
        join engine_stock_tenants as t using (tenant_id)
        left join lateral (
          select
            coalesce(sum(d.quantity), 0) as quantity,
            coalesce(sum(d.quantity ^ 2), 0) as squares,
            coalesce(sum(d.revenue), 0) as revenue,
            count(*) filter (where d.quantity > 0) as demand_days,
            count(*) filter (where d.stock_out) as stock_out_days
          from engine_daily_demand as d
          where d.tenant_id = p.tenant_id and d.product_id = p.product_id and d.day > t.today - p.window_days
        ) as d on true
        where (d.quantity, d.squares, d.revenue, d.demand_days, d.stock_out_days) is distinct from
          (p.window_quantity::numeric, p.window_squares::numeric, p.window_revenue::numeric,
           p.window_demand_days, p.window_stock_out_days)
        """
    )
    assert wrong == []
    assert len(await engines.rows("engine_stock_products", tenant)) == 8
