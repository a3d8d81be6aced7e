from __future__ import annotations

import anyio
import orjson
import pytest

from runtime.data.ids import new_id
from runtime.data.queries import Query, sql
from runtime.errors import RetryLaterError
from runtime.events.log import MissingHeadError, emit
from tests.support.events import emit_events, stock_event


async def numbers(owner, tenant_id) -> list[int]:
    rows = await owner.fetch("select tenant_seq from event_outbox where tenant_id = $1 order by 1", tenant_id)
    return [row["tenant_seq"] for row in rows]


async def test_events_of_concurrent_transactions_are_numbered_without_gaps(
    database, owner, new_tenant
) -> None:
    tenant_id = await new_tenant()
    async with anyio.create_task_group() as tasks:
        for size in range(1, 11):
            tasks.start_soon(emit_events, database, tenant_id, *range(size))
    assert await numbers(owner, tenant_id) == list(range(1, 56))
    assert await owner.fetchval("select head from tenant_event_head where tenant_id = $1", tenant_id) == 55


async def test_a_transaction_that_fails_at_its_end_leaves_no_event_and_no_gap(
    database, owner, new_tenant
) -> None:
    """The commit is in the same message as the numbering, and what a constraint refuses then undoes that too."""
    await owner.execute("create table promised (kept boolean)")
    await owner.execute("grant all on promised to basecommerce_api")
    await owner.execute(
        "create function keep() returns trigger language plpgsql as "
        "$$ begin raise exception 'broken' using errcode = '40001'; end $$"
    )
    await owner.execute(
        "create constraint trigger at_the_end after insert on promised initially deferred "
        "for each row execute function keep()"
    )
    tenant_id = await new_tenant()
    with pytest.raises(RetryLaterError):
        async with database.tenant(tenant_id) as tx:
            emit(tx, stock_event(1))
            await tx.execute(Query("promise", "insert into promised values (true)", (), ""))
    with pytest.raises(ZeroDivisionError):
        async with database.tenant(tenant_id) as tx:
            emit(tx, stock_event(1))
            raise ZeroDivisionError
    await emit_events(database, tenant_id, 1, 2)
    assert await numbers(owner, tenant_id) == [1, 2]


async def test_a_tenant_without_a_counter_cannot_commit_events(database, owner) -> None:
    with pytest.raises(MissingHeadError):
        await emit_events(database, new_id(), 1)
    assert await owner.fetchval("select count(*) from event_outbox") == 0


async def test_the_commit_of_events_wakes_the_relay(database, new_tenant) -> None:
    tenant_id = await new_tenant()
    woken = []
    database.wake = woken.append
    await emit_events(database, tenant_id, 1)
    assert woken == [tenant_id]
    with pytest.raises((MissingHeadError, RetryLaterError)):
        await emit_events(database, new_id(), 1)
    assert woken == [tenant_id]


async def test_a_store_sees_only_its_own_log(database, new_tenant) -> None:
    one, other = await new_tenant(), await new_tenant()
    await emit_events(database, one, 1, 2)
    await emit_events(database, other, 3)
    async with database.tenant(other) as tx:
        own = await tx.fetch_all(sql.list_events_after, after_seq=0, limit=10)
        foreign = await tx.fetch_all(sql.list_events_after, tenant_id=one, after_seq=0, limit=10)
    assert [orjson.loads(row["body"])["payload"]["delta"] for row in own] == ["3"]
    assert foreign == []
