from __future__ import annotations

import anyio
import pytest
import redis.asyncio as redis

from runtime.data.queries import sql
from runtime.web.application import CONTEXT
from runtime.web.sessions import Sessions
from tests.support.stores import PASSWORD, ApiClient

ME = "/api/v1/auth/me"


@pytest.fixture
async def seller(client: ApiClient) -> ApiClient:
    """A second client, signed in as the seller."""
    other = client.at("yard")
    await other.login("seller")
    return other


async def test_signing_out_ends_the_session_at_once(client) -> None:
    tokens = await client.login("owner")
    assert (await client.get(ME)).status == 200
    assert (await client.post("/api/v1/auth/logout")).status == 204
    assert (await client.get(ME)).status == 401
    answer = await client.post("/api/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert answer.status == 401


async def test_signing_out_leaves_other_sessions_alone(client, seller) -> None:
    other = client.at("yard")
    await other.login("seller")
    await seller.post("/api/v1/auth/logout")
    assert (await other.get(ME)).status == 200


async def test_a_disabled_user_is_out_at_once_and_cannot_come_back(client, store, seller) -> None:
    await client.login("owner")
    assert (await seller.get(ME)).status == 200
    path = f"/api/v1/users/{store.users['seller']}"
    assert (await client.patch(path, json={"active": False})).status == 200
    assert (await seller.get(ME)).status == 401
    answer = await seller.post(
        "/api/v1/auth/login", json={"email": "seller@yard.localhost", "password": PASSWORD}
    )
    assert answer.status == 401
    await client.patch(path, json={"active": True})
    assert (await seller.get(ME)).status == 401, "a session that was revoked stays revoked"
    await seller.login("seller")


async def test_another_role_takes_effect_at_once(client, store, seller) -> None:
    await client.login("owner")
    assert (await seller.get("/api/v1/users")).status == 403
    assert (
        await client.patch(f"/api/v1/users/{store.users['seller']}", json={"role": "owner"})
    ).status == 200
    assert (await seller.get("/api/v1/users")).status == 200
    assert (await seller.json("GET", ME, status=200))["role"] == "owner"


async def test_a_new_password_ends_all_sessions(client, store, seller) -> None:
    await client.login("owner")
    path = f"/api/v1/users/{store.users['seller']}/reset-password"
    assert (await client.post(path, json={"password": "tijolo azul na chuva"})).status == 200
    assert (await seller.get(ME)).status == 401
    await seller.login("seller", password="tijolo azul na chuva")


async def test_a_copy_written_late_does_not_bring_a_revoked_session_back(
    client, database, store, settings
) -> None:
    """A reader that saw the live session before the revocation may write its copy after it: nothing comes of it."""
    await client.login("owner")
    identity = (await client.json("GET", ME, status=200))["id"]
    async with redis.Redis.from_url(settings.redis_url) as connection:
        sessions = Sessions(database, connection)
        async with database.tenant(store.id) as tx:
            session_id = (await tx.fetch_all(sql.select_live_sessions, of_user=store.owner_id))[0]["id"]
        found = await sessions.find(store.id, session_id)
        assert found is not None
        assert str(found.user_id) == identity
        await client.post("/api/v1/auth/logout")
        await sessions._fill(f"sess:{store.id}:{session_id}", found)
        assert await sessions.find(store.id, session_id) is None
        assert (await client.get(ME)).status == 401


async def test_an_emptied_redis_opens_nothing_and_closes_nothing(client, seller, settings) -> None:
    await client.login("owner")
    await seller.post("/api/v1/auth/logout")
    async with redis.Redis.from_url(settings.redis_url) as connection:
        await connection.flushdb()
    assert (await client.get(ME)).status == 200
    assert (await seller.get(ME)).status == 401


async def test_postgresql_answers_while_redis_is_away(client, database, store, monkeypatch) -> None:
    context = client._http.server.app[CONTEXT]
    await client.login("owner")

    async def fail(*_arguments, **_options):
        raise redis.ConnectionError("away")

    monkeypatch.setattr(context.sessions._redis, "get", fail)
    assert (await client.get(ME)).status == 200
    assert (await client.post("/api/v1/auth/logout")).status == 204
    assert (await client.get(ME)).status == 401


async def test_without_redis_and_postgresql_nobody_comes_in(client, monkeypatch) -> None:
    context = client._http.server.app[CONTEXT]
    await client.login("owner")
    context.sessions._redis_away_until = float("inf")
    await context.database.close(0.1)
    answer = await client.get(ME)
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) >= 1


