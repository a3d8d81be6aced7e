"""The roles in processes of their own, as on droplets: any of them may die while the others work on."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from runtime.data.database import Database
from runtime.settings import Settings
from tests.faults.load import Shop
from tests.faults.process import Program
from tests.faults.test_process_faults import PRODUCTS, judge, sales_beyond, under_load
from tests.support.stores import create_store

pytestmark = pytest.mark.timeout(180)

ROLES = {
    "api": "api",
    "relay": "relay",
    "engines": "engines",
    "engines-2": "engines",
    "scheduler": "scheduler",
}


@pytest.fixture
async def droplets(settings: Settings, tmp_path: Path) -> AsyncIterator[dict[str, Program]]:
    """One process per role, and a second one of the engines."""
    async with AsyncExitStack() as stack:
        programs = {}
        for name, roles in ROLES.items():
            programs[name] = Program(settings, tmp_path / f"{name}.log", roles=roles)
            stack.callback(programs[name].stop)
            await programs[name].start()
        yield programs


async def test_roles_on_their_own_droplets_die_one_after_the_other_and_nothing_is_lost(
    droplets: dict[str, Program], database: Database, owner: asyncpg.Connection
) -> None:
    shops = []
    async with aiohttp.ClientSession() as client:
        for slug in ("first-yard", "second-yard"):
            await create_store(database, slug)
            shop = Shop(droplets["api"].url, slug)
            await shop.open(client, f"owner@{slug}.localhost", PRODUCTS)
            shops.append(shop)
    rng = random.Random(5)

    async def faults() -> None:
        for _ in range(6):
            await sales_beyond(shops, 25)
            victim = droplets[rng.choice(("api", "relay", "engines", "engines-2"))]
            victim.kill()
            await sales_beyond(shops, 10 if victim is not droplets["api"] else 0)
            await victim.start()
        await sales_beyond(shops, 25)

    await under_load(shops, 5, faults)
    await judge(shops, database, owner)
