"""What the sales engine knows of customers, baskets and answers, over a real log; the same rows however it was cut."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from actors.sales import facts, miner
from actors.sales.actor import SalesEngine
from actors.sales.miner import Miner
from runtime.data.ids import NIL, new_id
from runtime.data.oracles import run_oracles
from runtime.events.catalogue import (
    Payload,
    ProductCreated,
    SalesAdviceAnswered,
    SalesParameters,
    SalesParametersSet,
)
from runtime.events.consumer import Consumer
from runtime.events.cursors import EngineCursors
from runtime.events.event import read_event
from runtime.events.replay import rebuild
from tests.support.baskets import fp_growth, generated, product_id
from tests.support.engines import NOON, Engines, day, sale

TABLES = (
    "totals", "products", "pairs", "parameters", "customers", "customer_products", "baskets", "mined", "bundles",
    "answers",
)  # fmt: skip


async def apply(engines: Engines, tenant: UUID, batch_events: int = 2_000) -> None:
    consumer = Consumer(SalesEngine(), engines.engine, batch_events=batch_events)
    while (await consumer.step([tenant])).behind:
        pass


async def everything(engines: Engines, tenant: UUID) -> dict[str, list[dict[str, Any]]]:
    return {table: await engines.rows(f"engine_sales_{table}", tenant) for table in TABLES}


def bundles_miner(engines: Engines) -> Miner:
    return Miner(EngineCursors(SalesEngine(), engines.engine))


async def bought(engines: Engines, tenant: UUID) -> dict[UUID, dict[str, Any]]:
    rows = await engines.rows("engine_sales_customer_products", tenant)
    return {row["product_id"]: row for row in rows}


@pytest.mark.parametrize("batch_events", [1, 3, 2_000])
async def test_a_customers_purchases_are_counted_with_their_intervals(
    engines: Engines, new_tenant, batch_events: int
) -> None:
    tenant, maria, cement, sand = await new_tenant(), new_id(), new_id(), new_id()
    for number in (0, 10, 22, 30):
        items = [(cement, 2), (sand, 1), (cement, 1)] if number != 22 else [(cement, 3)]
        await engines.say(tenant, day(number), sale(*items, customer_id=maria), sale((sand, 9)))
    await apply(engines, tenant, batch_events)
    [customer] = await engines.rows("engine_sales_customers", tenant)
    assert (customer["purchases"], customer["last_on"]) == (4, day(30).date())
    found = await bought(engines, tenant)
    assert (found[cement]["days"], found[cement]["quantity"], found[cement]["recent"]) == (4, 12, 0b1111)
    assert found[cement]["squares"] == 10**2 + 12**2 + 8**2
    assert found[cement]["due_on"] == day(40).date(), "ten days on average"
    assert (found[sand]["days"], found[sand]["recent"], found[sand]["last_number"]) == (3, 0b1101, 4)


@pytest.mark.parametrize("batch_events", [1, 2, 2_000])
async def test_the_parts_of_one_order_are_one_purchase(
    engines: Engines, new_tenant, batch_events: int
) -> None:
    tenant, maria, cement, sand = await new_tenant(), new_id(), new_id(), new_id()
    await engines.say(tenant, NOON, sale((cement, 1), customer_id=maria))
    await engines.say(tenant, day(1), sale((cement, 1), customer_id=maria))
    later = sale((cement, 4), (sand, 1), customer_id=maria)
    await engines.say(tenant, day(2), later.model_copy(update={"earlier_product_ids": (cement,)}))
    await engines.say(tenant, day(5), sale((cement, 1), customer_id=maria))
    await apply(engines, tenant, batch_events)
    [customer] = await engines.rows("engine_sales_customers", tenant)
    found = await bought(engines, tenant)
    assert (customer["purchases"], customer["last_on"]) == (3, day(5).date())
    assert (found[cement]["recent"], found[cement]["last_number"], found[cement]["quantity"]) == (0b111, 3, 7)
    assert (found[sand]["recent"], found[sand]["last_number"]) == (0b1, 2)
    assert (found[cement]["days"], found[cement]["squares"]) == (3, 1 + 16), (
        "the rest of an order is no purchase"
    )
    assert (found[sand]["days"], found[sand]["first_on"]) == (1, day(2).date())


async def test_only_the_latest_baskets_are_kept(
    engines: Engines, new_tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts, "BASKETS_KEPT", 4)
    monkeypatch.setattr("actors.sales.rows.BASKETS_KEPT", 4)
    tenant, products = await new_tenant(), [new_id() for _ in range(3)]
    everyone = tuple((product, 1) for product in products)
    for count in (1, 2, 9):
        await engines.say(tenant, NOON, *[sale(*everyone)] * count)
        await apply(engines, tenant)
    rows = await engines.rows("engine_sales_baskets", tenant)
    assert sorted(row["number"] for row in rows) == [9, 10, 11, 12]
    assert {row["product_ids"] for row in rows} == {b"".join(sorted(one.bytes for one in products))}


async def test_bundles_are_mined_from_the_log_and_not_from_when_the_miner_comes_by(
    engines: Engines, new_tenant
) -> None:
    tenant = await new_tenant()
    baskets = generated(330)
    mine = bundles_miner(engines)
    few = SalesParameters(bundle_min_orders=8)
    await engines.say(tenant, NOON, SalesParametersSet(parameters=few))
    for start in range(0, len(baskets), 66):
        part = baskets[start : start + 66]
        said = [sale(*((product_id(number), 1) for number in basket)) for basket in part]
        await engines.say(tenant, day(start // 66), *said)
        await apply(engines, tenant)
        await mine.step()
    assert await mine.step() == 0, "nothing new"
    [mined] = await engines.rows("engine_sales_mined", tenant)
    assert (mined["through"], mined["complete"]) == (300, True)
    theirs = fp_growth(baskets[:300], mined["least_orders"])
    rows = await engines.rows("engine_sales_bundles", tenant)
    assert {tuple(row["product_ids"]): row["orders"] for row in rows} == {
        tuple(map(product_id, numbers)): count for numbers, count in theirs.items()
    }
    lived = await everything(engines, tenant)
    await rebuild(Consumer(SalesEngine(), engines.engine), tenant)
    assert await engines.rows("engine_sales_bundles", tenant) == []
    assert await mine.step() == 1, "also by the miner that has seen this place in the log before"
    assert await everything(engines, tenant) == lived


async def test_other_parameters_have_the_bundles_mined_anew(engines: Engines, new_tenant) -> None:
    tenant, mine = await new_tenant(), bundles_miner(engines)
    said = [sale(*((product_id(number), 1) for number in basket)) for basket in generated(100)]
    await engines.say(tenant, NOON, *said)
    await apply(engines, tenant)
    assert await mine.step() == 1
    before = len(await engines.rows("engine_sales_bundles", tenant))
    await engines.say(tenant, NOON, SalesParametersSet(parameters=SalesParameters(bundle_min_orders=8)))
    await apply(engines, tenant)
    assert await mine.step() == 1
    assert 0 < len(await engines.rows("engine_sales_bundles", tenant)) < before


async def test_a_mining_out_of_time_leaves_the_bundles_as_they_were(
    engines: Engines, new_tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = await new_tenant()
    said = [sale(*((product_id(number), 1) for number in basket)) for basket in generated(60)]
    await engines.say(tenant, NOON, *said)
    await apply(engines, tenant)
    await bundles_miner(engines).step()
    before = await engines.rows("engine_sales_bundles", tenant)
    await engines.say(tenant, NOON, SalesParametersSet(parameters=SalesParameters(bundle_min_orders=9)))
    await apply(engines, tenant)
    late = Miner(EngineCursors(SalesEngine(), engines.engine), budget_s=0)
    assert await late.step() == 1
    [mined] = await engines.rows("engine_sales_mined", tenant)
    assert (mined["complete"], mined["least_orders"]) == (False, 9)
    assert before == await engines.rows("engine_sales_bundles", tenant) != []


async def test_a_store_that_cannot_be_mined_holds_no_other_up(
    engines: Engines, new_tenant, monkeypatch
) -> None:
    tenants, mine = sorted([await new_tenant(), await new_tenant()]), bundles_miner(engines)
    for tenant in tenants:
        said = [sale(*((product_id(number), 1) for number in basket)) for basket in generated(60)]
        await engines.say(tenant, NOON, *said)
        await apply(engines, tenant)
    honest = mine._mine

    async def fails_for_the_first(due) -> None:
        if due.tenant_id == tenants[0]:
            raise RuntimeError("a basket that cannot be read")
        await honest(due)

    monkeypatch.setattr(mine, "_mine", fails_for_the_first)
    assert await mine.step() == 1
    assert [len(await engines.rows("engine_sales_mined", tenant)) for tenant in tenants] == [0, 1]


async def test_what_was_mined_is_not_written_over_rows_that_were_cleared(
    engines: Engines, new_tenant
) -> None:
    tenant, mine = await new_tenant(), bundles_miner(engines)
    said = [sale(*((product_id(number), 1) for number in basket)) for basket in generated(60)]
    await engines.say(tenant, NOON, *said)
    await apply(engines, tenant)
    [due] = await mine._due([tenant])
    async with engines.engine.engine([tenant]) as tx:
        await SalesEngine().clear(tx, tenant)
        await miner._save(tx, due, 1, [])
    assert await engines.rows("engine_sales_mined", tenant) == []


async def test_answers_are_counted_and_the_latest_one_says_how_long_the_advice_rests(
    engines: Engines, new_tenant
) -> None:
    tenant, sand, cement = await new_tenant(), new_id(), new_id()

    def answered(answer: Any, kind: Any = "complement", **more: Any) -> SalesAdviceAnswered:
        return SalesAdviceAnswered(kind=kind, subject_id=sand, from_id=cement, answer=answer, **more)

    await engines.say(tenant, NOON, answered("accepted"), answered("dismissed", reason="not_needed"))
    await apply(engines, tenant)
    [row] = await engines.rows("engine_sales_answers", tenant)
    assert (row["accepted"], row["dismissed"], row["rests_until"]) == (1, 1, day(90).date())
    assert (row["reason"], row["customer_id"]) == ("not_needed", NIL)
    await engines.say(
        tenant,
        day(1),
        SalesParametersSet(parameters=SalesParameters(dismissed_days=10)),
        answered("dismissed", reason="wrong"),
    )
    await apply(engines, tenant)
    [row] = await engines.rows("engine_sales_answers", tenant)
    assert (row["dismissed"], row["rests_until"]) == (2, day(11).date())
    await engines.say(tenant, day(2), answered("snoozed", until=date(2026, 5, 1)))
    await engines.say(tenant, day(2), answered("accepted", "rebuy"), answered("changed"))
    await apply(engines, tenant)
    one, other = await engines.rows("engine_sales_answers", tenant)
    assert (one["answer"], one["snoozed"], one["changed"], one["rests_until"]) == ("changed", 1, 1, None)
    assert (other["kind"], other["rests_until"]) == ("rebuy", day(9).date())


async def test_a_new_store_has_its_parameters_from_its_first_event_on(engines: Engines, new_tenant) -> None:
    tenant, cement = await new_tenant(), new_id()
    created = ProductCreated(product_id=cement, unit="SC", base_price=Decimal(10))
    await engines.say(tenant, NOON, created)
    await apply(engines, tenant)
    [row] = await engines.rows("engine_sales_parameters", tenant)
    assert (row["product_id"], row["parameters"]) == (NIL, "{}")
    assert '"habit_purchases": 3' in row["effective"]
    unadvised = SalesParametersSet(product_id=cement, parameters=SalesParameters(advised=False))
    await engines.say(tenant, NOON, unadvised)
    await apply(engines, tenant)
    assert {row["product_id"] for row in await engines.rows("engine_sales_parameters", tenant)} == {
        NIL,
        cement,
    }


@pytest.mark.parametrize("batch_events", [1, 7, 2_000])
async def test_a_rebuild_gives_the_same_rows_however_the_log_was_cut(
    engines: Engines, new_tenant, batch_events: int
) -> None:
    dice = random.Random(5)
    tenant, products, customers = (
        await new_tenant(),
        [new_id() for _ in range(9)],
        [new_id() for _ in range(3)],
    )
    for number in range(60):
        said = [_something(dice, products, customers) for _ in range(3)]
        # Now and then an event of the day before comes to light.
        await engines.say(tenant, day(number - (number % 7 == 6)), *said)
        if number % 5 == 0:
            await apply(engines, tenant, batch_events)
    await apply(engines, tenant, batch_events)
    await bundles_miner(engines).step()
    lived = await everything(engines, tenant)
    assert all(lived.values())
    await rebuild(Consumer(SalesEngine(), engines.engine), tenant)
    await bundles_miner(engines).step()
    assert await everything(engines, tenant) == lived


def _something(dice: random.Random, products: list[UUID], customers: list[UUID]) -> Payload:
    match dice.randrange(12):
        case 0:
            parameters = SalesParameters(dismissed_days=dice.randrange(1, 60))
            return SalesParametersSet(product_id=dice.choice([None, products[0]]), parameters=parameters)
        case 1 | 2:
            return SalesAdviceAnswered(
                kind=dice.choice(["complement", "rebuy"]),
                subject_id=dice.choice(products),
                customer_id=dice.choice([None, customers[0]]),
                answer=dice.choice(["accepted", "dismissed", "changed"]),
            )
        case _:
            items = [(product, dice.randrange(1, 900) / 1000) for product in dice.sample(products, 4)]
            about = {"customer_id": dice.choice(customers)} if dice.random() < 0.8 else {}
            earlier = tuple(dice.sample(products, dice.choice([0, 0, 3])))
            return sale(*items, **about).model_copy(update={"earlier_product_ids": earlier})


async def test_what_is_applied_late_undoes_nothing_that_was_said_since(engines: Engines, new_tenant) -> None:
    tenant, sand = await new_tenant(), new_id()
    early = SalesParametersSet(parameters=SalesParameters(dismissed_days=10))
    late = SalesParametersSet(parameters=SalesParameters(dismissed_days=20))
    refused = SalesAdviceAnswered(kind="habit", subject_id=sand, answer="dismissed", reason="wrong")
    taken = SalesAdviceAnswered(kind="habit", subject_id=sand, answer="accepted")
    await engines.say(tenant, NOON, early, refused, late, taken)
    rows = await engines.owner.fetch(
        "select tenant_id, tenant_seq, event_id, event_type, version, occurred_at, payload::text as payload"
        " from event_outbox where tenant_id = $1 order by tenant_seq",
        tenant,
    )
    models = {model.event_type: model for model in SalesEngine.subscribes}
    events = [read_event(row, models) for row in rows]
    for replayed in (events[2:], events[:1], events[1:2]):
        async with engines.engine.engine([tenant]) as tx:
            await SalesEngine().apply(tx, replayed)
    [parameters] = await engines.rows("engine_sales_parameters", tenant)
    assert parameters["parameters"] == '{"dismissed_days": 20}'
    [answer] = await engines.rows("engine_sales_answers", tenant)
    assert (answer["answer"], answer["rests_until"]) == ("accepted", None)
    assert (answer["accepted"], answer["dismissed"]) == (1, 1)


async def test_the_oracle_sees_purchases_that_are_not_in_the_log(engines: Engines, new_tenant) -> None:
    tenant, maria, cement = await new_tenant(), new_id(), new_id()

    async def violations() -> list[str]:
        found = await run_oracles(engines.api, ["sales"])
        return [one.oracle for one in found if one.oracle.startswith("oracle_engine_purchases")]

    part = sale((cement, 2), customer_id=maria)
    await engines.say(tenant, NOON, part, part.model_copy(update={"earlier_product_ids": (cement,)}))
    assert await violations() == ["oracle_engine_purchases_differ"], "not applied yet"
    await apply(engines, tenant)
    assert await violations() == []
    await engines.owner.execute("update engine_sales_customer_products set quantity = 5")
    assert await violations() == ["oracle_engine_purchases_differ"]
