"""A load generator in a process of its own: raw HTTP/1.1 over kept connections, so that it costs little itself."""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import uvloop

LATEST = 1.1
"""When a load at a fixed rate ends that its server cannot keep up with, as a multiple of the time asked for."""


@dataclass(slots=True)
class Answer:
    """A status and a body; status 0 when the connection broke."""

    status: int
    body: bytes


@dataclass(slots=True)
class Outcome:
    """What a run of load saw. Latencies are seconds, sorted; ``stall_s`` is the longest time without any answer."""

    seconds: float
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    stall_s: float = 0.0

    @property
    def per_second(self) -> float:
        return sum(self.statuses.values()) / self.seconds

    @property
    def errors(self) -> int:
        """Answers that are not 2xx."""
        return sum(count for status, count in self.statuses.items() if not 200 <= status < 300)

    def add(self, other: Outcome) -> None:
        """Take the answers of another run to these."""
        self.seconds += other.seconds
        self.statuses += other.statuses
        self.latencies = sorted(self.latencies + other.latencies)
        self.stall_s = max(self.stall_s, other.stall_s)

    def percentile_ms(self, share: float) -> float:
        """The latency that ``share`` of the requests do not exceed."""
        if not self.latencies:
            return float("nan")
        return 1000 * self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))]


class Connection(asyncio.Protocol):
    """One kept connection, one request at a time. Reads answers with a Content-Length, chunked ones as they came."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._transport: Any = None
        self._waiting: asyncio.Future[Answer] | None = None
        self._buffer = b""

    async def ask(self, request: bytes) -> Answer:
        """Send a request and wait for its answer; connects when needed."""
        loop = asyncio.get_running_loop()
        if self._transport is None:
            try:
                await loop.create_connection(lambda: self, "127.0.0.1", self._port)
            except OSError:
                return Answer(0, b"")
        self._waiting = loop.create_future()
        self._transport.write(request)
        return await self._waiting

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 or self._waiting is None:
            return
        head = self._buffer[:end].lower()
        place = head.find(b"content-length:")
        if b"transfer-encoding: chunked" in head:
            length = len(self._buffer) - end - 4 if self._buffer.endswith(b"\r\n0\r\n\r\n") else -1
        else:
            length = 0 if place < 0 else int(head[place + 15 :].split(b"\r\n", 1)[0])
        if 0 <= length <= len(self._buffer) - end - 4:
            answer = Answer(int(head[9:12]), self._buffer[end + 4 : end + 4 + length])
            self._buffer = self._buffer[end + 4 + length :]
            waiting, self._waiting = self._waiting, None
            waiting.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio names it)
        self._transport, self._buffer = None, b""
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            if not waiting.done():
                waiting.set_result(Answer(0, b""))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def request(
    method: str,
    path: str,
    *,
    host: str = "localhost",
    token: str | None = None,
    body: bytes | None = None,
    key: str = "",
) -> bytes:
    """The bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    if token is not None:
        lines.append(f"Authorization: Bearer {token}")
    if key:
        lines.append(f"Idempotency-Key: {key}")
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    elif method == "POST":
        lines.append("Content-Length: 0")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b"")


Visit = Callable[[Connection, int, Callable[[Answer, float], None]], Awaitable[None]]
"""One turn of a visitor: (its connection, a number of its own, where to report each answer and its latency)."""


@dataclass(frozen=True, slots=True)
class Requests:
    """The visit that sends one of ``requests``; ``KEY`` in it is replaced so that each idempotency key is new."""

    requests: list[bytes]
    run: str = "r"

    async def __call__(
        self, connection: Connection, number: int, report: Callable[[Answer, float], None]
    ) -> None:
        sent = self.requests[number % len(self.requests)].replace(b"@KEY@", f"{self.run}-{number}".encode())
        started = time.perf_counter()
        answer = await connection.ask(sent)
        report(answer, time.perf_counter() - started)


def load(
    visit: Visit, ports: list[int], *, connections: int, seconds: float, per_second: float | None = None
) -> Outcome:
    """Run ``visit`` on ``connections`` connections for ``seconds``, in another process.

    With ``per_second`` turns start at that rate, however slow the answers are, and latency counts from the moment a
    turn should have started.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_process, args=(sender, visit, ports, connections, seconds, per_second))
    process.start()
    sender.close()
    try:
        outcome: Outcome = receiver.recv()
    finally:
        process.join()
    return outcome


def _process(sender: Any, *job: Any) -> None:
    sender.send(uvloop.run(_load(*job)))


async def _load(
    visit: Visit, ports: list[int], connections: int, seconds: float, per_second: float | None
) -> Outcome:
    kept = [Connection(ports[number % len(ports)]) for number in range(connections)]
    outcome = Outcome(seconds)
    numbers = itertools.count()
    started = last = time.perf_counter()

    def report(answer: Answer, latency: float) -> None:
        nonlocal last
        now = time.perf_counter()
        outcome.stall_s, last = max(outcome.stall_s, now - last), now
        outcome.statuses[answer.status] += 1
        outcome.latencies.append(latency)
        if answer.status == 0:
            raise ConnectionError

    async def closed_loop(connection: Connection) -> None:
        while time.perf_counter() - started < seconds:
            try:
                await visit(connection, next(numbers), report)
            except ConnectionError:
                await asyncio.sleep(0.01)

    async def open_loop(connection: Connection, interval: float, first: float) -> None:
        due = started + first
        late = 0.0

        def report_late(answer: Answer, latency: float) -> None:
            report(answer, latency + late)

        while due - started < seconds and time.perf_counter() - started < LATEST * seconds:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            late = max(0.0, time.perf_counter() - due)
            try:
                await visit(connection, next(numbers), report_late)
            except ConnectionError:
                await asyncio.sleep(0.01)
            due += interval

    async with asyncio.TaskGroup() as tasks:
        for place, connection in enumerate(kept):
            if per_second is None:
                tasks.create_task(closed_loop(connection))
            else:
                interval = connections / per_second
                tasks.create_task(open_loop(connection, interval, place * interval / connections))
    outcome.seconds = time.perf_counter() - started
    for connection in kept:
        connection.close()
    outcome.latencies.sort()
    return outcome
