"""What only reads is answered by a real streaming standby, except for who has just written; and by nobody too old."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import asyncpg
import pytest
import redis.asyncio as redis
from aiohttp.test_utils import TestClient, TestServer

from handlers.vertical import api_application
from runtime.data.database import Database
from runtime.data.replica import Replica
from runtime.events.streams import open_redis
from runtime.host import metrics
from runtime.host.embedded import Endpoints
from runtime.host.ops import Readiness
from runtime.settings import Settings
from runtime.web.routing import Operation
from tests.conftest import _endpoints, _make_template, in_database
from tests.support.operations import OPERATIONS, Things
from tests.support.standby import Standby
from tests.support.stores import ApiClient, Store
from tests.support.traded import trade

DEADLINE_S = 20.0
LONG_S = 300
STALE = [operation for operation in OPERATIONS if operation.stale]
EXPORTS = [operation for operation in OPERATIONS if operation.path.startswith("/api/v1/exports/")]


@pytest.fixture(scope="module")
def pair() -> Iterator[Standby]:
    home = Path(tempfile.mkdtemp(prefix="basecommerce-standby-"))
    home.chmod(0o711)
    pair = Standby(home)
    try:
        pair.start()
        yield pair
    finally:
        pair.stop()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def servers(pair: Standby, request: pytest.FixtureRequest) -> Endpoints:
    """The primary of the pair in place of the run's PostgreSQL."""
    return Endpoints(pair.primary.url, _endpoints(request.config).redis_url)


@pytest.fixture(scope="module")
def template_database(servers: Endpoints) -> str:
    asyncio.run(_make_template(servers.database_url, "replicated"))
    return "replicated"


@pytest.fixture
def standby_url(pair: Standby, database_url: str) -> str:
    return in_database(pair.standby.url, database_url.partition("?")[0].rsplit("/", 1)[-1])


@pytest.fixture
async def watched(standby_url: str) -> AsyncIterator[asyncpg.Connection]:
    """The standby as its superuser sees it; replays again when the test is over."""
    with anyio.fail_after(DEADLINE_S):
        while True:
            try:
                connection = await asyncpg.connect(standby_url)
                break
            except asyncpg.PostgresError:  # the database has not arrived yet
                await anyio.sleep(0.02)
    yield connection
    if not connection.is_closed():
        await connection.execute("select pg_wal_replay_resume()")
        await connection.close()


Serve = Callable[..., Awaitable[tuple[ApiClient, Replica]]]


@pytest.fixture
async def serve(
    settings: Settings, database: Database, store: Store, standby_url: str, watched: asyncpg.Connection
) -> AsyncIterator[Serve]:
    """A function that serves the API with a replica, whose actor the test is, and gives a client of it."""
    async with AsyncExitStack() as stack:

        async def connect() -> Database:
            return await Database.open(standby_url, "api", size=2)

        async def serve(*, max_lag_s: float = LONG_S) -> tuple[ApiClient, Replica]:
            replica = Replica(database, connect, max_lag_s=max_lag_s)
            stack.push_async_callback(replica.close)
            connection = await stack.enter_async_context(redis.Redis.from_url(settings.redis_url))
            application = api_application(settings, database, connection, Readiness(), replica)
            http = await stack.enter_async_context(TestClient(TestServer(application)))
            await arrived(database, watched)
            await replica.step()
            assert replica.database is not None
            return ApiClient(http, store.slug), replica

        yield serve


async def arrived(primary: Database, watched: asyncpg.Connection) -> None:
    """Wait until the standby has everything that the primary has now."""
    async with primary.transaction() as tx:
        wanted = await tx._connection.fetchval("select pg_current_wal_flush_lsn()::text")
    with anyio.fail_after(DEADLINE_S):
        while not await watched.fetchval(
            "select pg_last_wal_replay_lsn() >= $1::text::pg_lsn", wanted, timeout=5
        ):
            await anyio.sleep(0.01)


async def names(client: ApiClient) -> set[str]:
    return {found["name"] for found in (await client.json("GET", "customers", status=200))["items"]}


async def add(client: ApiClient, name: str) -> str:
    made = await client.json("POST", "customers", {"kind": "person", "name": name}, status=201)
    return str(made["id"])


def reads() -> dict[str, float]:
    """How often each outcome has been counted."""
    return {
        outcome: metrics.REPLICA_READS.labels(outcome)._value.get()
        for outcome in ("replica", "own_write", "replica_unfit", "replica_lacked", "replica_failed")
    }


async def test_lists_come_from_the_standby_but_who_has_written_sees_it_at_once_and_single_things_are_never_old(
    serve: Serve, watched: asyncpg.Connection, database: Database, store: Store
) -> None:
    owner, _ = await serve()
    seller = owner.at(owner.slug)
    await owner.login("owner")
    await seller.login("seller")
    await arrived(database, watched)
    await watched.execute("select pg_wal_replay_pause()")

    customer = await add(seller, "Ana")
    assert "Ana" in await names(seller)
    assert "Ana" not in await names(owner)
    assert (await owner.json("GET", f"customers/{customer}", status=200))["name"] == "Ana"
    assert b"Ana" not in await (await owner.get("exports/customers")).read()
    assert b"Ana" in await (await seller.get("customers", params={"q": "ana"})).read()
    # What was not found where it may be too new is looked for where it would be.
    assert (await owner.get(f"customers/{customer}/sites")).status == 200
    assert (await owner.get(f"customers/{store.id}/sites")).status == 404

    await watched.execute("select pg_wal_replay_resume()")
    await arrived(database, watched)
    assert "Ana" in await names(owner)


