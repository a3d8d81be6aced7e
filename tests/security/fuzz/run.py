"""The run: many inputs at once from people of every role, judged one by one."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import anyio
from yarl import URL

from tests.security.fuzz.inputs import Input, Inputs, Place
from tests.security.fuzz.judge import Judge
from tests.support.stores import PASSWORD

ACTORS = (
    "owner",
    "owner",
    "owner",
    "owner",
    "seller",
    "finance",
    "stock_keeper",
    "driver",
    "nobody",
    "stranger",
)
AT_ONCE = 6


@dataclass(slots=True)
class Actor:
    """Somebody who sends requests: the host they use and the token they have."""

    host: str
    email: str = ""
    token: str = ""


class Run:
    """Sends inputs to the API at ``url`` as everybody there is in the store ``yard``.

    ``fresh`` is a client that makes a connection for every request.
    """

    def __init__(
        self,
        client: aiohttp.ClientSession,
        fresh: aiohttp.ClientSession,
        url: str,
        inputs: Inputs,
        judge: Judge,
        rng: random.Random,
    ) -> None:
        self._client = client
        self._fresh = fresh
        self._url = url
        self._inputs = inputs
        self._judge = judge
        self._rng = rng
        self._actors: dict[str, Actor] = {}
        self.sent = 0

    async def sign_in(self) -> None:
        """Have a token for everybody who can have one; the stranger has another store's."""
        for role in dict.fromkeys(ACTORS):
            slug = "rival" if role == "stranger" else "yard"
            actor = Actor("yard.localhost", f"{'owner' if role == 'stranger' else role}@{slug}.localhost")
            if role != "nobody":
                await self._sign_in(actor, f"{slug}.localhost")
            self._actors[role] = actor
        admin = Actor("localhost", "admin@platform.localhost")
        await self._sign_in(admin, "localhost")
        self._actors["admin"] = admin

    async def chance(self, count: int) -> None:
        """Send this many inputs of chance."""
        await self._send(self._inputs.any() for _ in range(count))

    async def texts(self, places: Iterable[Place]) -> None:
        """Send these texts where they go, as the owner."""
        await self._send((self._inputs.at(place) for place in places), by="owner")

    async def _send(self, inputs: Iterator[Input], by: str | None = None) -> None:
        async def work() -> None:
            for given in inputs:
                await self._one(given, by)

        async with anyio.create_task_group() as tasks:
            for _ in range(AT_ONCE):
                tasks.start_soon(work)

    async def _one(self, given: Input, by: str | None) -> None:
        if by is None:
            is_platform = "/platform/" in given.operation.path
            by = "admin" if is_platform and self._rng.random() < 0.8 else self._rng.choice(ACTORS)
        actor = self._actors[by]
        token = actor.token
        try:
            status, headers, content = await self._ask(given, actor)
        except aiohttp.ClientConnectionError:
            # A connection may close between two requests; what ends a fresh one as well is the request.
            try:
                status, headers, content = await self._ask(given, actor, fresh=True)
            except aiohttp.ClientError as error:
                self._judge.verdicts.note(f"{given.operation.where}: {type(error).__name__}", given, b"")
                return
        self._judge.judge(given, status, headers, content)
        self.sent += 1
        if status == 201 and headers.get("Content-Type") == "application/json":
            self._inputs.learn(given.operation, _json(content))
        elif status == 401 and token and token == actor.token and by != "stranger":
            # Signed out by an input of this very run.
            actor.token = ""
            await self._sign_in(actor, actor.host)

    async def _ask(
        self, given: Input, actor: Actor, *, fresh: bool = False
    ) -> tuple[int, Mapping[str, str], bytes]:
        headers = {"Host": actor.host, **given.headers}
        if actor.token:
            headers["Authorization"] = f"Bearer {actor.token}"
        # Every request from an address of its own, or the limits of sign-ins would be all that is seen.
        headers["X-Forwarded-For"] = f"198.51.{self._rng.randrange(256)}.{self._rng.randrange(256)}"
        client = self._fresh if fresh else self._client
        async with client.request(
            given.operation.method,
            URL(self._url + given.target, encoded=True),
            data=given.data,
            headers=headers,
            allow_redirects=False,
            skip_auto_headers=("Content-Type",),
        ) as answer:
            return answer.status, answer.headers, await answer.read()

    async def _sign_in(self, actor: Actor, host: str) -> None:
        address = f"203.0.{self._rng.randrange(256)}.{self._rng.randrange(256)}"
        async with self._client.post(
            f"{self._url}/api/v1/auth/login",
            json={"email": actor.email, "password": PASSWORD},
            headers={"Host": host, "X-Forwarded-For": address},
        ) as answer:
            assert answer.status == 200, await answer.text()
            actor.token = (await answer.json())["access_token"]


def _json(content: bytes) -> Any:
    import orjson

    return orjson.loads(content)
