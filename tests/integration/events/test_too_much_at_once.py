"""Batches that run into a limit of time are halved, down to the one event that is too much by itself."""

from __future__ import annotations

import anyio
import pytest

from runtime.data.queries import Query
from runtime.errors import PoisonError
from runtime.events.consumer import SUCCESSES_TO_GROW, Consumer
from runtime.events.dead_letters import MAX_ATTEMPTS
from tests.support.events import LedgerEngine, cursor, effects, emit_events

LIMIT = Query("limit", "set local statement_timeout = '400ms'", (), "")
WORK = Query("work", "select pg_sleep(0.08 * $1::integer)", ("events",), "")


class Slow(LedgerEngine):
    """Needs 80 ms of a statement per event, of which it is given 400; for a delta of 666 it needs far more."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    async def apply(self, tx, events) -> None:
        self.batches.append(len(events))
        await tx.execute(LIMIT)
        await tx.execute(WORK, events=len(events) + 99 * sum(event.payload.delta == 666 for event in events))
        await super().apply(tx, events)


async def until_applied(consumer: Consumer, *tenants) -> None:
    waiting = frozenset(tenants)
    while waiting:
        waiting = (await consumer.step(waiting)).behind


async def test_a_batch_that_is_too_much_is_halved_until_it_fits(
    database, engine_database, owner, ledger, new_tenant
) -> None:
    tenant_id, engine = await new_tenant(), Slow()
    await emit_events(database, tenant_id, *range(1, 13))
    await until_applied(Consumer(engine, engine_database, batch_events=12), tenant_id)
    assert await effects(owner, tenant_id) == list(range(1, 13))
    assert engine.batches == [12, 6, 3, 3, 3, 3]


async def test_many_tenants_of_one_event_each_are_halved_too(
    database, engine_database, owner, ledger, new_tenant
) -> None:
    tenants, engine = [await new_tenant() for _ in range(8)], Slow()
    for tenant_id in tenants:
        await emit_events(database, tenant_id, 1)
    await until_applied(Consumer(engine, engine_database, batch_events=8), *tenants)
    assert [await effects(owner, tenant_id) for tenant_id in tenants] == [[1]] * 8
    assert engine.batches == [8, 4, 4]


async def test_batches_grow_again_when_they_succeed(
    database, engine_database, owner, ledger, new_tenant
) -> None:
    tenant_id, engine = await new_tenant(), Slow()
    await emit_events(database, tenant_id, *range(1, 9))
    consumer = Consumer(engine, engine_database, batch_events=8)
    await until_applied(consumer, tenant_id)
    for _ in range(SUCCESSES_TO_GROW):
        await consumer.step([tenant_id])
    engine.batches.clear()
    await emit_events(database, tenant_id, *range(1, 9))
    await consumer.step([tenant_id])
    assert engine.batches[0] == 8


async def test_an_event_that_is_too_much_by_itself_ends_in_the_dead_letters(
    database, engine_database, owner, ledger, new_tenant
) -> None:
    tenant_id, other = await new_tenant(), await new_tenant()
    await emit_events(database, tenant_id, 1, 666, 3)
    await emit_events(database, other, 7)
    consumer = Consumer(Slow(), engine_database, batch_events=4)
    await until_applied(consumer, tenant_id, other)
    assert await effects(owner, other) == [7]
    assert (await cursor(owner, "ledger", tenant_id))["attempts"] == 1
    await owner.execute("update consumer_cursor set next_attempt_at = null, attempts = $1", MAX_ATTEMPTS - 1)
    await until_applied(consumer, tenant_id)
    assert await effects(owner, tenant_id) == [1, 3]
    letter = await owner.fetchrow("select tenant_seq, error from dead_letters")
    assert letter["tenant_seq"] == 2
    assert "57014" in letter["error"]


async def test_an_event_that_never_ends_does_not_hold_up_the_others(
    database, engine_database, owner, ledger, new_tenant
) -> None:
    tenant_id, other = await new_tenant(), await new_tenant()
    await emit_events(database, tenant_id, 666, 2)
    await emit_events(database, other, 7)

    async def never_end(event) -> None:
        if event.payload.delta == 666:
            await anyio.sleep_forever()

    ledger.before_effect = never_end
    consumer = Consumer(ledger, engine_database, batch_events=4, deadline_s=0.1)
    await until_applied(consumer, tenant_id, other)
    assert await effects(owner, other) == [7]
    assert (await cursor(owner, "ledger", tenant_id))["attempts"] == 1
    for _ in range(MAX_ATTEMPTS):
        await owner.execute("update consumer_cursor set next_attempt_at = null")
        await until_applied(consumer, tenant_id)
    assert await effects(owner, tenant_id) == [2]
    assert "not applied within" in await owner.fetchval("select error from dead_letters")


async def test_an_event_that_never_ends_is_found_within_a_few_deadlines_and_leaves_the_size_alone(
    database, engine_database, owner, ledger, new_tenant
) -> None:
    """Also in the largest batch: the halves are of what was tried."""
    tenants = [await new_tenant() for _ in range(4)]
    await emit_events(database, tenants[0], 666)
    tries = 0

    async def never_end(_event) -> None:
        nonlocal tries
        tries += 1
        await anyio.sleep_forever()

    ledger.before_effect = never_end
    consumer = Consumer(ledger, engine_database, deadline_s=0.05)
    await consumer.step(tenants)
    assert tries == 2, "once with the others, once alone and counted"
    assert (await cursor(owner, "ledger", tenants[0]))["attempts"] == 1
    assert consumer._batch_events == consumer._most_events


class ProcessDiedNow(BaseException):
    """Stands for the death of the process: nothing after it runs."""


@pytest.mark.usefixtures("deaths_are_known_at_once")
@pytest.mark.parametrize("killer_first", [True, False])
async def test_events_that_share_a_batch_with_a_killer_are_applied_and_never_parked(
    database, engine_database, owner, ledger, new_tenant, killer_first
) -> None:
    tenants = sorted([await new_tenant() for _ in range(3)])
    killer = tenants[0] if killer_first else tenants[-1]
    for tenant_id in tenants:
        await emit_events(database, tenant_id, 666 if tenant_id == killer else 7, 2)

    async def die(event) -> None:
        if event.payload.delta == 666:
            raise ProcessDiedNow

    ledger.before_effect = die
    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(ProcessDiedNow):
            await Consumer(ledger, engine_database).step(tenants, suspicious=True)
    await Consumer(ledger, engine_database).step(tenants, suspicious=True)
    for tenant_id in tenants:
        assert await effects(owner, tenant_id) == ([2] if tenant_id == killer else [7, 2])
    parked = await owner.fetch("select tenant_id from dead_letters")
    assert [row["tenant_id"] for row in parked] == [killer]


@pytest.mark.usefixtures("deaths_are_known_at_once")
async def test_events_that_share_a_batch_with_a_killer_are_applied_before_the_process_dies_a_third_time(
    database, engine_database, owner, ledger, new_tenant
) -> None:
    killer, *others = sorted([await new_tenant() for _ in range(3)])
    for tenant_id in (killer, *others):
        await emit_events(database, tenant_id, 666 if tenant_id == killer else 7)

    async def die(event) -> None:
        if event.payload.delta == 666:
            raise ProcessDiedNow

    ledger.before_effect = die
    for _ in range(3):
        with pytest.raises(ProcessDiedNow):
            await Consumer(ledger, engine_database).step([killer, *others], suspicious=True)
    for tenant_id in others:
        assert await effects(owner, tenant_id) == [7]


async def test_an_event_that_raises_is_still_no_matter_of_size(
    database, engine_database, owner, ledger, new_tenant
) -> None:
    tenant_id = await new_tenant()
    await emit_events(database, tenant_id, 666, 2)

    async def fail(event) -> None:
        if event.payload.delta == 666:
            raise PoisonError("no")

    ledger.before_effect = fail
    consumer = Consumer(ledger, engine_database, batch_events=64)
    await consumer.step([tenant_id])
    assert consumer._batch_events == 64
