"""The scheduler's turn over quotes: what is past its last day expires, store by store, and nothing else changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from handlers import customers, quotes
from handlers.quotes import expiry, rules
from runtime.data.database import Database
from runtime.data.oracles import run_oracles
from tests.support.shop import Shop, item


@pytest.fixture
async def neighbour(shop: Shop, new_tenant) -> Shop:
    made = Shop(shop.database, shop.owner, await new_tenant())
    async with made.transaction() as tx:
        made.customer_id = await customers.create(tx, customers.CustomerNew(kind="person", name="José"))
    return made


async def sent(shop: Shop, product_id: UUID, days_ago: int, validity_days: int = 7) -> UUID:
    body = quotes.QuoteNew(
        customer_id=shop.customer_id, validity_days=validity_days, items=[item(product_id)]
    )
    async with shop.transaction(datetime.now(UTC) - timedelta(days=days_ago)) as tx:
        quote_id = (await quotes.create(tx, shop.settings, body)).id
        await quotes.send(tx, quote_id)
    return quote_id


async def status(shop: Shop, quote_id: UUID) -> str:
    return await shop.owner.fetchval("select status from quotes where id = $1", quote_id)


async def test_only_what_is_past_its_last_day_expires_and_says_so(
    shop: Shop, neighbour: Shop, database: Database, scheduler_database: Database
) -> None:
    due, theirs = [], []
    for yard, found in ((shop, due), (neighbour, theirs)):
        cement = await yard.product("CIM-50", on_hand="10")
        found.append(await sent(yard, cement, 9))
        today = await sent(yard, cement, 7)  # valid to the end of its seventh day, which is today
        fresh = await sent(yard, cement, 0)
        draft = (await yard.draft(item(cement)))["id"]
        await shop.owner.execute(
            "update quotes set valid_until = now() - interval '1 day' where id = $1", draft
        )
    assert await expiry.expire_due_quotes(scheduler_database, database) == 2
    for yard, (quote_id,) in ((shop, due), (neighbour, theirs)):
        assert await yard.payloads("quote_expired") == [{"quote_id": str(quote_id)}]
    assert [await status(neighbour, quote_id) for quote_id in (theirs[0], today, fresh)] == [
        "expired", "sent", "sent",
    ]  # fmt: skip
    assert await status(neighbour, UUID(draft)) == "draft"
    assert await expiry.expire_due_quotes(scheduler_database, database) == 0
    assert await run_oracles(database, []) == []


async def test_more_than_fits_into_one_transaction_expires_in_one_turn(
    shop: Shop, database: Database, scheduler_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (rules, expiry):
        monkeypatch.setattr(module, "EXPIRED_AT_ONCE", 2)
    cement = await shop.product("CIM-50")
    for _ in range(5):
        await sent(shop, cement, 30)
    assert await expiry.expire_due_quotes(scheduler_database, database) == 5
    assert len(await shop.payloads("quote_expired")) == 5


async def test_a_quote_somebody_is_working_on_waits_for_the_next_turn(
    shop: Shop, database: Database, scheduler_database: Database
) -> None:
    cement = await shop.product("CIM-50")
    held, free = await sent(shop, cement, 30), await sent(shop, cement, 30)
    async with shop.owner.transaction():
        await shop.owner.execute("select 1 from quotes where id = $1 for update", held)
        assert await expiry.expire_due_quotes(scheduler_database, database) == 1
    assert [await status(shop, quote_id) for quote_id in (held, free)] == ["sent", "expired"]
    assert await expiry.expire_due_quotes(scheduler_database, database) == 1


async def test_the_scheduler_sees_which_stores_have_work_and_not_what_it_is(
    shop: Shop, scheduler_database: Database, settings
) -> None:
    await sent(shop, await shop.product("CIM-50"), 30)
    connection = await asyncpg.connect(settings.database_url_of("scheduler"))
    try:
        await connection.execute("set role basecommerce_scheduler")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("select items, total from quotes")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("update quotes set status = 'expired'")
    finally:
        await connection.close()
