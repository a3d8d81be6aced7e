from __future__ import annotations

import time
from uuid import UUID, uuid4

import anyio
import pytest
import redis.asyncio as redis

from runtime.errors import TooManyRequestsError
from runtime.events.streams import open_redis
from runtime.web.application import CONTEXT
from runtime.web.limits import Pace, RateLimits
from runtime.web.throttle import ACCOUNT_FAILURES, ADDRESS_FAILURES, Throttle
from tests.support.stores import ApiClient, create_store

LOGIN = "/api/v1/auth/login"


async def attempt(client: ApiClient, email: str, password: str = "wrong password"):
    return await client.post(LOGIN, json={"email": email, "password": password})


async def fail(throttle: Throttle, tenant_id: UUID, account: str, address: str) -> None:
    async with throttle.attempt(tenant_id, account, address) as attempt:
        await attempt.failed()


async def may_try(throttle: Throttle, tenant_id: UUID, account: str, address: str) -> None:
    async with throttle.attempt(tenant_id, account, address):
        pass


async def end_waits(url: str) -> None:
    """Let every wait be over, as after its time."""
    async with redis.Redis.from_url(url) as connection:
        for key in await connection.keys("{rl:*}"):
            await connection.delete(key)


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
        await fail(throttle, tenant_id, f"user{number}@yard.localhost", "203.0.113.7")
    with pytest.raises(TooManyRequestsError):
        await may_try(throttle, uuid4(), "another@yard.localhost", "203.0.113.7")
    await may_try(throttle, tenant_id, "another@yard.localhost", "203.0.113.8")


async def test_delays_grow_and_end(client, redis_url) -> None:
    throttle, tenant_id = client._http.server.app[CONTEXT].throttle, uuid4()
    waits = []
    for _ in range(ACCOUNT_FAILURES + 3):
        await end_waits(redis_url)
        await fail(throttle, tenant_id, "a@b.c", "203.0.113.7")
        try:
            await may_try(throttle, tenant_id, "a@b.c", "203.0.113.9")
            waits.append(0)
        except TooManyRequestsError as error:
            waits.append(int(error.headers["Retry-After"]))
    assert waits[: ACCOUNT_FAILURES - 1] == [0] * (ACCOUNT_FAILURES - 1)
    assert waits[ACCOUNT_FAILURES - 1 :] == pytest.approx([15, 30, 60, 120], abs=2)


async def test_without_redis_the_process_counts_for_itself() -> None:
    away = open_redis("redis://127.0.0.1:1/0")
    throttle, tenant_id = Throttle(away), uuid4()
    for _ in range(ACCOUNT_FAILURES):
        await fail(throttle, tenant_id, "a@b.c", "203.0.113.7")
    with pytest.raises(TooManyRequestsError):
        await may_try(throttle, tenant_id, "a@b.c", "203.0.113.9")
    await away.aclose()


class Guesses:
    """Passwords that are verified only when the test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, client: ApiClient) -> None:
        self.verified = 0
        self.gate = anyio.Event()
        self.begun = anyio.Event()
        passwords = client._http.server.app[CONTEXT].passwords
        verify = passwords.verify

        async def at_the_gate(encoded, password):
            self.verified += 1
            self.begun.set()
            await self.gate.wait()
            return await verify(encoded, password)

        monkeypatch.setattr(passwords, "verify", at_the_gate)


async def statuses(client: ApiClient, password: str, count: int, guesses: Guesses) -> list[int]:
    """How ``count`` sign-ins at once end, when none is answered before all have been sent."""
    answers: list[int] = []

    async def try_one() -> None:
        answers.append((await attempt(client, "owner@yard.localhost", password)).status)

    async with anyio.create_task_group() as tasks:
        for _ in range(count):
            tasks.start_soon(try_one)
        await guesses.begun.wait()
        await anyio.sleep(0.1)
        guesses.gate.set()
    return sorted(answers)


async def test_guesses_made_at_once_get_no_further_than_guesses_made_one_by_one(client, monkeypatch) -> None:
    guesses = Guesses(monkeypatch, client)
    answers = await statuses(client, "wrong password", 25, guesses)
    assert guesses.verified == ACCOUNT_FAILURES
    assert answers == [401] * ACCOUNT_FAILURES + [429] * (25 - ACCOUNT_FAILURES)


async def test_after_a_wait_one_guess_at_a_time_goes_ahead(client, monkeypatch, redis_url) -> None:
    for _ in range(ACCOUNT_FAILURES):
        await attempt(client, "owner@yard.localhost")
    await end_waits(redis_url)
    guesses = Guesses(monkeypatch, client)
    answers = await statuses(client, "wrong password", 8, guesses)
    assert answers == [401] + [429] * 7
    assert guesses.verified == 1


async def test_people_who_sign_in_to_one_account_at_once_all_get_in(client, monkeypatch) -> None:
    guesses = Guesses(monkeypatch, client)
    assert await statuses(client, "correct-horse-battery", 12, guesses) == [200] * 12


async def test_processes_share_the_count_of_what_is_under_way(client, redis_url) -> None:
    tenant_id, verified = uuid4(), 0
    first, second = (redis.Redis.from_url(redis_url) for _ in range(2))
    throttles = [Throttle(first), Throttle(second)]

    async def guess(throttle: Throttle) -> None:
        nonlocal verified
        try:
            async with throttle.attempt(tenant_id, "a@b.c", "203.0.113.7") as guessed:
                verified += 1
                await anyio.sleep(0.01)
                await guessed.failed()
        except TooManyRequestsError:
            return

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(guess, throttles[number % 2])
    assert verified == ACCOUNT_FAILURES
    await first.aclose()
    await second.aclose()


async def test_without_redis_guesses_made_at_once_get_no_further_either() -> None:
    away = open_redis("redis://127.0.0.1:1/0")
    throttle, tenant_id, verified = Throttle(away), uuid4(), 0

    async def guess() -> None:
        nonlocal verified
        try:
            async with throttle.attempt(tenant_id, "a@b.c", "203.0.113.7") as guessed:
                verified += 1
                await anyio.sleep(0.01)
                await guessed.failed()
        except TooManyRequestsError:
            return

    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(guess)
    assert verified == ACCOUNT_FAILURES
    await away.aclose()


async def test_an_attempt_that_came_to_no_verdict_counts_for_nothing(client, redis_url) -> None:
    throttle, tenant_id = client._http.server.app[CONTEXT].throttle, uuid4()
    for _ in range(2 * ACCOUNT_FAILURES):
        with pytest.raises(RuntimeError):
            async with throttle.attempt(tenant_id, "a@b.c", "203.0.113.7"):
                raise RuntimeError("the database is away")
    await may_try(throttle, tenant_id, "a@b.c", "203.0.113.7")


async def test_redis_never_sees_an_address_of_an_account(client, settings) -> None:
    await attempt(client, "owner@yard.localhost")
    async with redis.Redis.from_url(settings.redis_url) as connection:
        keys = [key.decode() for key in await connection.keys("*rl:*")]
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
