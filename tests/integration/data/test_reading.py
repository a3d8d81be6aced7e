"""Reading without a transaction around it: confined to one tenant all the same, and nothing of it stays behind."""

from __future__ import annotations

import anyio
import pytest

from runtime.data.database import Database
from runtime.data.ids import new_id
from runtime.data.queries import Query, sql
from runtime.errors import InvalidError, NotFoundError

WHOSE = Query("whose", "select tenant_id from tenant_event_head order by tenant_id", (), "")
TENANT = Query("tenant", "select current_setting('app.tenant_id', true)", (), "")
SLEEP = Query("sleep", "select pg_sleep(20)", (), "")
BROKEN = Query("broken", "select 1 / (count(*) - count(*)) from tenant_event_head", (), "")
NUMBERS = Query(
    "numbers",
    "with n as (select generate_series(1, 9) as number) select number from n order by number desc",
    (),
    "",
)
INSERT = Query("insert", "insert into product_categories default values returning 1", (), "")


@pytest.fixture
async def one(settings):
    """The API's database with a single connection: whatever stays behind on it meets whoever comes next."""
    opened = await Database.open(settings.database_url_of("api"), "api", size=1)
    yield opened
    await opened.close()


async def whose(database: Database, tenant_id) -> list:
    async with database.reading(tenant_id) as tx:
        return [row["tenant_id"] for row in await tx.fetch_all(WHOSE)]


async def left_behind(database: Database) -> str | None:
    async with database.transaction() as tx:
        return await tx.fetch_value(TENANT) or None


async def test_two_tenants_in_turns_on_one_connection_see_their_own_rows(one, store, other_tenant) -> None:
    for _ in range(4):  # beyond the fifth turn of a statement PostgreSQL may go over to a generic plan
        assert await whose(one, store.id) == [store.id]
        assert await whose(one, other_tenant) == [other_tenant]
    assert await whose(one, new_id()) == []


async def test_no_tenant_stays_on_the_connection(one, store) -> None:
    await whose(one, store.id)
    assert await left_behind(one) is None
    async with one.reading(store.id) as tx:
        await tx.fetch_all(WHOSE)
        assert (await tx._connection.fetchval("select count(*) from tenant_event_head")) == 0


async def test_no_tenant_stays_after_a_statement_that_failed_or_was_given_up(one, store) -> None:
    with pytest.raises(InvalidError):
        async with one.reading(store.id) as tx:
            await tx.fetch_all(BROKEN)
    assert await left_behind(one) is None
    with anyio.move_on_after(0.2):
        async with one.reading(store.id) as tx:
            await tx.fetch_all(SLEEP)
    assert await left_behind(one) is None
    assert await whose(one, store.id) == [store.id]


async def test_a_refusal_leaves_the_connection_as_it_is(one, store) -> None:
    with pytest.raises(NotFoundError):
        async with one.reading(store.id) as tx:
            await tx.fetch_value(WHOSE)
            raise NotFoundError
    assert await whose(one, store.id) == [store.id]


async def test_the_order_of_a_statement_is_kept(one, store) -> None:
    async with one.reading(store.id) as tx:
        assert [row["number"] for row in await tx.fetch_all(NUMBERS)] == [9, 8, 7, 6, 5, 4, 3, 2, 1]
        first = await tx.fetch_one(NUMBERS)
    assert first is not None
    assert first["number"] == 9


async def test_nothing_is_written_while_only_reading(one, store) -> None:
    with pytest.raises(TypeError, match="nothing is written"):
        async with one.reading(store.id) as tx:
            await tx.execute(sql.record_write)
    with pytest.raises(Exception, match="syntax error"):
        async with one.reading(store.id) as tx:
            await tx.fetch_all(INSERT)
    with pytest.raises(TypeError, match="leaves something behind"):
        async with one.reading(store.id) as tx:
            tx.after_commit(lambda: None)
