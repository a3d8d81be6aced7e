"""Stores with users to sign in as, and a client of the whole API on a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
import redis.asyncio as redis
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from handlers.permissions import Role
from handlers.settings import TenantSettings
from handlers.stores import create_store as make_store
from handlers.stores import create_user
from handlers.vertical import api_application
from runtime.data.database import Database
from runtime.data.ids import new_id
from runtime.host.ops import Readiness
from runtime.settings import Settings
from runtime.web.passwords import Passwords
from tests.support.events import PARTITIONS

PASSWORD = "correct-horse-battery"
ROLES = (Role.OWNER, Role.SELLER, Role.FINANCE, Role.STOCK_KEEPER, Role.DRIVER)

# One cheap hash for all test users; parameters do not matter here, and each real one takes 30 ms.
_HASH = Passwords(threads=1, memory_kib=64, rounds=1).hash_now(PASSWORD)


@dataclass(frozen=True, slots=True)
class Store:
    """A store with one user per role; ``users`` maps the role's name to the user's id."""

    id: UUID
    slug: str
    users: dict[str, UUID] = field(default_factory=dict)
    settings: TenantSettings = field(default_factory=TenantSettings)

    @property
    def owner_id(self) -> UUID:
        return self.users["owner"]


async def create_store(database: Database, slug: str) -> Store:
    """A store whose users are ``<role>@<slug>.localhost``, all with ``PASSWORD``."""
    store = Store(new_id(), slug)
    async with database.tenant(store.id) as tx:
        await make_store(tx, PARTITIONS, slug=slug, name=f"Store {slug}")
        for role in ROLES:
            store.users[role.value] = await create_user(
                tx, email=f"{role.value}@{slug}.localhost", name=role.value, role=role, password_hash=_HASH
            )
    return store


class ApiClient:
    """Calls the API as a browser at ``<slug>.localhost`` would; ``login`` makes every later call that user's."""

    def __init__(self, http: TestClient[Any, Any], slug: str | None) -> None:
        self._http = http
        self.slug = slug
        self.headers: dict[str, str] = {"Host": f"{slug}.localhost" if slug else "localhost"}

    def at(self, slug: str | None) -> ApiClient:
        """Another, signed-out client of the same server at another store (or the bare host)."""
        return ApiClient(self._http, slug)

    async def login(
        self, role: str = "owner", *, email: str | None = None, password: str = PASSWORD
    ) -> dict[str, Any]:
        """Sign in as the store's user with this role; returns the answer of the sign-in."""
        answer = await self.post(
            "/api/v1/auth/login",
            json={"email": email or f"{role}@{self.slug}.localhost", "password": password},
        )
        tokens: dict[str, Any] = await answer.json()
        assert answer.status == 200, tokens
        self.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        return tokens

    async def request(self, method: str, path: str, **options: Any) -> ClientResponse:
        """One call; ``headers`` are added to the client's own."""
        headers = {**self.headers, **options.pop("headers", {})}
        url = path if path.startswith("/") else f"/api/v1/{path}"
        return await self._http.request(method, url, headers=headers, **options)

    async def get(self, path: str, **options: Any) -> ClientResponse:
        return await self.request("GET", path, **options)

    async def post(self, path: str, **options: Any) -> ClientResponse:
        return await self.request("POST", path, **options)

    async def patch(self, path: str, **options: Any) -> ClientResponse:
        return await self.request("PATCH", path, **options)

    async def put(self, path: str, **options: Any) -> ClientResponse:
        return await self.request("PUT", path, **options)

    async def delete(self, path: str, **options: Any) -> ClientResponse:
        return await self.request("DELETE", path, **options)

    async def json(self, method: str, path: str, body: Any = None, *, status: int | None = None) -> Any:
        """One call with a JSON body; the answer's JSON, after checking ``status``."""
        answer = await self.request(method, path, **({} if body is None else {"json": body}))
        content = await answer.json(content_type=None) if answer.status != 204 else None
        if status is not None:
            assert answer.status == status, content
        return content


@pytest.fixture
async def store(database: Database) -> Store:
    """The store ``yard``."""
    return await create_store(database, "yard")


@pytest.fixture
async def client(settings: Settings, database: Database, store: Store) -> AsyncIterator[ApiClient]:
    """A signed-out client of the whole API, at the store ``yard``."""
    connection = redis.Redis.from_url(settings.redis_url)
    application = api_application(settings, database, connection, Readiness())
    async with TestClient(TestServer(application)) as http:
        yield ApiClient(http, store.slug)
    await connection.aclose()
