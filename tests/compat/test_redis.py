"""Redis as it may be elsewhere: of another version, full, failed over to a replica that is behind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest
import redis.asyncio as redis
from redis.exceptions import RedisError, ResponseError

from runtime.data.ids import partition_of
from runtime.errors import StartupError
from runtime.events.consumer import Consumer
from runtime.events.engine_actor import EngineActor
from runtime.events.redis_check import check_redis
from runtime.events.relay import Relay
from runtime.events.streams import ensure_group, is_group_gone, open_redis, stream_key
from runtime.events.wake import WakeSignal
from tests.compat.servers import RedisServer, redis_servers, running
from tests.faults.process import Program
from tests.faults.proxy import Proxy
from tests.support.events import PARTITIONS, cursor, effects, emit_events

SERVERS = redis_servers()


@pytest.fixture(params=["valkey", "redis"])
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[RedisServer]:
    if request.param not in SERVERS:
        pytest.skip(f"{request.param}-server is not on this machine")
    made = RedisServer(tmp_path / "redis", SERVERS[request.param])
    with running(made):
        yield await made.ready()


@pytest.fixture
async def client(server: RedisServer) -> AsyncIterator[redis.Redis]:
    opened = open_redis(server.url)
    yield opened
    await opened.aclose()


async def read(client: redis.Redis, *, block_ms: int | None) -> None:
    await client.xreadgroup("ledger", "one", {stream_key(0): ">"}, block=block_ms)


async def test_every_way_in_which_a_group_goes_is_told_from_other_errors(client) -> None:
    async def gone(harm, *, block_ms: int | None) -> bool:
        await ensure_group(client, 0, "ledger")
        async with anyio.create_task_group() as tasks:
            found = []

            async def wait() -> None:
                try:
                    await read(client, block_ms=block_ms)
                except ResponseError as error:
                    found.append(error)

            if block_ms is not None:
                tasks.start_soon(wait)
                with anyio.fail_after(5):
                    while not (await client.info("clients"))["blocked_clients"]:
                        await anyio.sleep(0.01)
                await harm()
            else:
                await harm()
                await wait()
        return len(found) == 1 and is_group_gone(found[0])

    for harm in (
        lambda: client.flushall(),
        lambda: client.delete(stream_key(0)),
        lambda: client.xgroup_destroy(stream_key(0), "ledger"),
    ):
        assert await gone(harm, block_ms=None)
        assert await gone(harm, block_ms=5_000)
    assert not is_group_gone(
        ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value")
    )


async def test_a_group_that_is_made_late_reads_what_was_published_before(client) -> None:
    await client.xadd(stream_key(0), {"n": 1})
    await ensure_group(client, 0, "ledger")
    await ensure_group(client, 0, "ledger")
    answer = await client.xreadgroup("ledger", "one", {stream_key(0): ">"})
    assert len(answer[0][1]) == 1


async def test_a_command_whose_reply_is_lost_is_not_sent_again(server, client) -> None:
    """The driver's own habit would publish an entry twice and more."""

    proxy = Proxy(server.port)
    await proxy.start()
    through = open_redis(f"redis://127.0.0.1:{proxy.port}/0", timeout_s=0.3)
    try:
        await through.ping()
        proxy.lose_replies()
        with pytest.raises((RedisError, TimeoutError)):
            await through.xadd("entries", {"n": 1})
        assert await client.xlen("entries") == 1
    finally:
        await through.aclose()
        await proxy.stop()