async def test_a_refresh_token_is_good_once(client) -> None:
    first = await client.login("owner")
    path = "/api/v1/auth/refresh"
    second = await client.json("POST", path, {"refresh_token": first["refresh_token"]}, status=200)
    client.headers["Authorization"] = f"Bearer {second['access_token']}"
    assert (await client.get(ME)).status == 200
    assert second["refresh_token"] != first["refresh_token"]


async def test_a_refresh_token_used_twice_ends_the_whole_session(client) -> None:
    first = await client.login("owner")
    path = "/api/v1/auth/refresh"
    second = await client.json("POST", path, {"refresh_token": first["refresh_token"]}, status=200)
    assert (await client.post(path, json={"refresh_token": first["refresh_token"]})).status == 401
    assert (await client.post(path, json={"refresh_token": second["refresh_token"]})).status == 401
    assert (await client.get(ME)).status == 401
    client.headers["Authorization"] = f"Bearer {second['access_token']}"
    assert (await client.get(ME)).status == 401


async def test_of_many_uses_at_once_at_most_one_gets_tokens(client) -> None:
    tokens = await client.login("owner")
    statuses: list[int] = []

    async def use() -> None:
        answer = await client.post("/api/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
        statuses.append(answer.status)

    async with anyio.create_task_group() as tasks:
        for _ in range(8):
            tasks.start_soon(use)
    assert sorted(statuses) == [200] + [401] * 7


async def test_a_refresh_token_works_on_the_bare_host_but_not_at_another_store(client, database) -> None:
    from tests.support.stores import create_store

    await create_store(database, "beta")
    path, first = "/api/v1/auth/refresh", await client.login("owner")
    at_beta = client.at("beta")
    assert (await at_beta.post(path, json={"refresh_token": first["refresh_token"]})).status == 401
    bare = client.at(None)
    assert (await bare.post(path, json={"refresh_token": first["refresh_token"]})).status == 200


@pytest.mark.parametrize("token", ["x" * 64, "A" * 64, "a" * 20, "_" * 63 + "-"])
async def test_a_made_up_refresh_token_is_refused(client, token: str) -> None:
    assert (await client.post("/api/v1/auth/refresh", json={"refresh_token": token})).status == 401


async def test_the_database_holds_no_refresh_token_in_the_clear(client, database_url) -> None:
    import asyncpg

    tokens = await client.login("owner")
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch("select * from refresh_tokens")
    await connection.close()
    assert len(rows) == 1
    assert tokens["refresh_token"] not in str([dict(row) for row in rows])


async def test_with_nobody_at_the_address_of_redis_everything_about_sessions_works(
    settings, database, store
) -> None:
    from aiohttp.test_utils import TestClient, TestServer

    from handlers.vertical import api_application
    from runtime.host.ops import Readiness

    away = redis.Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.2)
    async with TestClient(TestServer(api_application(settings, database, away, Readiness()))) as http:
        owner, seller = ApiClient(http, store.slug), ApiClient(http, store.slug)
        await owner.login("owner")
        tokens = await seller.login("seller")
        user = f"/api/v1/users/{store.users['seller']}"
        assert (await owner.patch(user, json={"role": "finance"})).status == 200
        assert (await seller.json("GET", ME, status=200))["role"] == "finance"
        assert (await owner.patch(user, json={"active": False})).status == 200
        assert (await seller.get(ME)).status == 401
        refresh = {"refresh_token": tokens["refresh_token"]}
        assert (await seller.post("/api/v1/auth/refresh", json=refresh)).status == 401
        assert (await owner.post("/api/v1/auth/logout")).status == 204
        assert (await owner.get(ME)).status == 401
    await away.aclose()


async def test_a_copy_that_could_not_be_marked_is_not_believed_when_redis_comes_back(
    client, database, store, settings, monkeypatch
) -> None:
    """Redis goes away for the moment of the sign-out only, and still has its copy of the session afterwards."""
    await client.login("owner")
    sessions = client._http.server.app[CONTEXT].sessions
    assert (await client.get(ME)).status == 200
    with monkeypatch.context() as patched:

        def fail(**_options):
            raise redis.ConnectionError("away")

        patched.setattr(sessions._redis, "pipeline", fail)
        assert (await client.post("/api/v1/auth/logout")).status == 204
    async with redis.Redis.from_url(settings.redis_url) as connection:
        assert await connection.keys("sess:*"), "the copy has to be there for this to prove anything"
    sessions._redis_away_until -= 5.0  # five seconds later
    assert (await client.get(ME)).status == 401
