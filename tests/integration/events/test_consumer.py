from __future__ import annotations

import anyio
import pytest

from runtime.errors import PoisonError, RetryLaterError
from runtime.events.consumer import TURNS_AT_ONCE, Consumer
from runtime.events.dead_letters import MAX_ATTEMPTS, DeadLetterLimit
from runtime.events.replay import rebuild, replay_requested
from tests.support.events import cursor, effects, emit_events


async def hurry(owner, tenant_id) -> None:
    """Let the pause after a failure be over."""
    await owner.execute("update consumer_cursor set next_attempt_at = null where tenant_id = $1", tenant_id)


def failing_at(delta: int, error: Exception):
    async def before_effect(event) -> None:
        if event.payload.delta == delta:
            raise error

    return before_effect


async def test_events_are_applied_once_and_in_order(
    database, engine_database, owner, ledger, new_tenant
) -> None:
    tenant_id = await new_tenant()
    await emit_events(database, tenant_id, 1, 2, 3, others=2)
    await emit_events(database, tenant_id, 4)
    consumer = Consumer(ledger, engine_database)
    assert (await consumer.step([tenant_id])).events == 6
    assert (await consumer.step([tenant_id])).events == 0
    assert await effects(owner, tenant_id) == [1, 2, 3, 4]
    assert (await cursor(owner, "ledger", tenant_id))["last_seq"] == 6


async def test_several_consumers_at_once_apply_each_event_once(
    database, engine_database, owner, ledger, new_tenant
) -> None:
    tenants = [await new_tenant() for _ in range(3)]
    for tenant_id in tenants:
        await emit_events(database, tenant_id, *range(1, 31))
    consumers = [Consumer(ledger, engine_database, batch_events=15) for _ in range(4)]

    async def work(consumer: Consumer) -> None:
        waiting = frozenset(tenants)
        while waiting:
            waiting = (await consumer.step(waiting)).behind

    async with anyio.create_task_group() as tasks:
        for consumer in consumers:
            tasks.start_soon(work, consumer)
    for tenant_id in tenants:
        assert await effects(owner, tenant_id) == list(range(1, 31))


async def test_no_more_than_two_turns_of_an_engine_hold_events_and_connections(
    database, engine_database, owner, ledger, new_tenant
) -> None:
    tenants = [await new_tenant() for _ in range(5)]
    for tenant_id in tenants:
        await emit_events(database, tenant_id, 1)
    at_work, most, gate = 0, 0, anyio.Event()

    async def before_effect(_event) -> None:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        await gate.wait()
        at_work -= 1

    ledger.before_effect = before_effect
    consumer = Consumer(ledger, engine_database)
    async with anyio.create_task_group() as tasks:
        for tenant_id in tenants:
            tasks.start_soon(consumer.step, [tenant_id])
        while at_work < TURNS_AT_ONCE:
            await anyio.sleep(0.001)
        assert consumer._places.statistics().tasks_waiting == len(tenants) - TURNS_AT_ONCE
        gate.set()
    assert most == TURNS_AT_ONCE
    for tenant_id in tenants:
        assert await effects(owner, tenant_id) == [1]


async def test_a_poison_event_is_parked_after_its_attempts_and_the_others_never_wait(
    database, engine_database, owner, ledger, new_tenant
) -> None:
    poisoned, healthy = await new_tenant(), await new_tenant()
    await emit_events(database, poisoned, 1, 666, 3)
    await emit_events(database, healthy, 7)
    ledger.before_effect = failing_at(666, PoisonError("no such thing"))
    consumer = Consumer(ledger, engine_database)
    for attempt in range(MAX_ATTEMPTS):
        await consumer.step([poisoned, healthy])
        assert await effects(owner, healthy) == [7]
        if attempt < MAX_ATTEMPTS - 1:
            state = await cursor(owner, "ledger", poisoned)
            assert (state["attempts"], state["blocked_seq"], state["last_seq"]) == (attempt + 1, 2, 1)
            assert state["next_attempt_at"] is not None
            await hurry(owner, poisoned)
    assert await effects(owner, poisoned) == [1, 3]
    letter = await owner.fetchrow("select * from dead_letters")
    assert (letter["tenant_seq"], letter["attempts"], letter["state"]) == (2, MAX_ATTEMPTS, "parked")
    assert "no such thing" in letter["error"]
    assert "Traceback" in letter["traceback"]


async def test_a_failing_event_waits_between_its_attempts(
    database, engine_database, owner, ledger, new_tenant
) -> None:
    tenant_id = await new_tenant()
    await emit_events(database, tenant_id, 666)
    tries = []

    async def fail(event) -> None:
        tries.append(event.seq)
        raise PoisonError("no")

    ledger.before_effect = fail
    consumer = Consumer(ledger, engine_database)
    await consumer.step([tenant_id])
    made = len(tries)
    await consumer.step([tenant_id])
    assert len(tries) == made
    assert (await cursor(owner, "ledger", tenant_id))["attempts"] == 1


async def test_a_transient_failure_is_not_counted_against_the_event(
    database, engine_database, owner, ledger, new_tenant
) -> None:
    tenant_id = await new_tenant()
    await emit_events(database, tenant_id, 1)
    ledger.before_effect = failing_at(1, RetryLaterError("the server is restarting"))
    consumer = Consumer(ledger, engine_database)
    for suspicious in (False, True, True, True):
        with pytest.raises(RetryLaterError):
            await consumer.step([tenant_id], suspicious=suspicious)
    assert (await cursor(owner, "ledger", tenant_id))["attempts"] <= 1
    ledger.before_effect = None
    await consumer.step([tenant_id], suspicious=True)
    assert await effects(owner, tenant_id) == [1]
    assert (await cursor(owner, "ledger", tenant_id))["attempts"] == 0