async def test_a_full_server_leaves_the_events_in_the_log_until_there_is_room(
    database, relay_database, owner, server, client, new_tenant
) -> None:
    tenant_id = await new_tenant()
    await emit_events(database, tenant_id, 1, 2)
    relay = Relay(relay_database, client, WakeSignal(), partitions=PARTITIONS)
    await client.config_set("maxmemory", 1)
    with pytest.raises(ResponseError, match="maxmemory"):
        await relay.step()
    assert (await cursor(owner, "relay", tenant_id))["last_seq"] == 0
    await client.config_set("maxmemory", 0)
    relay._swept_at = float("-inf")
    await relay.step()
    assert await client.xlen(stream_key(partition_of(tenant_id, PARTITIONS))) == 2


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl", "allkeys-random"])
async def test_a_server_that_forgets_what_it_was_given_is_refused(client, policy: str) -> None:
    await check_redis(client)
    await client.config_set("maxmemory-policy", policy)
    with pytest.raises(StartupError, match=f"maxmemory-policy is {policy}"):
        await check_redis(client)


async def test_the_program_does_not_start_on_a_server_that_forgets(
    settings, server, client, tmp_path: Path
) -> None:
    await client.config_set("maxmemory-policy", "allkeys-lru")
    program = Program(settings.having(redis_url=server.url), tmp_path / "log", roles="relay")
    program.spawn()
    try:
        with anyio.fail_after(20):
            while program.exit_code is None:
                await anyio.sleep(0.05)
    finally:
        program.stop()
    assert program.exit_code == 1
    assert "maxmemory-policy is allkeys-lru" in program.output()


async def test_a_server_that_is_away_or_tells_nothing_of_itself_is_no_reason_not_to_start(
    server, client
) -> None:
    await client.acl_setuser("reader", enabled=True, passwords=["+secret"], categories=["-@all"], keys=["*"])
    limited = open_redis(f"redis://reader:secret@127.0.0.1:{server.port}/0")
    await check_redis(limited)
    await limited.aclose()
    server.kill()
    await check_redis(client)


async def test_a_failover_to_a_replica_that_is_behind_costs_no_effect_and_repeats_none(
    database, engine_database, relay_database, owner, tmp_path: Path, ledger, new_tenant
) -> None:
    """What was acknowledged is pending again, what was published is gone, and what never was is there."""
    tenant_id = await new_tenant()
    partition = partition_of(tenant_id, PARTITIONS)
    primary, replica = (
        RedisServer(tmp_path / name, SERVERS["valkey"], **{"repl-diskless-sync-delay": "0"})
        for name in ("primary", "replica")
    )
    with running(primary, replica):
        await primary.ready()
        await replica.ready()
        first, second = open_redis(primary.url), open_redis(replica.url)
        await second.replicaof("127.0.0.1", primary.port)
        consumer = Consumer(ledger, engine_database)

        async def one_turn(client: redis.Redis) -> None:
            relay = Relay(relay_database, client, WakeSignal(), partitions=PARTITIONS)
            await relay.step()
            actor = EngineActor(consumer, client, partition, "test-0")
            await ensure_group(client, partition, "ledger")
            await actor._reread_own()
            await actor._deliver(await actor._read(">", block_ms=None))
            while not actor.mailbox.empty():
                await actor.step(actor.mailbox.get_nowait())

        await emit_events(database, tenant_id, 1, 2)
        await one_turn(first)
        with anyio.fail_after(10):
            while await second.xlen(stream_key(partition)) != 2:
                await anyio.sleep(0.02)
        await second.replicaof("NO", "ONE")
        await emit_events(database, tenant_id, 3, 4)
        await one_turn(first)
        await emit_events(database, tenant_id, 5)
        await Relay(relay_database, first, WakeSignal(), partitions=PARTITIONS).step()
        primary.kill()
        await second.xadd(
            stream_key(partition),
            {"tenant_id": str(tenant_id), "tenant_seq": "99", "event_type": "stock_updated"},
        )
        await one_turn(second)
        assert await effects(owner, tenant_id) == [1, 2, 3, 4, 5]
        await emit_events(database, tenant_id, 6)
        await one_turn(second)
        assert await effects(owner, tenant_id) == [1, 2, 3, 4, 5, 6]
        await first.aclose()
        await second.aclose()
