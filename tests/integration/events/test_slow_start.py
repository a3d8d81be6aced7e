"""After a failure an engine begins with one event and doubles: bystanders are soon at whole batches again."""

from __future__ import annotations

from runtime.errors import PoisonError
from runtime.events.consumer import Consumer
from runtime.events.dead_letters import MAX_ATTEMPTS
from tests.support.events import LedgerEngine, cursor, effects, emit_events


class Counting(LedgerEngine):
    """Notes how many events it was given at once, and fails at a delta of 666."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    async def apply(self, tx, events) -> None:
        self.batches.append(len(events))
        if any(event.payload.delta == 666 for event in events):
            raise PoisonError("no")
        await super().apply(tx, events)


async def test_a_store_that_was_only_suspected_is_soon_at_whole_batches_again(
    database, engine_database, owner, ledger, new_tenant
) -> None:
    tenant_id, engine = await new_tenant(), Counting()
    await emit_events(database, tenant_id, *range(1, 31))
    consumer = Consumer(engine, engine_database)
    await consumer.cursors.ensure([tenant_id])
    await owner.execute("update consumer_cursor set attempts = 3")
    await consumer.step([tenant_id])
    assert engine.batches == [1, 2, 4, 8, 15]
    assert await effects(owner, tenant_id) == list(range(1, 31))
    assert (await cursor(owner, "ledger", tenant_id))["attempts"] == 0


async def test_an_event_that_fails_in_the_middle_is_found_and_counted_alone(
    database, engine_database, owner, ledger, new_tenant
) -> None:
    tenant_id, engine = await new_tenant(), Counting()
    await emit_events(database, tenant_id, *range(1, 6), 666, *range(7, 10))
    consumer = Consumer(engine, engine_database)
    await consumer.step([tenant_id])
    state = await cursor(owner, "ledger", tenant_id)
    assert (state["last_seq"], state["blocked_seq"], state["attempts"]) == (5, 6, 1)
    for _ in range(MAX_ATTEMPTS):
        await owner.execute("update consumer_cursor set next_attempt_at = null")
        await consumer.step([tenant_id])
    assert await effects(owner, tenant_id) == [1, 2, 3, 4, 5, 7, 8, 9]
    letters = await owner.fetch("select tenant_seq, attempts from dead_letters")
    assert [tuple(letter) for letter in letters] == [(6, MAX_ATTEMPTS)]


async def test_an_attempt_that_another_process_may_still_be_making_is_not_taken_for_its_death(
    database, engine_database, owner, ledger, new_tenant
) -> None:
    tenant_id = await new_tenant()
    await emit_events(database, tenant_id, 1)
    consumer = Consumer(ledger, engine_database)
    await consumer.cursors.ensure([tenant_id])
    await owner.execute(
        "update consumer_cursor set attempts = $1, updated_at = clock_timestamp()", MAX_ATTEMPTS
    )
    await consumer.step([tenant_id])
    assert await owner.fetchval("select count(*) from dead_letters") == 0
    await owner.execute("update consumer_cursor set updated_at = clock_timestamp() - interval '20 s'")
    await consumer.step([tenant_id])
    assert "process ended" in await owner.fetchval("select error from dead_letters")
