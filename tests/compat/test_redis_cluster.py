"""A real Redis Cluster of three: its nodes are killed and frozen, its slots move, and no effect is lost or repeated."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from uuid import UUID, uuid4

import aiohttp
import anyio
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import DataError, RedisError

from handlers.events import CONSUMERS
from runtime.app import _redis_check
from runtime.commands.doctor import _redis
from runtime.data.ids import new_id, partition_of
from runtime.data.oracles import run_oracles
from runtime.errors import StartupError
from runtime.events.maintenance import trim_streams
from runtime.events.redis_check import check_redis
from runtime.events.redis_cluster import ClusterClient
from runtime.events.streams import memory_of, open_redis, stream_key, stream_lengths
from runtime.web.attempts import RedisAttempts
from runtime.web.sessions import Sessions
from tests.compat.cluster import Cluster, Node, cluster_of_three, pipeline
from tests.faults.load import Shop
from tests.faults.process import Program
from tests.support.events import PARTITIONS, cursor, effects, emit_events
from tests.support.stores import create_store

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster_of_three(tmp_path_factory.mktemp("cluster")) as made:
        yield made


@pytest.fixture(autouse=True)
def empty_and_whole(cluster: Cluster) -> None:
    cluster.be_whole()
    for node in cluster.nodes:
        node.tell("FLUSHALL")


@pytest.fixture
async def client(cluster: Cluster) -> AsyncIterator[ClusterClient]:
    opened = open_redis(cluster.url, cluster=True, timeout_s=1.0)
    yield opened
    await opened.aclose()


@pytest.fixture
async def tenants(new_tenant: Callable[[], Awaitable[UUID]]) -> dict[int, UUID]:
    """A tenant in every partition."""
    found: dict[int, UUID] = {}
    while len(found) < PARTITIONS:
        tenant_id = await new_tenant()
        found.setdefault(partition_of(tenant_id, PARTITIONS), tenant_id)
    return found


@pytest.fixture
def at_work(cluster, ledger, database, relay_database, engine_database, monkeypatch):
    """The pipeline on the cluster; its relay looks soon for a node that was away."""
    monkeypatch.setattr("runtime.events.relay.AWAY_S", 0.2)

    def make(*, reconciled: bool = False):
        return pipeline(cluster.url, ledger, database, relay_database, engine_database, reconciled=reconciled)

    return make


async def until_effects(owner, tenants, wanted: list[int], *, deadline_s: float = 15) -> None:
    with anyio.fail_after(deadline_s):
        while [await effects(owner, tenant_id) for tenant_id in tenants] != [wanted] * len(tenants):
            await anyio.sleep(0.02)


async def until_published(owner, tenant_id: UUID, seq: int) -> None:
    with anyio.fail_after(15):
        while (found := await cursor(owner, "relay", tenant_id)) is None or found["last_seq"] < seq:
            await anyio.sleep(0.02)


async def test_every_partition_is_published_to_its_node_and_followed_by_its_stream_alone(
    cluster, client, at_work, owner, database, tenants
) -> None:
    async with at_work():
        for round_number in (1, 2):
            for tenant_id in tenants.values():
                await emit_events(database, tenant_id, round_number)
        await until_effects(owner, tenants.values(), [1, 2])
        assert await stream_lengths(client, range(PARTITIONS)) == dict.fromkeys(range(PARTITIONS), 2)
    held = [len(node.client.keys("events:*")) for node in cluster.nodes]
    assert sum(held) == PARTITIONS
    assert all(held), "every node has its part"


async def test_a_dead_node_leaves_its_partitions_to_the_reconciler_and_its_return_heals_them(
    cluster, at_work, owner, database, tenants, scheduler_database, client
) -> None:
    dead = cluster.holder(0)
    gone = {partition for partition in tenants if cluster.holder(partition) is dead}
    others = tenants.keys() - gone
    assert gone
    assert others
    async with at_work(reconciled=True):
        for tenant_id in tenants.values():
            await emit_events(database, tenant_id, 1)
        await until_effects(owner, tenants.values(), [1])
        dead.kill()
        try:
            for tenant_id in tenants.values():
                await emit_events(database, tenant_id, 2)
            await until_effects(owner, tenants.values(), [1, 2])
            for partition in others:
                await until_published(owner, tenants[partition], 2)
            for partition in gone:
                assert (await cursor(owner, "relay", tenants[partition]))["last_seq"] == 1
            assert (await stream_lengths(client, range(PARTITIONS))).keys() == others
            assert (await memory_of(client))[0] > 0
            assert f"127.0.0.1:{dead.port}" in str(await _redis_check(client)())
            await trim_streams(scheduler_database, client, PARTITIONS)
        finally:
            dead.spawn()
        for tenant_id in tenants.values():
            await until_published(owner, tenant_id, 2)
            await emit_events(database, tenant_id, 3)
        await until_effects(owner, tenants.values(), [1, 2, 3])
    assert await client.xlen(stream_key(0)) == 3


async def test_a_frozen_node_holds_no_other_partition_up(
    cluster, at_work, owner, database, tenants, monkeypatch
) -> None:
    monkeypatch.setattr("runtime.events.relay.REDIS_DEADLINE_S", 0.3)
    frozen = cluster.holder(0)
    others = [tenants[partition] for partition in tenants if cluster.holder(partition) is not frozen]
    async with at_work():
        for tenant_id in tenants.values():
            await emit_events(database, tenant_id, 1)
        await until_effects(owner, tenants.values(), [1])
        frozen.freeze(True)
        try:
            for tenant_id in tenants.values():
                await emit_events(database, tenant_id, 2)
            await until_effects(owner, others, [1, 2], deadline_s=5)
        finally:
            frozen.freeze(False)
        await until_effects(owner, tenants.values(), [1, 2])


async def test_a_slot_that_moves_takes_its_stream_along(
    cluster, at_work, owner, database, tenants, client
) -> None:
    source = cluster.holder(1)
    target = next(node for node in cluster.nodes if node is not source)
    async with at_work():
        for tenant_id in tenants.values():
            await emit_events(database, tenant_id, 1)
        await until_effects(owner, tenants.values(), [1])
        assert await client.xlen(stream_key(1)) == 1
        cluster.move(1, target)
        for tenant_id in tenants.values():
            await emit_events(database, tenant_id, 2)
        await until_effects(owner, tenants.values(), [1, 2], deadline_s=5)
        assert await client.xlen(stream_key(1)) == 2
    assert source.client.keys(stream_key(1)) == []
    cluster.move(1, source)


async def test_a_key_on_its_way_to_another_node_is_found_there(cluster, client) -> None:
    source = cluster.holder(2)
    target = next(node for node in cluster.nodes if node is not source)
    key, slot = stream_key(2), 5649
    await client.xadd(key, {"n": 1})
    target.tell("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
    source.tell("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)
    source.tell("MIGRATE", "127.0.0.1", target.port, key, 0, 5000)
    try:
        await client.xadd(key, {"n": 2})
        assert await client.xlen(key) == 2
    finally:
        for node in (target, source, *cluster.nodes):
            node.tell("CLUSTER", "SETSLOT", slot, "NODE", target.id)
        cluster.move(2, source)


async def test_a_replica_that_takes_over_is_found_by_those_who_knew_the_primary(
    cluster, at_work, owner, database, tenants, tmp_path
) -> None:
    replica = Node(tmp_path / "replica")
    async with at_work():
        for tenant_id in tenants.values():
            await emit_events(database, tenant_id, 1)
        await until_effects(owner, tenants.values(), [1])
        await anyio.to_thread.run_sync(cluster.replace, cluster.holder(0), replica)
        for tenant_id in tenants.values():
            await emit_events(database, tenant_id, 2)
        await until_effects(owner, tenants.values(), [1, 2])


async def test_the_program_signs_in_sells_and_follows_on_a_cluster(
    cluster, settings, database, client, tmp_path
) -> None:
    program = Program(
        settings.having(redis_url=cluster.url), tmp_path / "log", extra={"REDIS_CLUSTER": "true"}
    )
    await create_store(database, "first-yard")
    try:
        await program.start()
        shop = Shop(program.url, "first-yard")
        async with aiohttp.ClientSession() as http:
            await shop.open(http, "owner@first-yard.localhost", 2)
        said = ["never asked"]
        with anyio.fail_after(15):
            while said:
                said = [violation.oracle for violation in await run_oracles(database, CONSUMERS)]
        assert any(node.client.keys("sess:*") for node in cluster.nodes)
        assert sum((await stream_lengths(client, range(PARTITIONS))).values()) > 0
        assert await program.terminate() == 0
    finally:
        program.stop()
    for trouble in ("partition waits", "login_counters_in_memory", "redis_away"):
        assert trouble not in program.output()


async def test_sign_in_counters_of_one_subject_are_one_transaction_on_one_node(client) -> None:
    attempts = RedisAttempts(client)
    subjects = [f"rl:login:{uuid4()}" for _ in range(12)]
    for subject in subjects:
        assert (await attempts.enter(subject, "a")).under_way == 1
        assert (await attempts.enter(subject, "b")).under_way == 2
        assert await attempts.fail(subject, 60) == 1
        await attempts.block(subject, 60)
    await attempts.leave(subjects, "a")
    for subject in subjects:
        standing = await attempts.enter(subject, "c")
        assert (standing.failures, standing.under_way) == (1, 2)
        assert standing.blocked_s > 50
        await attempts.forget(subject)


async def test_a_transaction_over_several_slots_is_refused(client) -> None:
    pipe = client.pipeline(transaction=True)
    pipe.set("one", 1)
    pipe.set("two", 2)
    with pytest.raises(DataError, match="one slot"):
        await pipe.execute()
    assert await client.get("one") is None


async def test_sessions_are_doubted_on_every_node_that_answers(cluster, client, database) -> None:
    sessions = Sessions(database, client)
    tenant_id, session_ids = new_id(), [new_id() for _ in range(20)]
    await sessions.doubt(tenant_id, session_ids)
    held = [len(node.client.keys("sess:*")) for node in cluster.nodes]
    assert sum(held) == 20
    assert all(held)


async def test_a_pipeline_is_run_where_nodes_answer_and_raises_for_those_that_do_not(cluster) -> None:
    hasty = open_redis(cluster.url, cluster=True, timeout_s=0.2)
    await hasty.know_nodes()
    frozen, *others = cluster.nodes
    frozen.freeze(True)
    try:
        pipe = hasty.pipeline(transaction=False)
        for number in range(30):
            pipe.set(f"key {number}", 1)
        with pytest.raises((RedisError, TimeoutError)):
            await pipe.execute()
        assert sum(node.client.dbsize() for node in others) > 10
    finally:
        frozen.freeze(False)
        await hasty.aclose()


async def test_one_living_node_of_those_that_are_named_is_enough_to_find_the_others(cluster) -> None:
    opened = open_redis(f"redis://127.0.0.1:1/0,{cluster.nodes[1].url}", cluster=True)
    await opened.set("a key", 1)
    assert len(opened.nodes) == 3
    assert opened.unheld_slots == 0
    await opened.aclose()


async def test_a_cluster_that_is_not_expected_is_refused_and_a_server_alone_where_one_is(
    cluster, client, redis_url
) -> None:
    await check_redis(client)
    for url, expected, said in (
        (cluster.nodes[0].url, False, "set REDIS_CLUSTER=true"),
        (redis_url, True, "not part of a Redis Cluster"),
    ):
        opened = open_redis(url, cluster=expected)
        with pytest.raises(StartupError, match=said):
            await check_redis(opened)
        await opened.aclose()


async def test_a_node_that_forgets_is_refused_whichever_it_is(cluster, client) -> None:
    node = cluster.nodes[2]
    node.tell("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    try:
        with pytest.raises(StartupError, match=rf"allkeys-lru \(127.0.0.1:{node.port}\)"):
            await check_redis(client)
    finally:
        node.tell("CONFIG", "SET", "maxmemory-policy", "noeviction")


async def test_the_doctor_looks_at_every_node(cluster, settings) -> None:
    clustered = settings.having(redis_url=cluster.url, redis_cluster=True)
    findings = [finding async for finding in _redis(clustered)]
    for node in cluster.nodes:
        assert sum(f"127.0.0.1:{node.port}" in finding.what for finding in findings) == 3
    assert {finding.advice for finding in findings} == {None}


async def test_without_any_node_a_command_fails_at_once_like_one_to_a_server_that_is_away() -> None:
    away = open_redis("redis://127.0.0.1:1/0", cluster=True)
    for _ in range(2):
        with pytest.raises(RedisConnectionError, match="no node"):
            await away.get("a key")
    await check_redis(away)
    await away.aclose()
