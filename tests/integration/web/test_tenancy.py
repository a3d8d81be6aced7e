from __future__ import annotations

from contextlib import AsyncExitStack

import pytest
import redis.asyncio as redis
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr

from handlers.vertical import api_application
from runtime.host.ops import Readiness
from tests.support.stores import ApiClient, create_store

ME = "/api/v1/auth/me"
SECRET = "edge-secret-of-this-test"


@pytest.fixture
async def served(settings, database, store):
    """A function that serves the API with some settings changed and gives a client at ``yard``."""
    async with AsyncExitStack() as stack:

        async def serve(**changes) -> ApiClient:
            connection = await stack.enter_async_context(redis.Redis.from_url(settings.redis_url))
            application = api_application(settings.having(**changes), database, connection, Readiness())
            http = await stack.enter_async_context(TestClient(TestServer(application)))
            return ApiClient(http, store.slug)

        yield serve


async def test_the_host_names_the_store(client) -> None:
    await client.login("owner")
    assert (await client.json("GET", ME, status=200))["email"] == "owner@yard.localhost"


@pytest.mark.parametrize("host", ["yard.localhost:8000", "YARD.LOCALHOST", "yard.localhost."])
async def test_the_form_of_the_host_does_not_matter(client, host: str) -> None:
    await client.login("owner")
    assert (await client.get(ME, headers={"Host": host})).status == 200


@pytest.mark.parametrize(
    "host", ["nobody.localhost", "a.yard.localhost", "platform.localhost", "www.localhost"]
)
async def test_an_unknown_or_reserved_store_is_not_found(client, host: str) -> None:
    await client.login("owner")
    answer = await client.get(ME, headers={"Host": host})
    assert answer.status == 404
    assert (await answer.json())["code"] == "unknown_tenant"


async def test_on_a_bare_address_the_token_names_the_store(client) -> None:
    await client.login("owner")
    for host in ("127.0.0.1:8000", "localhost", "[::1]:8000"):
        assert (await client.get(ME, headers={"Host": host})).status == 200


async def test_a_token_of_another_store_is_refused(client, database) -> None:
    await create_store(database, "beta")
    await client.login("owner")
    answer = await client.get(ME, headers={"Host": "beta.localhost"})
    assert answer.status == 403
    assert (await answer.json())["code"] == "tenant_mismatch"


async def test_a_tenant_header_from_an_untrusted_peer_changes_nothing(client, database) -> None:
    await create_store(database, "beta")
    await client.login("owner")
    for spoofed in ("beta", "nobody", "", "yard"):
        assert (await client.get(ME, headers={"X-Tenant-Slug": spoofed})).status == 200
    wrong = {"X-Tenant-Slug": "beta", "X-Edge-Auth": "guess"}
    assert (await client.get(ME, headers=wrong)).status == 200


async def test_a_tenant_header_counts_from_a_trusted_proxy(served, database) -> None:
    await create_store(database, "beta")
    yard = await served(trusted_proxies=("127.0.0.0/8", "::1/128"))
    yard.headers = {"Host": "127.0.0.1", "X-Tenant-Slug": "yard"}
    await yard.login("owner")
    assert (await yard.get(ME)).status == 200
    assert (await yard.get(ME, headers={"X-Tenant-Slug": "beta"})).status == 403
    assert (await yard.get(ME, headers={"X-Tenant-Slug": "nobody"})).status == 404


async def test_a_tenant_header_counts_with_the_edge_secret_only(served, database) -> None:
    await create_store(database, "beta")
    yard = await served(edge_secret=SecretStr(SECRET))
    await yard.login("owner")
    bare = {"Host": "127.0.0.1", "X-Tenant-Slug": "beta"}
    assert (await yard.get(ME, headers={**bare, "X-Edge-Auth": SECRET})).status == 403
    assert (await yard.get(ME, headers={**bare, "X-Edge-Auth": SECRET + "x"})).status == 200
    assert (await yard.get(ME, headers=bare)).status == 200


async def test_a_trusted_header_that_contradicts_the_host_is_malformed(served) -> None:
    yard = await served(edge_secret=SecretStr(SECRET))
    await yard.login("owner")
    answer = await yard.get(ME, headers={"X-Tenant-Slug": "beta", "X-Edge-Auth": SECRET})
    assert answer.status == 400
    assert (await answer.json())["code"] == "tenant_mismatch"


async def test_a_suspended_store_is_closed_and_opens_again(client, store, admin) -> None:
    await client.login("owner")
    path = f"/api/v1/platform/tenants/{store.id}"
    assert (await admin.json("POST", f"{path}/suspend", status=200))["status"] == "suspended"
    answer = await client.get(ME)
    assert answer.status == 403
    assert (await answer.json())["code"] == "tenant_suspended"
    await admin.json("POST", f"{path}/resume", status=200)
    assert (await client.get(ME)).status == 200


async def test_branding_is_public_and_cacheable(client) -> None:
    answer = await client.get("/tenant.json")
    assert answer.status == 200
    assert (await answer.json())["slug"] == "yard"
    again = await client.get("/tenant.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status == 304
    assert (await client.get("/tenant.json", headers={"Host": "nobody.localhost"})).status == 404


async def test_health_needs_no_store(client) -> None:
    for host in ("nobody.localhost", "10.0.0.1", "yard.localhost"):
        answer = await client.get("/health", headers={"Host": host})
        assert await answer.read() == b'{"status": "ok"}'


async def test_the_address_of_a_client_comes_from_trusted_proxies_only(served, database, store) -> None:
    trusting, plain = await served(trusted_proxies=("127.0.0.0/8",)), await served()
    for api, expected in ((trusting, "203.0.113.9"), (plain, "127.0.0.1")):
        await api.login("owner")
        user = f"/api/v1/users/{store.users['driver']}"
        headers = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}
        assert (await api.patch(user, json={"name": f"D {expected}"}, headers=headers)).status == 200
        newest = (await api.json("GET", "/api/v1/audit?limit=1", status=200))["items"][0]
        assert (newest["action"], newest["address"]) == ("user.changed", expected)
