from __future__ import annotations

import anyio
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from runtime.data.ids import new_id, partition_of
from runtime.events.consumer import Consumer
from runtime.events.engine_actor import EngineActor, Message, Reconciler
from runtime.events.relay import Relay
from runtime.events.streams import ensure_group, open_redis, stream_key
from runtime.events.wake import WakeSignal
from tests.support.events import PARTITIONS, cursor, effects, emit_events


@pytest.fixture
def wake() -> WakeSignal:
    return WakeSignal()


@pytest.fixture
def relay(relay_database, redis_client, wake) -> Relay:
    return Relay(relay_database, redis_client, wake, partitions=PARTITIONS)


async def entries(redis_client, tenant_id) -> list[int]:
    found = await redis_client.xrange(stream_key(partition_of(tenant_id, PARTITIONS)))
    return [
        int(fields[b"tenant_seq"]) for _, fields in found if fields[b"tenant_id"].decode() == str(tenant_id)
    ]


async def test_the_relay_publishes_each_event_as_a_claim_check_without_its_payload(
    database, redis_client, relay, new_tenant
) -> None:
    tenant_id = await new_tenant()
    await emit_events(database, tenant_id, 1, 2, others=1)
    await relay.step()
    assert await entries(redis_client, tenant_id) == [1, 2, 3]
    [(_, fields), *_] = await redis_client.xrange(stream_key(partition_of(tenant_id, PARTITIONS)))
    assert set(fields) == {
        b"event_id", b"event_type", b"tenant_id", b"tenant_seq", b"version", b"vertical", b"occurred_at",
        b"correlation_id",
    }  # fmt: skip


async def test_a_relay_that_dies_after_publishing_repeats_entries_but_no_effect(
    database, engine_database, redis_client, owner, relay, ledger, new_tenant, monkeypatch
) -> None:
    tenant_id = await new_tenant()
    await emit_events(database, tenant_id, 1, 2)
    publish = Relay._add_to_streams

    async def publish_and_die(self, rows) -> None:
        await publish(self, rows)
        raise ConnectionError("the relay died here")

    monkeypatch.setattr(Relay, "_add_to_streams", publish_and_die)
    with pytest.raises(ConnectionError):
        await relay.step()
    monkeypatch.setattr(Relay, "_add_to_streams", publish)
    relay._swept_at = float("-inf")
    await relay.step()
    assert await entries(redis_client, tenant_id) == [1, 2, 1, 2]
    consumer = Consumer(ledger, engine_database)
    for _ in range(4):
        await consumer.step([tenant_id])
    assert await effects(owner, tenant_id) == [1, 2]


async def test_an_error_reply_of_redis_keeps_the_cursor_where_it_was(
    database, redis_client, owner, relay, new_tenant
) -> None:
    tenant_id = await new_tenant()
    await emit_events(database, tenant_id, 1)
    await redis_client.set(stream_key(partition_of(tenant_id, PARTITIONS)), "not a stream")
    with pytest.raises(ResponseError):
        await relay._publish_behind({tenant_id})
    assert (await cursor(owner, "relay", tenant_id))["last_seq"] == 0
    await redis_client.delete(stream_key(partition_of(tenant_id, PARTITIONS)))
    await relay._publish_behind({tenant_id})
    assert await entries(redis_client, tenant_id) == [1]


async def test_a_full_stream_leaves_the_events_in_the_log(
    database, redis_client, relay_database, wake, new_tenant
) -> None:
    tenant_id = await new_tenant()
    await redis_client.xadd(stream_key(partition_of(tenant_id, PARTITIONS)), {"a": "b"})
    relay = Relay(relay_database, redis_client, wake, partitions=PARTITIONS, stream_limit=1)
    await emit_events(database, tenant_id, 1)
    await relay.step()
    assert await redis_client.xlen(stream_key(partition_of(tenant_id, PARTITIONS))) == 1