async def test_a_write_is_seen_through_another_process_too(
    serve: Serve, watched: asyncpg.Connection, database: Database
) -> None:
    one, _ = await serve()
    other, _ = await serve()
    await one.login("owner")
    other.headers = dict(one.headers)
    assert await names(other) == set()
    await arrived(database, watched)
    await watched.execute("select pg_wal_replay_pause()")
    await add(one, "Bia")
    assert "Bia" in await names(other)


async def test_a_write_that_was_answered_before_and_one_that_was_refused_leave_the_mark_as_well(
    serve: Serve, watched: asyncpg.Connection, database: Database, settings: Settings
) -> None:
    owner, _ = await serve()
    await owner.login("owner")
    key = {"Idempotency-Key": "one"}
    body = {"kind": "person", "name": "Caio"}
    async with redis.Redis.from_url(settings.redis_url) as client:
        for _ in range(2):
            assert (await owner.post("customers", json=body, headers=key)).status == 201
            [mark] = await client.keys("wrote:*")
            assert 0 < await client.pttl(mark) <= 1000 * LONG_S + 500
            await client.delete(mark)
        assert (await owner.post("customers", json={"kind": "person"})).status == 422
        assert await client.keys("wrote:*")


async def test_a_standby_that_falls_too_far_behind_is_left_alone_until_it_has_caught_up(
    serve: Serve, watched: asyncpg.Connection, database: Database
) -> None:
    owner, replica = await serve(max_lag_s=0.5)
    seller = owner.at(owner.slug)
    await owner.login("owner")
    await seller.login("seller")
    await watched.execute("select pg_wal_replay_pause()")
    await add(seller, "Davi")
    with anyio.fail_after(DEADLINE_S):
        while replica.database is not None:
            await replica.step()
            await anyio.sleep(0.02)
    assert "Davi" in await names(owner)

    await watched.execute("select pg_wal_replay_resume()")
    await arrived(database, watched)
    with anyio.fail_after(DEADLINE_S):
        while replica.database is None:
            await replica.step()
    assert replica.lag_s < 0.5


async def test_when_the_standby_is_killed_nobody_notices_and_it_is_used_again_when_it_is_back(
    serve: Serve, pair: Standby, watched: asyncpg.Connection
) -> None:
    owner, replica = await serve()
    await owner.login("owner")
    before = reads()
    assert await names(owner) == set()
    await anyio.to_thread.run_sync(pair.kill_standby)
    for _ in range(3):
        assert await names(owner) == set()
    after = reads()
    assert {name: after[name] - before[name] for name in after} == {
        "replica": 1, "replica_failed": 1, "replica_unfit": 2, "replica_lacked": 0, "own_write": 0,
    }  # fmt: skip
    await replica.step()
    assert replica.database is None
    pair.start_standby()
    with anyio.fail_after(DEADLINE_S):
        while replica.database is None:
            await replica.step()
            await anyio.sleep(0.02)
    assert await names(owner) == set()
    assert reads()["replica"] == after["replica"] + 1


async def test_while_redis_cannot_tell_who_has_written_the_primary_answers(
    serve: Serve, settings: Settings, database: Database
) -> None:
    owner, replica = await serve()
    await owner.login("owner")
    before = reads()
    away = open_redis("redis://127.0.0.1:1", timeout_s=0.2)
    async with TestClient(
        TestServer(api_application(settings, database, away, Readiness(), replica))
    ) as http:
        client = ApiClient(http, owner.slug)
        client.headers = dict(owner.headers)
        assert await names(client) == set()
        await add(client, "Eva")
        assert "Eva" in await names(client)
    assert reads()["own_write"] == before["own_write"] + 2


async def test_a_server_that_is_no_standby_is_not_used(database: Database, settings: Settings) -> None:
    async def connect() -> Database:
        return await Database.open(settings.database_url, "api", size=1)

    replica = Replica(database, connect, max_lag_s=LONG_S)
    await replica.step()
    assert replica.database is None
    await replica.close()


async def test_a_standby_of_another_server_is_not_used(
    standby_url: str, watched: asyncpg.Connection, request: pytest.FixtureRequest
) -> None:
    async def connect() -> Database:
        return await Database.open(standby_url, "api", size=1)

    other = await asyncpg.create_pool(_endpoints(request.config).database_url, min_size=1, max_size=1)
    replica = Replica(Database(other, "api"), connect, max_lag_s=LONG_S)
    await replica.step()
    assert replica.database is None
    await replica.close()
    await other.close()


def test_every_list_of_a_store_may_come_from_the_replica() -> None:
    fresh = [
        operation.path
        for operation in OPERATIONS
        if operation.method == "GET"
        and not operation.public
        and _fields(operation) >= {"items", "next_cursor"}
        and not operation.stale
    ]
    assert fresh == []


def _fields(operation: Operation) -> set[str]:
    return set(getattr(operation.answers, "model_fields", ()))


async def test_every_operation_that_may_be_stale_is_answered_by_the_standby_alone(
    serve: Serve, store: Store, settings: Settings, database: Database, watched: asyncpg.Connection
) -> None:
    owner, replica = await serve()
    await owner.login("owner")
    schema_owner = await asyncpg.connect(settings.database_url)
    things = Things(await trade(schema_owner, owner, store, "Zulu"))
    await schema_owner.close()
    async with redis.Redis.from_url(settings.redis_url) as client:
        await client.delete(*await client.keys("wrote:*"))
    await arrived(database, watched)
    assert STALE
    assert EXPORTS
    for operation in (*STALE, *EXPORTS):
        await replica.step()
        before = reads()
        answer = await owner.get(things.path(operation))
        assert answer.status < 500, operation.path
        await answer.read()
        after = reads()
        outcome = "replica_lacked" if answer.status == 404 else "replica"
        assert {name for name in after if after[name] != before[name]} == {outcome}, (
            operation.path,
            answer.status,
        )
