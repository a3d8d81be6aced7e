"""Who follows the log: retention and trimming wait for those that do, and for no others."""

from __future__ import annotations

import anyio
import pytest

from runtime.data.queries import sql
from runtime.errors import ConflictError, NotFoundError
from runtime.events.consumer import Consumer
from runtime.events.maintenance import trim_streams
from runtime.events.registry import Presence, pipeline_status, registered, retire
from runtime.events.retention import delete_old_events
from runtime.events.streams import ensure_group, stream_key
from tests.support.events import cursor, effects, emit_events

LONG_AGO = "update event_outbox set recorded_at = now() - interval '30 days'"


async def register(database, *names: str) -> None:
    for name in names:
        await Presence(name, database).register()


async def fall_silent(owner, name: str, ago: str = "1 hour") -> None:
    await owner.execute(
        "update consumers set seen_at = now() - $2::text::interval where name = $1", name, ago
    )


async def test_retention_deletes_only_what_every_registered_consumer_has_left_behind(
    database, engine_database, relay_database, scheduler_database, owner, ledger, new_tenant
) -> None:
    tenant_id = await new_tenant()
    await register(engine_database, "ledger", "other")
    await emit_events(database, tenant_id, 1, 2)
    await owner.execute(LONG_AGO)
    await Consumer(ledger, engine_database).step([tenant_id])
    assert await delete_old_events(scheduler_database, 7) == 0
    await owner.execute(
        "insert into consumer_cursor (consumer, tenant_id, last_seq) values ('other', $1, 1)", tenant_id
    )
    assert await delete_old_events(scheduler_database, 7) == 1
    await fall_silent(owner, "other", "400 days")
    assert await delete_old_events(scheduler_database, 7) == 0


async def test_an_engine_that_was_never_deployed_holds_nothing_up(
    database, engine_database, scheduler_database, owner, ledger, new_tenant
) -> None:
    """Of the four engines of the release this installation runs one."""
    tenant_id = await new_tenant()
    await register(engine_database, "ledger")
    await emit_events(database, tenant_id, 1)
    await owner.execute(LONG_AGO)
    await Consumer(ledger, engine_database).step([tenant_id])
    assert await delete_old_events(scheduler_database, 7) == 1


async def test_a_consumer_of_an_older_release_counts_by_its_cursors(
    database, engine_database, scheduler_database, owner, ledger, new_tenant
) -> None:
    tenant_id = await new_tenant()
    await emit_events(database, tenant_id, 1)
    await owner.execute(LONG_AGO)
    await owner.execute("insert into consumer_cursor (consumer, tenant_id) values ('elder', $1)", tenant_id)
    await register(engine_database, "ledger")
    await Consumer(ledger, engine_database).step([tenant_id])
    async with scheduler_database.transaction() as tx:
        assert await registered(tx) == ["elder", "ledger"]
    assert await delete_old_events(scheduler_database, 7) == 0


async def test_a_retired_engine_holds_nothing_up_and_comes_back_after_the_cut(
    database, engine_database, scheduler_database, owner, ledger, new_tenant
) -> None:
    tenant_id = await new_tenant()
    await register(engine_database, "ledger")
    await emit_events(database, tenant_id, 1)
    await Consumer(ledger, engine_database).step([tenant_id])
    await emit_events(database, tenant_id, 2, 3)
    await owner.execute(LONG_AGO)
    await owner.execute(
        "insert into consumer_cursor (consumer, tenant_id, last_seq) values ('relay', $1, 3)", tenant_id
    )
    with pytest.raises(ConflictError):
        await retire(database, "ledger")
    await fall_silent(owner, "ledger")
    await retire(database, "ledger")
    assert await delete_old_events(scheduler_database, 7) == 3
    await emit_events(database, tenant_id, 4)
    await register(engine_database, "ledger")
    await Consumer(ledger, engine_database).step([tenant_id])
    assert await effects(owner, tenant_id) == [1, 4]
    assert (await cursor(owner, "ledger", tenant_id))["since_seq"] == 4
    async with scheduler_database.transaction() as tx:
        assert await registered(tx) == ["ledger", "relay"]


async def test_where_nobody_follows_the_log_nothing_is_deleted(
    database, scheduler_database, owner, new_tenant
) -> None:
    tenant_id = await new_tenant()
    await emit_events(database, tenant_id, 1)
    await owner.execute(LONG_AGO)
    assert await delete_old_events(scheduler_database, 7) == 0


async def test_an_engine_that_comes_back_before_the_cut_misses_nothing(
    database, engine_database, owner, ledger, new_tenant
) -> None:
    tenant_id = await new_tenant()
    await register(engine_database, "ledger")
    await emit_events(database, tenant_id, 1)
    await Consumer(ledger, engine_database).step([tenant_id])
    await fall_silent(owner, "ledger")
    await retire(database, "ledger")
    await emit_events(database, tenant_id, 2)
    await register(engine_database, "ledger")
    await Consumer(ledger, engine_database).step([tenant_id])
    assert await effects(owner, tenant_id) == [1, 2]
    assert (await cursor(owner, "ledger", tenant_id))["since_seq"] == 1


