"""Guessing passwords costs those who guess, and nobody else: hashing is never the event loop's work, only so much of it
goes on at once, and so much waits. ``python -m tests.security.login_abuse`` measures what that comes to."""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterator

import anyio
import anyio.lowlevel
import orjson
import pytest

from runtime.errors import RetryLaterError
from runtime.web.application import CONTEXT
from runtime.web.passwords import MAX_LENGTH, MAX_WAITING, Passwords
from runtime.web.reader import MAX_PUBLIC_BODY
from tests.support.stores import ApiClient

RIGHT = "the right one"


class Gated:
    """Passwords whose hashing is only a wait at a gate, which notes in which threads it went on."""

    def __init__(self, passwords: Passwords, monkeypatch: pytest.MonkeyPatch) -> None:
        self.gate = threading.Event()
        self.threads: list[int] = []
        monkeypatch.setattr(passwords, "_verify", self._verify)

    def _verify(self, _encoded: str, password: str) -> bool:
        self.threads.append(threading.get_ident())
        self.gate.wait(10)
        return password == RIGHT


def passwords_of(client: ApiClient) -> Passwords:
    return client._http.server.app[CONTEXT].passwords


async def test_hashing_is_never_the_loops_work_and_only_so_much_goes_on_at_once(monkeypatch) -> None:
    passwords = Passwords(memory_kib=64, rounds=1)
    gated = Gated(passwords, monkeypatch)
    async with anyio.create_task_group() as tasks:
        for _ in range(MAX_WAITING):
            tasks.start_soon(passwords.verify, None, "a guess")
        with anyio.fail_after(5):
            while not gated.threads:
                await anyio.lowlevel.checkpoint()
        await anyio.sleep(0.05)  # the loop goes on; and time enough for more of them to begin, if they could
        assert len(gated.threads) <= max(1, (os.cpu_count() or 2) // 2)
        gated.gate.set()
    assert threading.get_ident() not in gated.threads
    assert len(gated.threads) == MAX_WAITING
    passwords.close()


async def test_beyond_what_may_wait_a_sign_in_is_refused_at_once_and_room_comes_back(monkeypatch) -> None:
    passwords = Passwords(memory_kib=64, rounds=1)
    gated = Gated(passwords, monkeypatch)
    async with anyio.create_task_group() as tasks:
        for _ in range(MAX_WAITING):
            tasks.start_soon(passwords.verify, None, "a guess")
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(RetryLaterError):
            await passwords.verify(None, "one more")
        gated.gate.set()
    assert await passwords.verify("its hash", RIGHT)
    passwords.close()


async def test_people_work_on_while_as_many_guesses_wait_as_may_and_others_are_told_to_come_back(
    client, monkeypatch
) -> None:
    monkeypatch.setattr("runtime.web.passwords.MAX_WAITING", 4)
    await client.login("owner")
    gated = Gated(passwords_of(client), monkeypatch)
    answers: list[tuple[int, bool]] = []

    async def guess(number: int) -> None:
        body = {"email": f"somebody-{number}@yard.localhost", "password": "a guess"}
        answer = await client.post("/api/v1/auth/login", json=body)
        answers.append((answer.status, "Retry-After" in answer.headers))

    async with anyio.create_task_group() as tasks:
        for number in range(12):
            tasks.start_soon(guess, number)
        with anyio.fail_after(10):
            while len(answers) < 8:
                await anyio.sleep(0.01)
        assert answers == [(503, True)] * 8
        assert (await client.get("products")).status == 200
        gated.gate.set()
    assert answers[8:] == [(401, False)] * 4


async def test_a_password_longer_than_any_is_refused_before_it_is_hashed(client, monkeypatch) -> None:
    gated = Gated(passwords_of(client), monkeypatch)
    gated.gate.set()
    body = {"email": "owner@yard.localhost", "password": "x" * (MAX_LENGTH + 1)}
    assert (await client.post("/api/v1/auth/login", json=body)).status == 422
    assert gated.threads == []


async def test_a_megabyte_of_somebody_who_has_not_signed_in_is_not_even_read(client, monkeypatch) -> None:
    def reading(*_: object) -> None:
        raise AssertionError("it was read")

    monkeypatch.setattr("runtime.web.reader.parse_json", reading)
    data = orjson.dumps({"email": "owner@yard.localhost", "password": "x" * MAX_PUBLIC_BODY})

    async def in_parts() -> AsyncIterator[bytes]:
        for at in range(0, len(data), 4096):
            yield data[at : at + 4096]

    for sent in (data, in_parts()):
        headers = {"Content-Type": "application/json"}
        answer = await client.post("/api/v1/auth/login", data=sent, headers=headers)
        assert (answer.status, (await answer.json())["code"]) == (413, "too_large")
