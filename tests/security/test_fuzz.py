"""A short run of the fuzzer (``make fuzz`` is the long one), with oracles over what it leaves behind."""

from __future__ import annotations

import logging
import random
from collections.abc import AsyncIterator

import aiohttp
import asyncpg
import pytest
import redis.asyncio as redis

from handlers.vertical import api_application
from runtime.data.database import Database
from runtime.data.oracles import run_oracles
from runtime.host.ops import Readiness
from runtime.settings import Settings
from tests.security.fuzz.inputs import Inputs
from tests.security.fuzz.judge import Judge
from tests.security.fuzz.run import Run
from tests.security.fuzz.site import At, open_stores
from tests.support.served import served
from tests.support.stores import ApiClient, Store

SEED = 20261124
OF_CHANCE = 1_000
EVERY_NTH_TEXT = 150


@pytest.fixture
async def fuzzed(
    settings: Settings, database: Database, owner: asyncpg.Connection, store: Store
) -> AsyncIterator[tuple[Run, Inputs, Judge]]:
    """The API behind an edge that it trusts, and a run that is ready to begin."""
    logging.getLogger().setLevel(logging.CRITICAL)
    trusting = settings.having(trusted_proxies=("127.0.0.1/32",))
    connection = redis.Redis.from_url(settings.redis_url)
    closing = aiohttp.TCPConnector(force_close=True)
    async with (
        served(api_application(trusting, database, connection, Readiness())) as url,
        aiohttp.ClientSession() as kept,
        aiohttp.ClientSession(connector=closing) as fresh,
    ):
        client = ApiClient(At(kept, url), store.slug)
        stores = await open_stores(database, owner, client)
        document = await (await client.get("/openapi.json")).json()
        rng = random.Random(SEED)
        inputs, judge = Inputs(document, rng, stores.own), Judge(document, stores.secrets)
        run = Run(kept, fresh, url, inputs, judge, rng)
        await run.sign_in()
        yield run, inputs, judge
    await connection.aclose()


async def test_whatever_is_sent_the_answer_is_one_that_is_described(
    fuzzed: tuple[Run, Inputs, Judge], database: Database
) -> None:
    run, inputs, judge = fuzzed
    await run.chance(OF_CHANCE)
    await run.texts(inputs.places()[7::EVERY_NTH_TEXT])
    verdicts = judge.verdicts
    assert {problem: verdicts.examples[problem] for problem in verdicts.wrong} == {}
    assert run.sent > OF_CHANCE
    assert len(verdicts.succeeded) > 80, (
        "most operations should work now and then, or little is shown by this"
    )
    assert await run_oracles(database, []) == []