async def test_a_new_engine_on_an_old_installation_begins_with_the_oldest_event_kept(
    database, engine_database, owner, ledger, new_tenant
) -> None:
    cut, gone, whole, new = [await new_tenant() for _ in range(4)]
    for tenant_id in (cut, gone, whole):
        await emit_events(database, tenant_id, 1, 2, 3)
    await owner.execute("delete from event_outbox where tenant_id = $1 and tenant_seq < 3", cut)
    await owner.execute("delete from event_outbox where tenant_id = $1", gone)
    consumer = Consumer(ledger, engine_database)
    await consumer.step([cut, gone, whole, new])
    await emit_events(database, gone, 4)
    await emit_events(database, new, 4)
    await consumer.step([cut, gone, whole, new])
    assert [await effects(owner, tenant_id) for tenant_id in (cut, gone, whole, new)] == [
        [3],
        [4],
        [1, 2, 3],
        [4],
    ]
    async with engine_database.transaction() as tx:
        [status] = [row for row in await pipeline_status(tx, ["ledger"]) if row["name"] == "ledger"]
    assert (status["partial_tenants"], status["lag_events"]) == (2, 0)


async def test_retention_and_registration_take_turns(
    database, engine_database, scheduler_database, owner, new_tenant
) -> None:
    done = anyio.Event()

    async def cut() -> None:
        await delete_old_events(scheduler_database, 7)
        done.set()

    async with anyio.create_task_group() as tasks, engine_database.transaction() as tx:
        await tx.execute(sql.lock_log_beginning)
        tasks.start_soon(cut)
        with anyio.move_on_after(0.2):
            await done.wait()
        assert not done.is_set()


async def test_the_status_tells_who_runs_who_is_silent_and_who_was_never_here(
    engine_database, database, owner, new_tenant
) -> None:
    await new_tenant()
    await register(engine_database, "stock", "sales", "pricing")
    await fall_silent(owner, "sales", "2 minutes")
    await fall_silent(owner, "pricing")
    await retire(database, "pricing")
    async with engine_database.transaction() as tx:
        rows = await pipeline_status(tx, ["stock", "sales", "pricing", "delivery"])
    assert {row["name"]: row["state"] for row in rows} == {
        "stock": "running",
        "sales": "silent",
        "pricing": "retired",
        "delivery": "not_deployed",
    }


async def test_neither_the_relay_nor_what_there_is_not_can_be_retired(database, relay_database) -> None:
    await register(relay_database, "relay")
    for name in ("relay", "nobody"):
        with pytest.raises(NotFoundError):
            await retire(database, name)


async def test_a_sign_of_life_does_not_undo_a_retirement(engine_database, database, owner) -> None:
    await register(engine_database, "stock")
    await fall_silent(owner, "stock")
    await retire(database, "stock")
    stop = anyio.Event()
    async with anyio.create_task_group() as tasks:
        presence = Presence("stock", engine_database)
        presence.register = anyio.lowlevel.checkpoint  # type: ignore[method-assign, assignment]
        await tasks.start(presence.run, stop)
        stop.set()
    async with engine_database.transaction() as tx:
        assert await registered(tx) == []


async def test_streams_are_trimmed_behind_what_the_running_engines_have_done(
    redis_client, engine_database, scheduler_database, owner
) -> None:
    key = stream_key(0)
    await register(engine_database, "one", "other")
    ids = [await redis_client.xadd(key, {"n": n}) for n in range(300)]
    assert await trim_streams(scheduler_database, redis_client, 1) == 0
    for group in ("one", "other"):
        await ensure_group(redis_client, 0, group)
    await redis_client.xreadgroup("one", "c", {key: ">"}, count=300)
    await redis_client.xack(key, "one", *ids)
    assert await trim_streams(scheduler_database, redis_client, 1) == 0
    await redis_client.xreadgroup("other", "c", {key: ">"}, count=300)
    await redis_client.xack(key, "other", *ids[:250])
    await trim_streams(scheduler_database, redis_client, 1)
    remaining = [entry_id for entry_id, _ in await redis_client.xrange(key)]
    assert set(ids[250:]) <= set(remaining)
    assert len(remaining) < 300


async def test_a_stream_does_not_grow_for_an_engine_that_gave_no_sign_of_life_for_long(
    redis_client, engine_database, scheduler_database, owner
) -> None:
    key = stream_key(0)
    await register(engine_database, "one", "other")
    for group in ("one", "other"):
        await ensure_group(redis_client, 0, group)
    ids = [await redis_client.xadd(key, {"n": n}) for n in range(300)]
    await redis_client.xreadgroup("one", "c", {key: ">"}, count=300)
    await redis_client.xack(key, "one", *ids)
    await fall_silent(owner, "other")
    assert await trim_streams(scheduler_database, redis_client, 1) >= 200