class ProcessDiedNow(BaseException):
    """Stands for the death of the process: nothing after it runs."""


@pytest.mark.usefixtures("deaths_are_known_at_once")
async def test_an_event_that_kills_its_process_ends_in_the_dead_letters(
    database, engine_database, owner, ledger, new_tenant
) -> None:
    tenant_id = await new_tenant()
    await emit_events(database, tenant_id, 666, 2)

    async def die(event) -> None:
        if event.payload.delta == 666:
            raise ProcessDiedNow

    ledger.before_effect = die
    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(ProcessDiedNow):
            await Consumer(ledger, engine_database).step([tenant_id], suspicious=True)
    await Consumer(ledger, engine_database).step([tenant_id], suspicious=True)
    assert await effects(owner, tenant_id) == [2]
    assert await owner.fetchval("select error from dead_letters") is not None


async def test_an_engine_stands_still_at_an_event_on_which_later_ones_build(
    database, engine_database, owner, ledger, new_tenant
) -> None:
    tenant_id = await new_tenant()
    await emit_events(database, tenant_id, 666, 2)
    ledger.before_effect = failing_at(666, PoisonError("no"))
    type(ledger).blocking = type(ledger).subscribes
    try:
        consumer = Consumer(ledger, engine_database)
        for _ in range(MAX_ATTEMPTS + 2):
            await consumer.step([tenant_id])
            await hurry(owner, tenant_id)
    finally:
        type(ledger).blocking = ()
    assert await effects(owner, tenant_id) == []
    assert await owner.fetchval("select count(*) from dead_letters") == 0
    ledger.before_effect = None
    await Consumer(ledger, engine_database).step([tenant_id])
    assert await effects(owner, tenant_id) == [666, 2]


async def test_an_event_of_a_newer_release_waits_for_the_upgrade(
    database, engine_database, owner, ledger, new_tenant
) -> None:
    tenant_id = await new_tenant()
    await emit_events(database, tenant_id, 1)
    await owner.execute("update event_outbox set version = 99")
    consumer = Consumer(ledger, engine_database)
    for _ in range(MAX_ATTEMPTS + 2):
        await consumer.step([tenant_id])
        await hurry(owner, tenant_id)
    assert await owner.fetchval("select count(*) from dead_letters") == 0
    state = await cursor(owner, "ledger", tenant_id)
    assert (state["last_seq"], state["blocked_seq"]) == (0, 1)
    assert state["attempts"] == 1, "not to be able to read it is no attempt at it"
    await owner.execute("update event_outbox set version = 1")
    await consumer.step([tenant_id])
    assert await effects(owner, tenant_id) == [1]


async def test_a_hole_in_the_log_is_reported_and_never_stepped_over(
    database, engine_database, owner, ledger, new_tenant
) -> None:
    tenant_id = await new_tenant()
    await emit_events(database, tenant_id, 1, 2, 3)
    await owner.execute("delete from event_outbox where tenant_seq = 2")
    consumer = Consumer(ledger, engine_database)
    for _ in range(MAX_ATTEMPTS + 2):
        await consumer.step([tenant_id])
        await hurry(owner, tenant_id)
    assert await effects(owner, tenant_id) == [1]
    assert "LogGapError" in (await cursor(owner, "ledger", tenant_id))["last_error"]


async def test_a_bad_deploy_does_not_park_a_days_events(
    database, engine_database, owner, ledger, new_tenant
) -> None:
    tenant_id = await new_tenant()
    await emit_events(database, tenant_id, *range(1, 8))

    async def fail(event) -> None:
        raise PoisonError("everything fails")

    ledger.before_effect = fail
    limit = DeadLetterLimit(minimum=3)
    consumer = Consumer(ledger, engine_database, limit=limit)
    for _ in range(MAX_ATTEMPTS * 6):
        await consumer.step([tenant_id])
        await hurry(owner, tenant_id)
    assert await owner.fetchval("select count(*) from dead_letters") == 3
    assert limit.reached


async def test_a_replayed_dead_letter_takes_effect_once_and_is_closed(
    database, engine_database, owner, ledger, new_tenant
) -> None:
    tenant_id = await new_tenant()
    await emit_events(database, tenant_id, 666, 2)
    ledger.before_effect = failing_at(666, PoisonError("no"))
    consumer = Consumer(ledger, engine_database)
    for _ in range(MAX_ATTEMPTS):
        await consumer.step([tenant_id])
        await hurry(owner, tenant_id)
    await owner.execute("update dead_letters set state = 'replay_requested'")
    assert await replay_requested(consumer.cursors) == 0
    assert await owner.fetchval("select state from dead_letters") == "parked"
    ledger.before_effect = None
    await owner.execute("update dead_letters set state = 'replay_requested'")
    assert await replay_requested(consumer.cursors) == 1
    assert await replay_requested(consumer.cursors) == 0
    assert await effects(owner, tenant_id) == [2, 666]
    assert await owner.fetchval("select state from dead_letters") == "replayed"


async def test_a_rebuild_applies_the_whole_log_again(
    database, engine_database, owner, ledger, new_tenant
) -> None:
    tenant_id, other = await new_tenant(), await new_tenant()
    await emit_events(database, tenant_id, 1, 2, 3)
    await emit_events(database, other, 9)
    consumer = Consumer(ledger, engine_database)
    await consumer.step([tenant_id, other])
    assert await rebuild(consumer, tenant_id) == 3
    assert await effects(owner, tenant_id) == [1, 2, 3]
    assert await effects(owner, other) == [9]
