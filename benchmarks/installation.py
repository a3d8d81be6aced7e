"""The thing measured: durable embedded servers, stores in them, and the real program as processes of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from handlers import customers, products, stock
from handlers.permissions import Role
from handlers.settings import TenantSettings
from handlers.stores import create_store, create_user
from runtime.data.database import Database
from runtime.data.ids import new_id
from runtime.data.migrations import migrate
from runtime.host.embedded import EmbeddedServers, Endpoints
from runtime.web.passwords import Passwords

PASSWORD = "bench-me-if-you-can"
PARTITIONS = 8
_ROOT = Path(__file__).resolve().parents[1]


@dataclass(slots=True)
class Shop:
    """A store with products in stock, a customer and an owner to sign in as."""

    id: UUID
    slug: str
    customer_id: UUID
    product_ids: list[UUID]
    token: str = ""
    email: str = ""

    @property
    def host(self) -> str:
        return f"{self.slug}.localhost"

    @property
    def owner(self) -> str:
        return self.email or f"owner@{self.slug}.localhost"


@dataclass(slots=True)
class Program:
    """A running ``basecommerce run``."""

    process: subprocess.Popen[bytes]
    port: int
    started_in_s: float


@dataclass(slots=True)
class Installation:
    """Where the servers are, and how to open, fill and run things on them."""

    endpoints: Endpoints
    home: Path
    log: Path
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    async def fresh(self) -> None:
        """An empty, migrated database in place of the present one, and an empty Redis."""
        import redis.asyncio as redis

        connection = await asyncpg.connect(self.endpoints.database_url)
        try:
            await connection.execute(f'drop database if exists "{_DATABASE}" with (force)')
            await connection.execute(f'create database "{_DATABASE}"')
        finally:
            await connection.close()
        await migrate(self.database_url, event_partitions=PARTITIONS)
        async with redis.Redis.from_url(self.endpoints.redis_url) as client:
            await client.flushall()

    @property
    def database_url(self) -> str:
        """The owner's URL of the measured database."""
        address, _, options = self.endpoints.database_url.partition("?")
        scheme, _, rest = address.partition("://")
        return f"{scheme}://{rest.split('/', 1)[0]}/{_DATABASE}" + (f"?{options}" if options else "")

    async def shop(self, slug: str, *, products_count: int = 50) -> Shop:
        """A new store with plenty of stock."""
        database = await Database.open(self.database_url, "api", size=2)
        try:
            shop = Shop(new_id(), slug, UUID(int=0), [])
            password_hash = Passwords(threads=1).hash_now(PASSWORD)
            async with database.tenant(shop.id) as tx:
                await create_store(tx, PARTITIONS, slug=slug, name=f"Loja {slug}")
                await create_user(
                    tx, email=shop.owner, name="Dona", role=Role.OWNER, password_hash=password_hash
                )
                shop.customer_id = await customers.create(
                    tx, customers.CustomerNew(kind="person", name="Maria da Silva")
                )
            async with database.tenant(shop.id) as tx:
                for number in range(products_count):
                    shop.product_ids.append(await products.create(tx, product(number)))
                for product_id in shop.product_ids:
                    await stock.move(tx, TenantSettings(), receipt(product_id))
            return shop
        finally:
            await database.close()

    async def analyze(self) -> None:
        """Give the planner the statistics that autovacuum would have gathered within a minute."""
        connection = await asyncpg.connect(self.database_url)
        try:
            await connection.execute("analyze")
        finally:
            await connection.close()

    def start(
        self, *, roles: str = "api,relay,engines,scheduler", port: int = 0, **variables: str
    ) -> Program:
        """Start the program and wait for its first answer to /health."""
        port = port or free_port()
        environment = self.environment(roles=roles) | {"API_PORT": str(port), **variables}
        started = time.perf_counter()
        process = self.spawn([sys.executable, "-m", "runtime", "run"], environment)
        wait_for_health(process, port, self.log)
        return Program(process, port, time.perf_counter() - started)

    def environment(self, *, roles: str) -> dict[str, str]:
        """Of a process with these roles, on ports of its own."""
        return {
            **os.environ,
            "ENVIRONMENT": "development",
            "BASECOMMERCE_HOME": str(self.home / "program"),
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.endpoints.redis_url,
            "SECRET_KEY": "measured-with-a-key-of-more-than-32-bytes-0123456789",
            "ROLES": roles,
            "API_PORT": str(free_port()),
            "OPS_PORT": str(free_port()),
            "LOG_FORMAT": "json",
            "RATE_LIMIT_USER": "1000000000",
            "RATE_LIMIT_TENANT": "1000000000",
        }

    def start_bare(self, *, with_database: bool = False) -> int:
        """Start the bare aiohttp server; returns its port."""
        port = free_port()
        url = [self.database_url] if with_database else []
        process = self.spawn([sys.executable, "-m", "benchmarks.bare", str(port), *url])
        wait_for_health(process, port, self.log)
        return port

    def spawn(self, command: list[str], environment: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start a process whose output goes to the log file; ended by ``stop``."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(command, cwd=_ROOT, env=environment, stdout=log, stderr=log)
        self.running.append(process)
        return process

    def stop(self) -> None:
        """End everything that was started."""
        for process in self.running:
            process.send_signal(signal.SIGTERM)
        for process in self.running:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.running.clear()


_DATABASE = "benchmark"


@contextmanager
def installation() -> Iterator[Installation]:
    """Servers in a temporary directory, flushed to disk as in production; gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="basecommerce-bench-"))
    servers = EmbeddedServers(home / "servers")
    made = Installation(servers.start(), home, home / "programs.log")
    try:
        yield made
    finally:
        made.stop()
        servers.stop()
        shutil.rmtree(home, ignore_errors=True)


def product(number: int) -> products.ProductNew:
    """The ``number``-th product."""
    return products.ProductNew.model_validate(
        {
            "sku": f"P-{number:04d}",
            "name": f"Produto {number}",
            "unit": "UN",
            "base_price": Decimal(10 + number) + Decimal("0.90"),
            "category": f"Categoria {number % 7}",
            "cost": Decimal(7 + number),
        }
    )


def receipt(product_id: UUID) -> stock.MovementNew:
    """More of the product than any measurement sells."""
    return stock.MovementNew(product_id=product_id, kind="receipt", quantity=Decimal(9_000_000))


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_for_health(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Return at the first 200 of /health; raises with the end of the log when the process ends instead."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                if connection.recv(64).startswith(b"HTTP/1.1 200"):
                    return
        except OSError:
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the measured program did not start:\n{log.read_text()[-3000:]}")
        time.sleep(0.005)


def call(
    port: int,
    shop: Shop,
    method: str,
    path: str,
    body: Any = None,
    *,
    media_type: str = "application/json",
    key: str = "",
) -> Any:
    """One plain request as the shop's owner, with JSON or with bytes of another type; raises for anything but 2xx."""
    headers = {"Host": shop.host, "Content-Type": media_type}
    if shop.token:
        headers["Authorization"] = f"Bearer {shop.token}"
    if key:
        headers["Idempotency-Key"] = key
    data = body if body is None or isinstance(body, bytes) else orjson.dumps(body, default=str)
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v1{path}", data=data, headers=headers, method=method
    )
    with urllib.request.urlopen(asked, timeout=20) as answer:
        return orjson.loads(answer.read())


def sign_in(port: int, shop: Shop, password: str = PASSWORD) -> None:
    """Fetch the owner's token."""
    answer = call(port, shop, "POST", "/auth/login", {"email": shop.owner, "password": password})
    shop.token = answer["access_token"]