async def test_a_made_up_wake_up_holds_nobody_up(database, redis_client, relay, wake, new_tenant) -> None:
    tenant_id = await new_tenant()
    await emit_events(database, tenant_id, 1)
    wake.wake(new_id())
    wake.wake(tenant_id)
    await relay.step()
    assert await entries(redis_client, tenant_id) == [1]


async def test_tenants_that_wait_for_a_full_stream_do_not_crowd_out_the_others(
    database, redis_client, relay_database, wake, new_tenant, monkeypatch
) -> None:
    monkeypatch.setattr("runtime.events.relay.TURN_TENANTS", 3)
    relay = Relay(relay_database, redis_client, wake, partitions=PARTITIONS, stream_limit=1)
    tenants = [await new_tenant() for _ in range(30)]
    full = partition_of(tenants[0], PARTITIONS)
    await redis_client.xadd(stream_key(full), {"a": "b"})
    waiting = [tenant for tenant in tenants if partition_of(tenant, PARTITIONS) == full]
    free = next(tenant for tenant in tenants if partition_of(tenant, PARTITIONS) != full)
    while len(waiting) <= 4:
        tenant_id = await new_tenant()
        waiting += [tenant_id] if partition_of(tenant_id, PARTITIONS) == full else []
    for tenant_id in (*waiting, free):
        await emit_events(database, tenant_id, 1)
    for _ in range(4):
        relay._swept_at = float("-inf")
        await relay.step()
    assert await entries(redis_client, free) == [1]
    assert await redis_client.xlen(stream_key(full)) == 1


async def test_a_server_that_accepts_and_says_nothing_costs_the_relay_its_deadline_and_no_more(
    database, relay_database, wake, new_tenant, monkeypatch
) -> None:
    monkeypatch.setattr("runtime.events.relay.REDIS_DEADLINE_S", 0.2)
    tenant_id = await new_tenant()
    await emit_events(database, tenant_id, 1)

    async def say_nothing(stream) -> None:
        async with stream:
            await anyio.sleep_forever()

    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(listener.serve, say_nothing)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        client = open_redis(f"redis://127.0.0.1:{port}/3", timeout_s=None)
        relay = Relay(relay_database, client, wake, partitions=PARTITIONS)
        with anyio.fail_after(5), pytest.raises(TimeoutError):
            await relay._publish_behind({tenant_id})
        await client.aclose()
        tasks.cancel_scope.cancel()


async def test_a_wake_up_brings_the_event_to_the_engine_through_the_stream(
    database, engine_database, redis_client, owner, relay, wake, ledger, new_tenant
) -> None:
    tenant_id = await new_tenant()
    database.wake = wake.wake
    actor = EngineActor(
        Consumer(ledger, engine_database), redis_client, partition_of(tenant_id, PARTITIONS), "test-0"
    )
    stop = anyio.Event()
    async with anyio.create_task_group() as tasks:
        await tasks.start(actor.run, stop)
        await tasks.start(relay.run, stop)
        await emit_events(database, tenant_id, 1, 2, 3)
        with anyio.fail_after(10):
            while await effects(owner, tenant_id) != [1, 2, 3]:
                await anyio.sleep(0.005)
        await redis_client.flushdb()  # the group is gone, and must come back by itself
        await emit_events(database, tenant_id, 4)
        with anyio.fail_after(10):
            while await effects(owner, tenant_id) != [1, 2, 3, 4]:
                await anyio.sleep(0.005)
        stop.set()


async def test_the_reconciler_alone_completes_what_redis_lost(
    database, engine_database, redis_client, owner, ledger, new_tenant
) -> None:
    tenant_id = await new_tenant()
    await emit_events(database, tenant_id, 1, 2)
    consumer = Consumer(ledger, engine_database)
    partition = partition_of(tenant_id, PARTITIONS)
    actor = EngineActor(consumer, redis_client, partition, "test-0")
    reconciler = Reconciler(consumer, {partition: actor})
    assert await reconciler.step() == 1
    await actor.step(actor.mailbox.get_nowait())
    assert await effects(owner, tenant_id) == [1, 2]
    assert await reconciler.step() == 0


