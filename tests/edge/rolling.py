"""Rolling restarts behind a real nginx while a store's people work: ``python -m tests.edge.rolling --restarts 50``.

Two processes serve the API, two relay and apply events; each is sent SIGTERM, waited for and started again in turn. No
client sends anything twice, so every request that fails counts.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import anyio
from pydantic import SecretStr

from runtime.data.database import Database
from runtime.data.migrations import migrate
from runtime.host.embedded import EmbeddedServers
from runtime.settings import Settings, load
from tests.edge.edge import EDGE_SECRET, Edge
from tests.faults.process import Program
from tests.support.stores import PASSWORD, create_store

# nginx passes over a process that was away for fail_timeout, counted in whole seconds: only then may the next one go.
SETTLE_S = 3.0
# nginx limits requests by address; people come from several.
ADDRESSES = [f"127.0.0.{number}" for number in range(2, 10)]
ROLES = {
    "api": "api",
    "api-2": "api",
    "relay": "relay,scheduler",
    "relay-2": "relay,scheduler",
    "engines": "engines",
    "engines-2": "engines",
}


@dataclass(slots=True)
class Outcome:
    """What happened: requests answered as they should be, those that were not, and seconds per restart."""

    answered: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    restarts: Counter[str] = field(default_factory=Counter)
    latencies_s: list[float] = field(default_factory=list)
    restart_s: list[float] = field(default_factory=list)

    def text(self) -> str:
        """One paragraph for people."""
        ordered = sorted(self.latencies_s)
        p50, p99, longest = (ordered[int((len(ordered) - 1) * share)] * 1000 for share in (0.5, 0.99, 1))
        restarts = ", ".join(f"{count} of {name}" for name, count in sorted(self.restarts.items()))
        return (
            f"restarts: {restarts}; {max(self.restart_s, default=0):.1f} s the longest\n"
            f"requests: {self.answered} answered, {self.failed.total()} failed {dict(self.failed)}\n"
            f"latency: p50 {p50:.1f} ms, p99 {p99:.1f} ms, longest {longest:.0f} ms"
        )


@asynccontextmanager
async def site(settings: Settings, directory: Path) -> AsyncIterator[tuple[Edge, dict[str, Program]]]:
    """The processes and the nginx before those that serve the API."""
    async with AsyncExitStack() as stack:
        programs = {}
        for name, roles in ROLES.items():
            programs[name] = Program(
                settings, directory / f"{name}.log", roles=roles, extra={"EDGE_SECRET": EDGE_SECRET}
            )
            stack.callback(programs[name].stop)
            await programs[name].start()
        place = directory / "edge"
        place.mkdir()
        edge = Edge(place, *(programs[name].url.removeprefix("http://") for name in ("api", "api-2")))
        await edge.start()
        stack.callback(edge.stop)
        yield edge, programs


async def roll(
    settings: Settings,
    directory: Path,
    *,
    restarts: int,
    per_second: int,
    names: Collection[str] = tuple(ROLES),
) -> Outcome:
    """Restart the processes of these names ``restarts`` times in turn, under ``per_second`` requests a second."""
    outcome = Outcome()
    async with site(settings, directory) as (edge, programs), AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                aiohttp.ClientSession(
                    f"http://127.0.0.1:{edge.port}",
                    headers={"Host": "yard.localhost"},
                    connector=aiohttp.TCPConnector(local_addr=(address, 0)),
                    timeout=aiohttp.ClientTimeout(total=20),
                )
            )
            for address in ADDRESSES
        ]
        body = {"email": "owner@yard.localhost", "password": PASSWORD}
        async with clients[0].post("/api/v1/auth/login", json=body) as answer:
            token = (await answer.json())["access_token"]
        for client in clients:
            client.headers["Authorization"] = f"Bearer {token}"
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_load, tasks, clients, per_second, outcome)
            await anyio.sleep(1)
            for _ in range(restarts):
                for name in names:
                    program, began = programs[name], time.monotonic()
                    assert await program.terminate() == 0, name
                    await program.start()
                    outcome.restarts[name.removesuffix("-2")] += 1
                    outcome.restart_s.append(time.monotonic() - began)
                    await anyio.sleep(SETTLE_S if "api" in name else 0)
            await anyio.sleep(1)
            tasks.cancel_scope.cancel()
    return outcome


async def _load(
    tasks: anyio.abc.TaskGroup, clients: list[aiohttp.ClientSession], per_second: int, outcome: Outcome
) -> None:
    """Requests at a steady pace, whether or not the earlier ones have been answered."""
    started = time.monotonic()
    for number in itertools.count():
        await anyio.sleep(max(0.0, started + number / per_second - time.monotonic()))
        tasks.start_soon(_request, clients[number % len(clients)], number, outcome)


async def _request(client: aiohttp.ClientSession, number: int, outcome: Outcome) -> None:
    began = time.monotonic()
    if number % 4 == 0:
        sent: Any = client.post("/api/v1/customers", json={"kind": "person", "name": f"Maria {number}"})
        wanted = 201
    else:
        sent, wanted = client.get("/api/v1/products"), 200
    try:
        async with sent as answer:
            await answer.read()
            if answer.status == wanted:
                outcome.answered += 1
            else:
                outcome.failed[f"{answer.method} {answer.status}"] += 1
    except (aiohttp.ClientError, TimeoutError) as error:
        outcome.failed[f"{'POST' if wanted == 201 else 'GET'} {type(error).__name__}"] += 1
    outcome.latencies_s.append(time.monotonic() - began)


async def _main(restarts: int, per_second: int) -> int:
    with tempfile.TemporaryDirectory() as name, EmbeddedServers(Path(name) / "home") as endpoints:
        await migrate(endpoints.database_url)
        settings = load(
            env_file=None,
            environment="development",
            basecommerce_home=Path(name) / "home",
            database_url=endpoints.database_url,
            redis_url=endpoints.redis_url,
            secret_key=SecretStr("2xq8Zf4nTq7mWb1cKd9yRr5uHs3pLe6vJa0g"),
        )
        database = await Database.open(settings.database_url, "api", size=1)
        await create_store(database, "yard")
        await database.close()
        outcome = await roll(settings, Path(name), restarts=restarts, per_second=per_second)
    print(outcome.text())
    return 1 if outcome.failed else 0


def main() -> int:
    """Exit with 1 when any request failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--restarts", type=int, default=10, help="of every process; each role has two")
    parser.add_argument("--per-second", type=int, default=200)
    given = parser.parse_args()
    return asyncio.run(_main(given.restarts, given.per_second))


if __name__ == "__main__":
    raise SystemExit(main())
