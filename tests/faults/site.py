"""Everything a fault may touch: servers, the proxies before them, the process tree and the stores under load."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import anyio
import redis.asyncio as redis
from pydantic import SecretStr
from redis.asyncio.cluster import RedisCluster

from runtime.data.database import Database
from runtime.data.migrations import migrate
from runtime.host.embedded import Endpoints
from runtime.settings import load
from tests.compat.cluster import Cluster, cluster_of_three
from tests.faults.build import EFFECTS_TABLE
from tests.faults.load import Shop
from tests.faults.proxy import Proxy
from tests.faults.servers import Postgres, Valkey
from tests.faults.tree import Tree
from tests.support.stores import Store, create_store

PRODUCTS = 12
POISONED = "poisoned-yard"


@dataclass(slots=True)
class Site:
    """One installation. ``scale`` stretches how long faults last: 1 in a long run, less in a short one.

    Its Redis is the cluster where there is one, and the server behind the proxy where not.
    """

    directory: Path
    postgres: Postgres
    valkey: Valkey
    database_proxy: Proxy
    redis_proxy: Proxy
    tree: Tree
    database: Database
    rng: random.Random
    scale: float
    cluster: Cluster | None = None
    shops: list[Shop] = field(default_factory=list)
    poisoned: Store | None = None

    @property
    def cured(self) -> Path:
        """While this file exists, poison harms nobody: the release that can read it is out."""
        return self.directory / "cured"

    def redis(self) -> redis.Redis | RedisCluster:
        """A client of whatever holds the streams, past the proxy."""
        return (
            self.valkey.client() if self.cluster is None else RedisCluster.from_url(self.cluster.nodes[0].url)
        )

    async def pause(self, low_s: float, high_s: float) -> float:
        """Let a fault last for a random while; returns how long."""
        seconds = self.scale * self.rng.uniform(low_s, high_s)
        await anyio.sleep(seconds)
        return seconds

    async def open_shops(self, slugs: list[str]) -> list[Shop]:
        """Stores of their own for one load."""
        async with aiohttp.ClientSession() as client:
            for slug in slugs:
                await create_store(self.database, slug)
                shop = Shop(self.tree.programs["api"].url, slug)
                await shop.open(client, f"owner@{slug}.localhost", PRODUCTS)
                self.shops.append(shop)
        return self.shops


@asynccontextmanager
async def open_site(
    directory: Path, rng: random.Random, scale: float, *, clustered: bool = False
) -> AsyncIterator[Site]:
    """Start servers, proxies and the process tree, ``clustered`` on a Redis Cluster of three; everything is ended and
    unmounted afterwards."""
    async with AsyncExitStack() as stack:
        postgres, valkey = Postgres(directory), Valkey(directory)
        stack.callback(postgres.stop)
        stack.callback(valkey.stop)
        await postgres.start()
        await valkey.start()
        await migrate(postgres.url)
        await postgres.run(EFFECTS_TABLE)
        await postgres.run("create index on effect_ledger (tenant_id, tenant_seq)")
        await postgres.run("call secure_engine_table('effect_ledger')")
        proxies = [Proxy(server.socket) for server in (postgres, valkey)]
        for proxy in proxies:
            await proxy.start()
            stack.push_async_callback(proxy.stop)
        database = await Database.open(postgres.url, "api", size=4)
        stack.push_async_callback(database.close)
        through = _through(*proxies)
        cluster = None
        if clustered:
            (directory / "cluster").mkdir()
            cluster = stack.enter_context(cluster_of_three(directory / "cluster"))
            through = (through[0], cluster.url)
        tree = _tree(directory, Endpoints(*through), clustered)
        site = Site(directory, postgres, valkey, *proxies, tree, database, rng, scale, cluster)
        stack.callback(tree.stop)
        tasks = await stack.enter_async_context(anyio.create_task_group())
        stack.callback(tasks.cancel_scope.cancel)
        await tasks.start(tree.run)
        site.poisoned = await create_store(database, POISONED)
        yield site


def _through(database: Proxy, redis: Proxy) -> tuple[str, str]:
    return (
        f"postgresql://postgres@127.0.0.1:{database.port}/postgres",
        f"redis://127.0.0.1:{redis.port}/0",
    )


def _tree(directory: Path, endpoints: Endpoints, clustered: bool) -> Tree:
    settings = load(
        env_file=None,
        environment="development",
        basecommerce_home=directory / "home",
        database_url=endpoints.database_url,
        redis_url=endpoints.redis_url,
        redis_cluster=clustered,
        secret_key=SecretStr("2xq8Zf4nTq7mWb1cKd9yRr5uHs3pLe6vJa0g"),
    )
    return Tree(settings, directory, {"FAULTS_CURED": str(directory / "cured")})
