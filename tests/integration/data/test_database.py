"""Connections that break, and servers that change their part, leave the pool as good as new."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import UUID

import anyio
import asyncpg
import pytest

from runtime.data import database as database_module
from runtime.data.connection import Step
from runtime.data.database import Database
from runtime.data.errors import ReadOnlyServerError
from runtime.data.queries import Query
from runtime.data.transactions import Transaction
from runtime.errors import RetryLaterError
from tests.faults.proxy import Proxy

ONE = Query("one", "select 1", (), "")
NOTHING = Query("nothing", "select", (), "")
SLEEP = Query("sleep", "select pg_sleep(20)", (), "")
BACKEND = Query("backend", "select pg_backend_pid()", (), "")
FAILOVER = Query(
    "failover", "do $$ begin raise exception 'read-only' using errcode = '25006'; end $$", (), ""
)


@pytest.fixture
async def pair(settings):
    """The API's database with two connections, both open."""
    opened = await Database.open(settings.database_url_of("api"), "api", size=2, minimum=2)
    yield opened
    await opened.close()


async def backends(database: Database) -> set[int]:
    async with database.transaction() as one, database.transaction() as other:
        return {await one.fetch_value(BACKEND), await other.fetch_value(BACKEND)}


async def test_after_a_failover_no_connection_leads_to_the_former_primary(pair) -> None:
    before = await backends(pair)
    with pytest.raises(ReadOnlyServerError):
        async with pair.transaction() as tx:
            await tx.execute(FAILOVER)
    assert before.isdisjoint(await backends(pair))


async def test_a_rollback_that_the_driver_cannot_make_sense_of_ends_the_connection(pair) -> None:
    """asyncpg's InternalClientError is a bare Exception; it must not hide what went wrong in the block."""
    with pytest.raises(ZeroDivisionError):
        async with pair.transaction() as tx:
            broken = tx._connection

            class Broken:
                def is_closed(self) -> bool:
                    return False

                async def execute(self, *_: object, **__: object) -> None:
                    raise asyncpg.InternalClientError("got result for unknown protocol state 3")

                def terminate(self) -> None:
                    broken.terminate()

            tx._connection = Broken()
            raise ZeroDivisionError
    async with pair.transaction() as tx:
        assert await tx.fetch_value(ONE) == 1


async def test_a_connection_lost_after_the_commit_changes_nothing_of_it(pair, monkeypatch) -> None:
    async def lost(*_: object, **__: object) -> None:
        raise asyncpg.InternalClientError("lost")

    async with pair.transaction() as tx:
        monkeypatch.setattr("asyncpg.pool.PoolConnectionHolder.release", lost)
        connection = tx._connection
        assert await tx.fetch_value(ONE) == 1
    monkeypatch.undo()
    await pair._pool.release(connection)


async def test_a_login_that_the_server_refuses_is_a_dependency_that_is_away(settings) -> None:
    """Also for a role that does not exist (SQLSTATE 28000) or a database that is gone (3D000)."""
    with pytest.raises(RetryLaterError):
        await Database.open(f"{settings.database_url_of('api')}_gone", "api", size=1)


async def test_a_connection_that_answers_no_more_is_given_up_soon_after_the_servers_own_limit(
    settings, monkeypatch
) -> None:
    """Half open: the other end is gone without a word, and only our own patience ends the wait."""
    monkeypatch.setitem(database_module._LIMITS_S["relay"], "statement_timeout", 0)
    monkeypatch.setattr(database_module, "_REPLY_GRACE_S", 0.3)
    opened = await Database.open(settings.database_url_of("relay"), "relay", size=1)
    try:
        with anyio.fail_after(5), pytest.raises(RetryLaterError):
            async with opened.transaction() as tx:
                await tx.execute(SLEEP)
        async with opened.transaction() as tx:
            assert await tx.fetch_value(ONE) == 1
    finally:
        await opened.close()


async def test_a_transaction_that_lasts_too_long_is_ended_by_the_server(settings, monkeypatch) -> None:
    monkeypatch.setitem(database_module._TRANSACTION_LIMITS_S, "engine", 1)
    opened = await Database.open(settings.database_url_of("engine"), "engine", size=1)
    try:
        with anyio.fail_after(5), pytest.raises(RetryLaterError):
            async with opened.transaction() as tx:
                while True:
                    await tx.fetch_value(ONE)
                    await anyio.sleep(0.05)
    finally:
        await opened.close()


async def test_every_role_waits_for_a_reply_longer_than_the_server_works_on_it_and_heals_within_seconds() -> (
    None
):
    for role, limits in database_module._LIMITS_S.items():
        assert limits["lock_timeout"] < limits["statement_timeout"], role
        if role != "scheduler":
            assert max(limits.values()) <= 8, role


