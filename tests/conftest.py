"""Fixtures every test may use: servers of our own, a migrated database per test, settings for both.

With xdist the controller starts the servers and tells its workers where they are, so that all of them share
one pair that lives as long as the run. ``--database-url`` and ``--redis-url`` use other servers instead.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
import redis.asyncio
from pydantic import SecretStr

from runtime.data.database import Database
from runtime.data.migrations import migrate, read_migrations
from runtime.host.embedded import EmbeddedServers, Endpoints
from runtime.settings import Settings, documented, load

SUPPORT = Path(__file__).parent / "support"
# They import each other, in whatever order they are loaded.
pytest.register_assert_rewrite("tests.support")
pytest_plugins = [f"tests.support.{path.stem}" for path in SUPPORT.glob("*.py") if path.stem != "__init__"]

_TEMPLATE_LOCK = 0x74_65_73_74
_RUNNING: pytest.StashKey[RunningServers] = pytest.StashKey()


class RunningServers:
    """Servers in a temporary directory that is gone after the run."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="basecommerce-tests-"))
        self.servers = EmbeddedServers(self.home, durable=False)
        self.endpoints = self.servers.start()

    def stop(self) -> None:
        self.servers.stop()
        shutil.rmtree(self.home, ignore_errors=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database-url", help="a PostgreSQL superuser's URL instead of the embedded server")
    parser.addoption("--redis-url", help="a Redis URL without database number instead of the embedded server")


class XdistController:
    """Hooks of the process that hands tests to workers; registered only where xdist knows them."""

    def pytest_configure_node(self, node) -> None:
        endpoints = _endpoints(node.config)
        node.workerinput["endpoints"] = (endpoints.database_url, endpoints.redis_url)


def pytest_configure(config: pytest.Config) -> None:
    if getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(XdistController())


def pytest_unconfigure(config: pytest.Config) -> None:
    if (running := config.stash.get(_RUNNING, None)) is not None:
        running.stop()


def _endpoints(config: pytest.Config) -> Endpoints:
    """Those of the controller, or servers started on first use by this process."""
    if hasattr(config, "workerinput"):
        return Endpoints(*config.workerinput["endpoints"])
    given_database, given_redis = config.getoption("--database-url"), config.getoption("--redis-url")
    if given_database and given_redis:
        return Endpoints(given_database, given_redis)
    if config.stash.get(_RUNNING, None) is None:
        config.stash[_RUNNING] = RunningServers()
    embedded = config.stash[_RUNNING].endpoints
    return Endpoints(given_database or embedded.database_url, given_redis or embedded.redis_url)


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> Endpoints:
    """A superuser's URL of PostgreSQL and the URL of Redis or Valkey, shared by the whole run."""
    return _endpoints(request.config)


@pytest.fixture(scope="session")
def template_database(servers: Endpoints) -> str:
    """The name of a database with every migration applied, made once per run; tests get copies."""
    texts = "".join(migration.checksum for migration in read_migrations())
    name = f"basecommerce_template_{hashlib.sha256(texts.encode()).hexdigest()[:12]}"
    asyncio.run(_make_template(servers.database_url, name))
    return name


@pytest.fixture
async def database_url(servers: Endpoints, template_database: str) -> AsyncIterator[str]:
    """The owner's URL of a freshly migrated database of this test's own."""
    name = f"test_{uuid4().hex}"
    await _run(servers.database_url, f"create database {name} template {template_database}")
    yield in_database(servers.database_url, name)
    await _run(servers.database_url, f"drop database {name} with (force)")


@pytest.fixture
async def empty_database_url(servers: Endpoints) -> AsyncIterator[str]:
    """The owner's URL of a database without any migration."""
    name = f"test_{uuid4().hex}"
    await _run(servers.database_url, f"create database {name}")
    yield in_database(servers.database_url, name)
    await _run(servers.database_url, f"drop database {name} with (force)")


@pytest.fixture
async def redis_url(servers: Endpoints, worker_number: int) -> str:
    """An empty Redis database of this worker's own."""
    address, _, options = servers.redis_url.partition("?")
    url = f"{address}?db={worker_number}" if options else f"{address.rstrip('/')}/{worker_number}"
    async with redis.asyncio.Redis.from_url(url) as client:
        await client.flushdb()
    return url


@pytest.fixture(scope="session")
def worker_number(request: pytest.FixtureRequest) -> int:
    """0 without xdist, else 1, 2, ..."""
    name = getattr(request.config, "workerinput", {}).get("workerid", "gw-1")
    return int(name.removeprefix("gw")) + 1


@pytest.fixture
def no_settings_around(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the machine reaches the settings under test."""
    for name in documented():
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Path, no_settings_around: None) -> Settings:
    """Settings of a development machine on this test's own database and Redis, on free ports."""
    return load(
        env_file=None,
        environment="development",
        basecommerce_home=tmp_path / "home",
        database_url=database_url,
        redis_url=redis_url,
        secret_key=SecretStr("2xq8Zf4nTq7mWb1cKd9yRr5uHs3pLe6vJa0g"),
        api_port=0,
        ops_port=0,
    )


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    """The database as the API sees it: role ``basecommerce_api``, row level security on."""
    opened = await Database.open(settings.database_url_of("api"), "api", size=4)
    yield opened
    await opened.close()


def in_database(url: str, name: str) -> str:
    """The same server and login, another database."""
    address, _, options = url.partition("?")
    scheme, _, rest = address.partition("://")
    return f"{scheme}://{rest.split('/', 1)[0]}/{name}" + (f"?{options}" if options else "")


async def _make_template(url: str, name: str) -> None:
    """Whichever worker comes first builds it; renaming at the end means that nobody sees it half made."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("select pg_advisory_lock($1)", _TEMPLATE_LOCK)
        if await connection.fetchval("select true from pg_database where datname = $1", name):
            return
        await connection.execute(f"drop database if exists {name}_new with (force)")
        await connection.execute(f"create database {name}_new")
        await migrate(in_database(url, f"{name}_new"))
        await connection.execute(f"alter database {name}_new rename to {name}")
    finally:
        await connection.close()


async def _run(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
