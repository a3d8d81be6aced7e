"""``python -m tests.security.login_abuse``: how late the event loop runs while passwords are guessed at full speed.

Three phases in turns: people at work and nobody else; the same with wrong passwords for many accounts of many stores
from many addresses, as fast as connections take them; the same with passwords far too long.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from tests.security.running import Running, running
from tests.support.stores import PASSWORD, ROLES, create_store

STORES = 40
GUESSERS = 48
WORK_EVERY_S = 0.02
PHASES = ("quiet", "wrong passwords", "long passwords")
_LONG = "x" * 900_000


def main() -> int:
    """Measure, and print what was found as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="of one phase")
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    print(json.dumps(asyncio.run(_abuse(given.seconds, given.rounds)), indent=2))
    return 0


async def _abuse(seconds: float, rounds: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as directory:
        delays = Path(directory) / "delays"
        async with running(module="tests.security.watched", LOOP_DELAYS=str(delays)) as site:
            for number in range(STORES):
                await create_store(site.database, f"guessed-{number}")
            abuse = _Abuse(site)
            await abuse.sign_in()
            for phase in PHASES * rounds:
                await abuse.phase(phase, seconds)
            await site.program.terminate()
            measured = [tuple(map(float, line.split())) for line in delays.read_text().splitlines()]
    return {phase: abuse.said(phase, measured) for phase in PHASES}


class _Abuse:
    """The phases, and what came of them."""

    def __init__(self, site: Running) -> None:
        self._site = site
        self._numbers = itertools.count()
        self._statuses: defaultdict[str, Counter[int]] = defaultdict(Counter)
        self._refused: Counter[str] = Counter()
        self._latencies: defaultdict[str, list[float]] = defaultdict(list)
        self._times: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
        self._token = ""

    async def sign_in(self) -> None:
        """Be somebody who works."""
        body = {"email": "owner@yard.localhost", "password": PASSWORD}
        async with self._site.session.post(
            f"{self._site.program.url}/api/v1/auth/login", json=body, headers={"Host": "yard.localhost"}
        ) as answer:
            self._token = (await answer.json())["access_token"]

    async def phase(self, phase: str, seconds: float) -> None:
        """One of ``PHASES``, for so long."""
        began = time.monotonic()
        until = began + seconds
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as client, asyncio.TaskGroup() as tasks:
            tasks.create_task(self._work(client, phase, until))
            if phase != "quiet":
                for _ in range(GUESSERS):
                    tasks.create_task(self._guess(client, phase, until))
        self._times[phase].append((began, time.monotonic()))

    async def _work(self, client: aiohttp.ClientSession, phase: str, until: float) -> None:
        headers = {"Host": "yard.localhost", "Authorization": f"Bearer {self._token}"}
        while time.monotonic() < until:
            began = time.monotonic()
            async with client.get(f"{self._site.program.url}/api/v1/products", headers=headers) as answer:
                await answer.read()
                self._refused[phase] += answer.status != 200
            self._latencies[phase].append(time.monotonic() - began)
            await asyncio.sleep(WORK_EVERY_S)

    async def _guess(self, client: aiohttp.ClientSession, phase: str, until: float) -> None:
        while time.monotonic() < until:
            number = next(self._numbers)
            store = f"guessed-{number % STORES}.localhost"
            # Accounts that there are and accounts that there are not, never one of them often.
            name = ROLES[number % len(ROLES)].value if number % 10 == 0 else f"somebody-{number}"
            password = f"wrong {number}" if phase == "wrong passwords" else f"{_LONG}{number}"
            address = f"198.{18 + number % 2}.{number // 250 % 250}.{number % 250}"
            async with client.post(
                f"{self._site.program.url}/api/v1/auth/login",
                # Put together as text: this process is to send, and not to encode.
                data=f'{{"email": "{name}@{store}", "password": "{password}"}}'.encode(),
                headers={
                    "Host": store,
                    "X-Forwarded-For": address,
                    "Content-Type": "application/json",
                },
            ) as answer:
                await answer.read()
                self._statuses[phase][answer.status] += 1

    def said(self, phase: str, measured: Sequence[tuple[float, ...]]) -> dict[str, object]:
        """The figures of a phase."""
        delays = sorted(
            1000 * delay
            for at, delay in measured
            if any(began <= at <= ended for began, ended in self._times[phase])
        )
        latencies = sorted(1000 * latency for latency in self._latencies[phase])
        seconds = sum(ended - began for began, ended in self._times[phase])
        return {
            "seconds": round(seconds, 1),
            "sign_ins_answered": dict(sorted(self._statuses[phase].items())),
            "loop_delay_ms": _figures(delays),
            "request_ms": _figures(latencies),
            "requests_refused": self._refused[phase],
        }


def _figures(ascending: Sequence[float]) -> dict[str, float]:
    return {
        "count": len(ascending),
        "p50": round(ascending[len(ascending) // 2], 2),
        "p99": round(ascending[int(len(ascending) * 0.99)], 2),
        "max": round(ascending[-1], 2),
    }


if __name__ == "__main__":
    sys.exit(main())
