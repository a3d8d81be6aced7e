"""The real program with stores that have traded, for runs that ask it from outside."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
from pydantic import SecretStr

from runtime.data.database import Database
from runtime.data.migrations import migrate
from runtime.data.oracles import run_oracles
from runtime.host.embedded import EmbeddedServers
from runtime.settings import load
from tests.faults.process import Program
from tests.security.fuzz.site import At, Stores, open_stores
from tests.support.stores import ApiClient, create_store


@dataclass(frozen=True, slots=True)
class Running:
    """The program, its stores and its document; ``session`` speaks HTTP to it."""

    program: Program
    session: aiohttp.ClientSession
    database: Database
    stores: Stores
    document: dict[str, Any]

    async def violations(self) -> list[str]:
        """What the oracles say about every store."""
        return [f"{v.slug} {v.oracle}: {v.problem}" for v in await run_oracles(self.database, [])]


@asynccontextmanager
async def running(*, module: str = "runtime", **extra: str) -> AsyncIterator[Running]:
    """The program (``module``) on servers of its own, with ``extra`` in its environment; it believes the addresses that
    requests tell it."""
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="basecommerce-security-")))
        servers = EmbeddedServers(home, durable=False)
        endpoints = servers.start()
        stack.callback(servers.stop)
        await migrate(endpoints.database_url)
        settings = load(
            env_file=None,
            environment="development",
            basecommerce_home=home / "home",
            database_url=endpoints.database_url,
            redis_url=endpoints.redis_url,
            secret_key=SecretStr("2xq8Zf4nTq7mWb1cKd9yRr5uHs3pLe6vJa0g"),
        )
        database = await Database.open(settings.database_url_of("api"), "api", size=2)
        stack.push_async_callback(database.close)
        owner = await asyncpg.connect(endpoints.database_url)
        stack.push_async_callback(owner.close)
        await create_store(database, "yard")
        extra = {"TRUSTED_PROXIES": "127.0.0.1/32", **extra}
        program = Program(settings, home / "program.log", module=module, extra=extra)
        stack.callback(program.stop)
        await program.start()
        session = await stack.enter_async_context(aiohttp.ClientSession())
        stores = await open_stores(database, owner, ApiClient(At(session, program.url), "yard"))
        async with session.get(f"{program.url}/openapi.json", headers={"Host": "yard.localhost"}) as answer:
            document = await answer.json()
        yield Running(program, session, database, stores, document)