async def test_the_reconciler_finds_a_tenant_whose_log_never_rests(
    database, engine_database, redis_client, owner, ledger, new_tenant
) -> None:
    tenant_id = await new_tenant()
    consumer = Consumer(ledger, engine_database)
    partition = partition_of(tenant_id, PARTITIONS)
    reconciler = Reconciler(consumer, {partition: EngineActor(consumer, redis_client, partition, "test-0")})
    await emit_events(database, tenant_id, 1)
    await consumer.step([tenant_id])
    await reconciler.step()
    await emit_events(database, tenant_id, 2)
    assert await reconciler.step() == 0, "the stream gets its moment"
    await owner.execute("update consumer_cursor set updated_at = now() - interval '2 s'")
    await emit_events(database, tenant_id, 3)
    assert await reconciler.step() == 1


async def test_a_connection_closed_under_the_driver_is_an_error_of_redis(redis_client) -> None:
    await redis_client.ping()
    [connection] = redis_client.connection_pool._available_connections

    class Closed:
        transport = None

        def close(self) -> None: ...

        def writelines(self, _parts) -> None:
            raise RuntimeError(
                "unable to perform operation on <TCPTransport closed=True>; the handler is closed"
            )

    writer, connection._writer = connection._writer, Closed()
    writer.close()
    with pytest.raises(RedisConnectionError):
        await connection.send_packed_command([b"PING"], check_health=False)


async def test_forged_and_ghost_entries_have_no_effect(
    database, engine_database, redis_client, owner, ledger, new_tenant
) -> None:
    tenant_id, nobody = await new_tenant(), "00000000-0000-7000-8000-000000000001"
    await emit_events(database, tenant_id, 1)
    partition = partition_of(tenant_id, PARTITIONS)
    await ensure_group(redis_client, partition, "ledger")
    key = stream_key(partition)
    await redis_client.xadd(
        key, {"tenant_id": str(tenant_id), "tenant_seq": "999", "event_type": "stock_updated"}
    )
    await redis_client.xadd(key, {"tenant_id": nobody, "tenant_seq": "1", "event_type": "stock_updated"})
    await redis_client.xadd(key, {"tenant_id": "nonsense"})
    actor = EngineActor(Consumer(ledger, engine_database), redis_client, partition, "test-0")
    messages = await actor._read(">", block_ms=None)
    await actor._deliver(messages)
    await actor.step(actor.mailbox.get_nowait())
    assert await effects(owner, tenant_id) == [1]
    assert await cursor(owner, "ledger", nobody) is None
    assert (await redis_client.xpending(key, "ledger"))["pending"] == 0


async def test_a_message_merges_with_the_next_one() -> None:
    message = Message(set(), [b"1-0"])
    message.merge(Message(set(), [b"2-0"]))
    assert message.entry_ids == [b"1-0", b"2-0"]


async def test_tenants_left_behind_follow_a_few_at_a_time(
    database, engine_database, redis_client, owner, ledger, new_tenant, monkeypatch
) -> None:
    """A batch of few tenants holds many events of each, so that their rows are read and written less often."""
    monkeypatch.setattr("runtime.events.engine_actor.BEHIND_TENANTS", 2)
    tenants = [await new_tenant() for _ in range(5)]
    for tenant_id in tenants:
        await emit_events(database, tenant_id, *range(1, 9))
    turns = []

    class Watched(Consumer):
        async def step(self, tenants, *, suspicious=False):
            progress = await super().step(tenants, suspicious=suspicious)
            turns.append((len(tenants), progress.events))
            return progress

    actor = EngineActor(Watched(ledger, engine_database, batch_events=10), redis_client, 0, "test-0")
    await actor.step(Message(set(tenants)))
    assert turns == [(5, 10), (2, 10), (2, 10), (1, 6), (2, 2), (2, 2)]
    for tenant_id in tenants:
        assert await effects(owner, tenant_id) == list(range(1, 9))
