from __future__ import annotations

import time
from uuid import uuid4

import pytest
import redis.asyncio as redis

from runtime.errors import TooManyRequestsError
from runtime.web.application import CONTEXT
from runtime.web.limits import Pace, RateLimits
from runtime.web.throttle import ACCOUNT_FAILURES, ADDRESS_FAILURES, Throttle
from tests.support.stores import ApiClient, create_store

LOGIN = "/api/v1/auth/login"


async def attempt(client: ApiClient, email: str, password: str = "wrong password"):
    return await client.post(LOGIN, json={"email": email, "password": password})


async def test_an_account_that_is_guessed_at_has_to_wait(client) -> None:
    for _ in range(ACCOUNT_FAILURES):
        assert (await attempt(client, "owner@yard.localhost")).status == 401
    answer = await attempt(client, "owner@yard.localhost", "correct-horse-battery")
    assert answer.status == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 900
    assert (await answer.json())["code"] == "login_throttled"


async def test_other_accounts_and_other_stores_are_not_held_up(client, database) -> None:
    await create_store(database, "beta")
    for _ in range(ACCOUNT_FAILURES):
        await attempt(client, "owner@yard.localhost")
    await client.login("seller")
    await client.at("beta").login("owner")


async def test_an_unknown_account_behaves_like_a_known_one(client) -> None:
    answers = {}
    for email in ("owner@yard.localhost", "nobody@yard.localhost"):
        seen = [await attempt(client, email) for _ in range(ACCOUNT_FAILURES + 1)]
        answers[email] = [(a.status, (await a.json())["detail"].split(" s.")[0][:20]) for a in seen]
    assert answers["owner@yard.localhost"] == answers["nobody@yard.localhost"]


async def test_an_unknown_account_costs_the_same_work(client) -> None:
    """The dummy hash has today's parameters, so the users' ones have to as well for a fair comparison."""
    context = client._http.server.app[CONTEXT]
    encoded = await context.passwords.hash("correct-horse-battery")
    seconds = []
    for known in (encoded, None):
        await context.passwords.verify(known, "x")
        started = time.perf_counter()
        for _ in range(4):
            assert not await context.passwords.verify(known, "wrong password")
        seconds.append(time.perf_counter() - started)
    assert 0.4 < seconds[0] / seconds[1] < 2.5


async def test_signing_in_forgets_the_failures_before_it(client) -> None:
    for _ in range(3):
        for _ in range(ACCOUNT_FAILURES - 1):
            assert (await attempt(client, "owner@yard.localhost")).status == 401
        await client.login("owner")


async def test_an_address_that_tries_many_accounts_has_to_wait(client) -> None:
    throttle = client._http.server.app[CONTEXT].throttle
    tenant_id = uuid4()
    for number in range(ADDRESS_FAILURES):
        await throttle.failed(tenant_id, f"user{number}@yard.localhost", "203.0.113.7")
    with pytest.raises(TooManyRequestsError):
        await throttle.check(uuid4(), "another@yard.localhost", "203.0.113.7")
    await throttle.check(tenant_id, "another@yard.localhost", "203.0.113.8")


async def test_delays_grow_and_end(client) -> None:
    throttle, tenant_id = client._http.server.app[CONTEXT].throttle, uuid4()
    waits = []
    for _ in range(ACCOUNT_FAILURES + 3):
        await throttle.failed(tenant_id, "a@b.c", "203.0.113.7")
        try:
            await throttle.check(tenant_id, "a@b.c", "203.0.113.9")
            waits.append(0)
        except TooManyRequestsError as error:
            waits.append(int(error.headers["Retry-After"]))
    assert waits[: ACCOUNT_FAILURES - 1] == [0] * (ACCOUNT_FAILURES - 1)
    assert waits[ACCOUNT_FAILURES - 1 :] == pytest.approx([15, 30, 60, 120], abs=2)


async def test_without_redis_the_process_counts_for_itself() -> None:
    away = redis.Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.2)
    throttle, tenant_id = Throttle(away), uuid4()
    for _ in range(ACCOUNT_FAILURES):
        await throttle.failed(tenant_id, "a@b.c", "203.0.113.7")
    with pytest.raises(TooManyRequestsError):
        await throttle.check(tenant_id, "a@b.c", "203.0.113.9")
    await away.aclose()


async def test_redis_never_sees_an_address_of_an_account(client, settings) -> None:
    await attempt(client, "owner@yard.localhost")
    async with redis.Redis.from_url(settings.redis_url) as connection:
        keys = [key.decode() for key in await connection.keys("rl:*")]
    assert keys
    assert not any("owner" in key for key in keys)


def test_a_pace_allows_a_burst_and_then_its_rate() -> None:
    pace, key = Pace(60), uuid4()
    assert [pace.take(key, 1000.0) for _ in range(60)] == [0.0] * 60
    assert 0.0 < pace.take(key, 1000.0) <= 1.0
    assert pace.take(key, 1001.0) == 0.0
    assert pace.take(key, 1001.0) > 0.0
    assert pace.take(uuid4(), 1001.0) == 0.0


def test_one_users_haste_is_not_another_users_trouble() -> None:
    limits, tenant_id, hasty = RateLimits(2, 100), uuid4(), uuid4()
    limits.check(tenant_id, hasty)
    limits.check(tenant_id, hasty)
    with pytest.raises(TooManyRequestsError):
        limits.check(tenant_id, hasty)
    limits.check(tenant_id, uuid4())


async def test_a_hasty_user_is_told_when_to_come_back(client, monkeypatch) -> None:
    context = client._http.server.app[CONTEXT]
    await client.login("owner")
    monkeypatch.setattr(context.limits, "_users", Pace(2))
    answers = [await client.get("/api/v1/auth/me") for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert int(answers[-1].headers["Retry-After"]) >= 1