async def test_a_connection_that_breaks_in_a_transaction_hides_nothing_of_what_went_wrong(
    settings, owner
) -> None:
    opened = await Database.open(settings.database_url_of("api"), "api", size=1)
    try:
        with pytest.raises(RetryLaterError, match="the real reason"):
            async with opened.transaction() as tx:
                backend = await tx.fetch_value(BACKEND)
                await owner.execute("select pg_terminate_backend($1)", backend)
                with anyio.fail_after(5):
                    while opened._pool.get_size() != opened._pool.get_idle_size():
                        await anyio.sleep(0.01)
                raise RetryLaterError("the real reason")
        async with opened.transaction() as tx:
            assert await tx.fetch_value(ONE) == 1
    finally:
        await opened.close()


@pytest.mark.parametrize("last", [None, Step(NOTHING, {})], ids=["alone", "with a last step"])
async def test_a_commit_is_never_cut_short(pair, monkeypatch, last: Step | None) -> None:
    """Cancelled while it commits, a transaction ends as committed: its outcome is never unknown to us."""
    send, said = Transaction._send, []
    at_commit = anyio.Event()

    async def slowly(self, *parts: Step | str | None) -> str:
        if parts[-1] == "commit":
            at_commit.set()
            await anyio.sleep(0.05)
        status = await send(self, *parts)
        said.append(parts[-1])
        return status

    monkeypatch.setattr(Transaction, "_send", slowly)

    async def work() -> None:
        async with pair.transaction() as tx:
            if last is not None:
                tx.last_before_commit(lambda: last)
            await tx.fetch_value(ONE)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(work)
        await at_commit.wait()
        tasks.cancel_scope.cancel()
    assert said[-1] == "commit"


@pytest.mark.parametrize("ends", ["by its own patience", "by whoever asked"])
async def test_when_one_connection_goes_silent_the_others_are_not_waited_for(
    settings, monkeypatch, ends: str
) -> None:
    monkeypatch.setitem(database_module._LIMITS_S["relay"], "statement_timeout", 0)
    monkeypatch.setattr(database_module, "_REPLY_GRACE_S", 0.5 if ends == "by its own patience" else 5)
    parts = urlsplit(settings.database_url)
    proxy = Proxy(Path(unquote(parts.query.removeprefix("host="))) / ".s.PGSQL.5432")
    await proxy.start()
    opened = await Database.open(
        f"postgresql://postgres@127.0.0.1:{proxy.port}{parts.path}", "relay", size=3, minimum=3
    )
    try:
        async with opened.transaction() as one, opened.transaction() as two, opened.transaction() as three:
            for tx in (one, two, three):
                await tx.fetch_value(ONE)
        proxy.half_open()
        with pytest.raises((RetryLaterError, TimeoutError)):
            async with (
                asyncio.timeout(20 if ends == "by its own patience" else 0.5),
                opened.transaction() as tx,
            ):
                await tx.fetch_value(ONE)
        began = anyio.current_time()
        for _ in range(3):
            async with opened.transaction() as tx:
                assert await tx.fetch_value(ONE) == 1
        assert anyio.current_time() - began < 0.4
    finally:
        await opened.close(timeout_s=0.1)
        await proxy.stop()


async def test_one_store_cannot_hold_all_connections(settings) -> None:
    """Its third and fourth transaction wait for its first two; another store finds a connection at once."""
    loud, quiet = UUID(int=1), UUID(int=2)
    database = await Database.open(settings.database_url_of("api"), "api", size=4)
    begun: list[int] = []
    done = anyio.Event()

    async def work(number: int) -> None:
        async with database.tenant(loud):
            begun.append(number)
            await done.wait()

    try:
        async with anyio.create_task_group() as tasks:
            for number in range(4):
                tasks.start_soon(work, number)
            with anyio.fail_after(10):
                while len(begun) < 2:
                    await anyio.wait_all_tasks_blocked()
                async with database.tenant(quiet) as one, database.tenant(quiet) as other:
                    assert await one.fetch_value(ONE) == await other.fetch_value(ONE) == 1
            assert begun == [0, 1]
            done.set()
        assert sorted(begun) == [0, 1, 2, 3]
    finally:
        await database.close()


async def test_whoever_waits_too_long_for_a_turn_of_its_store_is_told_to_come_later(
    settings, monkeypatch
) -> None:
    monkeypatch.setattr(database_module, "ACQUIRE_TIMEOUT_S", 0.05)
    database = await Database.open(settings.database_url_of("api"), "api", size=4, minimum=4)
    store = UUID(int=1)
    try:
        async with database.tenant(store), database.tenant(store):
            with pytest.raises(RetryLaterError):
                async with database.tenant(store):
                    pass
        async with database.tenant(store) as tx:
            assert await tx.fetch_value(ONE) == 1
    finally:
        await database.close()
