"""What still works while a part is away: the table of docs/guarantees.md, by processes that lack the part."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import unquote, urlsplit

import aiohttp
import anyio
import asyncpg
import pytest

from handlers.events import CONSUMERS
from runtime.data.database import Database
from runtime.data.oracles import run_oracles
from runtime.settings import Settings
from tests.faults.load import Shop
from tests.faults.process import Program
from tests.faults.proxy import Mode, Proxy
from tests.faults.suite import sales_beyond, under_load
from tests.support.stores import create_store

SLUG = "first-yard"
HEAL_DEADLINE_S = 30.0
Start = Callable[..., Awaitable[Program]]

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
async def start(settings: Settings, tmp_path: Path) -> AsyncIterator[Start]:
    """Starts processes with only these roles."""
    async with AsyncExitStack() as stack:

        async def begin(roles: str, settings: Settings = settings, until: str = "ready") -> Program:
            program = Program(settings, tmp_path / f"{roles}.log", roles=roles)
            stack.callback(program.stop)
            await program.start(until=until)
            return program

        yield begin


async def opened(program: Program, database: Database) -> Shop:
    await create_store(database, SLUG)
    shop = Shop(program.url, SLUG)
    async with aiohttp.ClientSession() as client:
        await shop.open(client, f"owner@{SLUG}.localhost", products=6)
    return shop


async def silent(database: Database, consumers: list[str]) -> None:
    """Wait until the oracles find these consumers at the head, and all they know right."""
    with anyio.fail_after(HEAL_DEADLINE_S):
        while await run_oracles(database, consumers):
            await anyio.sleep(0.1)


async def test_with_the_api_alone_business_goes_on_and_advice_waits(
    start: Start, database: Database, owner: asyncpg.Connection
) -> None:
    """No relay, no engine, no scheduler: what was said waits in the log, and is applied when they are back."""
    shop = await opened(await start("api"), database)
    async with under_load([shop], 1):
        await sales_beyond([shop], 15)
    assert shop.ledger.unexpected == []
    async with aiohttp.ClientSession() as client:
        assert (await shop.call(client, "GET", "/insights/stock/alerts"))[0] == 200
    assert await owner.fetchval("select count(*) from engine_stock_products") == 0
    await start("relay,engines")
    await silent(database, list(CONSUMERS))


async def test_without_the_relay_the_engines_follow_the_log_by_themselves(
    start: Start, database: Database
) -> None:
    shop = await opened(await start("api,engines"), database)
    async with under_load([shop], 2):
        await sales_beyond([shop], 15)
    assert shop.ledger.unexpected == []
    await silent(database, [name for name in CONSUMERS if name != "relay"])


async def test_an_engine_that_is_away_holds_no_other_up_and_catches_up(
    start: Start, database: Database, owner: asyncpg.Connection
) -> None:
    shop = await opened(await start("api,relay,engine:stock,engine:pricing,engine:delivery"), database)
    async with under_load([shop], 3):
        await sales_beyond([shop], 15)
    with anyio.fail_after(HEAL_DEADLINE_S):
        while await owner.fetchval(
            "select 1 from tenant_event_head h join consumer_cursor c using (tenant_id) where c.last_seq < h.head"
        ):
            await anyio.sleep(0.1)
    assert await owner.fetchval("select count(*) from engine_sales_totals") == 0
    await start("engine:sales")
    await silent(database, list(CONSUMERS))


async def test_without_postgresql_the_process_lives_says_so_and_works_again_by_itself(
    start: Start, settings: Settings, database: Database
) -> None:
    parts = urlsplit(settings.database_url)
    proxy = Proxy(Path(unquote(parts.query.removeprefix("host="))) / ".s.PGSQL.5432")
    await proxy.start()
    through = settings.having(database_url=f"postgresql://postgres@127.0.0.1:{proxy.port}{parts.path}")
    try:
        program = await start("api,relay,engines", through)
        shop = await opened(program, database)
        async with aiohttp.ClientSession() as client:
            proxy.mode = Mode.REFUSE
            proxy.drop()
            sale = {"fulfilment": "counter", "items": [{"product_id": shop.products[0], "quantity": "1"}]}
            async with client.post(
                f"{program.url}/api/v1/orders",
                json=sale,
                headers={"Host": f"{SLUG}.localhost", "Authorization": f"Bearer {shop.token}"},
            ) as answer:
                assert answer.status == 503
                assert int(answer.headers["Retry-After"]) >= 1
            async with client.get(f"{program.url}/health") as answer:
                assert answer.status == 200
            async with client.get(f"{program.ops_url}/ready") as answer:
                assert answer.status == 503
                assert "database:api" in await answer.text()
            proxy.mode = Mode.PASS
            with anyio.fail_after(HEAL_DEADLINE_S):
                while (await shop.call(client, "POST", "/orders", sale))[0] != 201:
                    await anyio.sleep(0.05)
        await silent(database, list(CONSUMERS))
        assert program.exit_code is None
    finally:
        await proxy.stop()
