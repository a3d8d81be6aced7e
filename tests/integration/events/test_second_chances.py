"""Replays and rebuilds meet each other, other releases and failures: no event may take effect twice."""

from __future__ import annotations

import anyio
import pytest

from runtime.errors import PoisonError, RetryLaterError
from runtime.events.consumer import Consumer
from runtime.events.dead_letters import MAX_ATTEMPTS
from runtime.events.replay import rebuild, replay_requested
from runtime.events.slow_start import SlowStart
from tests.support.events import LedgerEngine, cursor, effects, emit_events


async def fail_at_666(event) -> None:
    if event.payload.delta == 666:
        raise PoisonError("no")


async def hurry(owner) -> None:
    await owner.execute("update consumer_cursor set next_attempt_at = null")


@pytest.fixture
async def parked(database, engine_database, owner, ledger, new_tenant):
    """A tenant whose first event is a dead letter, and whose second was applied."""
    tenant_id = await new_tenant()
    await emit_events(database, tenant_id, 666, 2)
    ledger.before_effect = fail_at_666
    consumer = Consumer(ledger, engine_database)
    for _ in range(MAX_ATTEMPTS):
        await consumer.step([tenant_id])
        await hurry(owner)
    assert await owner.fetchval("select state from dead_letters") == "parked"
    return tenant_id


async def test_a_rebuild_closes_the_dead_letters_that_it_applies(
    engine_database, owner, ledger, parked
) -> None:
    ledger.before_effect = None
    consumer = Consumer(ledger, engine_database)
    await owner.execute("update dead_letters set state = 'replay_requested'")
    await rebuild(consumer, parked)
    assert await replay_requested(consumer.cursors) == 0
    assert await effects(owner, parked) == [666, 2]
    assert await owner.fetchval("select state from dead_letters") == "replayed"


async def test_a_rebuild_parks_again_what_still_fails(engine_database, owner, ledger, parked) -> None:
    consumer = Consumer(ledger, engine_database)
    await rebuild(consumer, parked)
    for _ in range(MAX_ATTEMPTS):
        await hurry(owner)
        await consumer.step([parked])
    assert await effects(owner, parked) == [2]
    assert await owner.fetchval("select state from dead_letters") == "parked"


async def test_a_replay_that_fails_here_after_it_succeeded_elsewhere_stays_closed(
    engine_database, owner, ledger, parked
) -> None:
    """Two releases at once: the older one fails, the newer one applies the letter before the older has said so."""
    await owner.execute("update dead_letters set state = 'replay_requested'")
    newer = LedgerEngine()
    older_failed = False
    older = Consumer(ledger, engine_database)
    transaction = older.cursors.transaction

    def overtaken(tenants):
        nonlocal older_failed
        if older_failed:
            return _After(transaction(tenants), Consumer(newer, engine_database))
        return transaction(tenants)

    async def fail(event) -> None:
        nonlocal older_failed
        older_failed = True
        raise PoisonError("no")

    ledger.before_effect = fail
    older.cursors.transaction = overtaken  # type: ignore[method-assign]
    assert await replay_requested(older.cursors) == 0
    assert await effects(owner, parked) == [2, 666]
    assert await owner.fetchval("select state from dead_letters") == "replayed"


class _After:
    """A transaction that begins after another process has done the replay."""

    def __init__(self, transaction, consumer: Consumer) -> None:
        self._transaction, self._consumer = transaction, consumer

    async def __aenter__(self):
        await replay_requested(self._consumer.cursors)
        return await self._transaction.__aenter__()

    async def __aexit__(self, *error):
        return await self._transaction.__aexit__(*error)


async def test_a_rebuild_waits_for_whoever_holds_the_cursor_also_after_a_failure(
    database, engine_database, owner, ledger, new_tenant
) -> None:
    """The pause after a failure may end between the look at the cursor and the deletion of the rows."""
    tenant_id = await new_tenant()
    await emit_events(database, tenant_id, 1, 2)
    consumer = Consumer(ledger, engine_database)
    await consumer.cursors.ensure([tenant_id])
    await owner.execute("update consumer_cursor set next_attempt_at = now() + interval '1 hour'")
    cleared = anyio.Event()

    class Clearing(LedgerEngine):
        async def clear(self, tx, tenant_id) -> None:
            cleared.set()
            await super().clear(tx, tenant_id)

    rebuilding = Consumer(Clearing(), engine_database)
    async with anyio.create_task_group() as tasks, owner.transaction():
        await owner.execute("select from consumer_cursor for update")
        tasks.start_soon(rebuild, rebuilding, tenant_id)
        with anyio.move_on_after(0.5):
            await cleared.wait()
        assert not cleared.is_set()
    assert await effects(owner, tenant_id) == [1, 2]


async def test_a_failure_told_late_neither_parks_nor_moves_the_cursor_back(
    database, engine_database, owner, ledger, new_tenant
) -> None:
    """Another process applies the event while this one fails at it, and comes to a failing event of its own."""
    tenant_id = await new_tenant()
    await emit_events(database, tenant_id, 1, 2, 3)
    consumer = Consumer(ledger, engine_database)
    await consumer.cursors.ensure([tenant_id])
    slow_start = SlowStart(
        consumer.cursors, tenant_id, limit=consumer.limit, turn_events=9, on_failure=lambda: None
    )
    async with engine_database.engine([tenant_id]) as tx:
        [row, *_] = await consumer.cursors.read(tx, {tenant_id: 0}, 1)
    await owner.execute("update consumer_cursor set last_seq = 2, attempts = $1", MAX_ATTEMPTS)
    await slow_start._failed(row, PoisonError("late"))
    assert await owner.fetchval("select count(*) from dead_letters") == 0
    assert (await cursor(owner, "ledger", tenant_id))["last_seq"] == 2


class ProcessDiedNow(BaseException):
    """Stands for the death of the process: nothing after it runs."""


@pytest.mark.usefixtures("deaths_are_known_at_once")
async def test_a_blocking_event_that_kills_its_process_does_not_kill_each_one_that_follows(
    database, engine_database, owner, new_tenant, ledger, monkeypatch
) -> None:
    tenant_id, healthy = await new_tenant(), await new_tenant()
    await emit_events(database, tenant_id, 666, 2)
    await emit_events(database, healthy, 7)
    monkeypatch.setattr(LedgerEngine, "blocking", LedgerEngine.subscribes)

    async def die(event) -> None:
        if event.payload.delta == 666:
            raise ProcessDiedNow

    ledger.before_effect = die
    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(ProcessDiedNow):
            await Consumer(ledger, engine_database).step([tenant_id], suspicious=True)
    await Consumer(ledger, engine_database).step([tenant_id, healthy], suspicious=True)
    state = await cursor(owner, "ledger", tenant_id)
    assert (state["last_seq"], state["blocked_seq"]) == (0, 1)
    assert state["next_attempt_at"] is not None
    assert await effects(owner, healthy) == [7]
    assert await owner.fetchval("select count(*) from dead_letters") == 0


async def test_a_tenant_that_waits_is_not_counted_against_by_a_start(
    database, engine_database, owner, ledger, new_tenant
) -> None:
    tenant_id = await new_tenant()
    await emit_events(database, tenant_id, 666)
    ledger.before_effect = fail_at_666
    await Consumer(ledger, engine_database).step([tenant_id])
    for _ in range(MAX_ATTEMPTS):
        await Consumer(ledger, engine_database).step([tenant_id], suspicious=True)
    assert (await cursor(owner, "ledger", tenant_id))["attempts"] == 1


async def test_an_attempt_that_failed_for_a_passing_cause_does_not_use_up_the_last_one(
    database, engine_database, owner, ledger, new_tenant
) -> None:
    tenant_id = await new_tenant()
    await emit_events(database, tenant_id, 1)

    async def server_away(_event) -> None:
        raise RetryLaterError("the server is restarting")

    ledger.before_effect = server_away
    consumer = Consumer(ledger, engine_database)
    await consumer.cursors.ensure([tenant_id])
    await owner.execute("update consumer_cursor set attempts = $1", MAX_ATTEMPTS - 1)
    with pytest.raises(RetryLaterError):
        await consumer.step([tenant_id])
    ledger.before_effect = None
    await consumer.step([tenant_id])
    assert await effects(owner, tenant_id) == [1]
    assert await owner.fetchval("select count(*) from dead_letters") == 0
