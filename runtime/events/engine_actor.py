"""The actors of an engine: one per partition reads its stream and applies what it points to, and one reconciler."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import anyio
from anyio.abc import TaskStatus
from redis.exceptions import ResponseError

from runtime.data.queries import sql
from runtime.errors import RetryLaterError
from runtime.events.consumer import Consumer, Progress
from runtime.events.replay import replay_requested
from runtime.events.streams import (
    BLOCK_MS,
    REDIS_ERRORS,
    RedisClient,
    ensure_group,
    is_group_gone,
    stream_key,
    tenants_of,
)
from runtime.host.logs import get_logger
from runtime.host.pauses import pause

READ_COUNT = 500
MAILBOX_MESSAGES = 4
CLAIM_INTERVAL_S = 30.0
CLAIM_IDLE_MS = 60_000
RECONCILE_INTERVAL_S = 1.0
RECONCILE_GRACE = timedelta(milliseconds=500)
RECONCILE_TENANTS = 5_000
TURN_TENANTS = 500
BEHIND_TENANTS = 20
"""Those that a turn has left behind follow so many at a time: a hundred events each, whose rows are read and written
once instead of once for every four events."""
GATHER_S = 0.006
ACKNOWLEDGE_S = 1.0
MAX_PAUSE_S = 5.0

log = get_logger(__name__)


@dataclass(slots=True)
class Message:
    """Tenants that may have something new, and the stream entries that said so."""

    tenants: set[UUID]
    entry_ids: list[bytes] = field(default_factory=list)
    suspicious: bool = False

    def merge(self, other: Message) -> None:
        """Take the other message in."""
        self.tenants |= other.tenants
        self.entry_ids += other.entry_ids


class EngineActor:
    """One engine on one partition: a bounded mailbox, filled by the stream and the reconciler, and its turns.

    A full mailbox makes the reader wait, so a slow engine is never flooded. ``observe`` is told of every turn.
    """

    def __init__(
        self,
        consumer: Consumer,
        client: RedisClient,
        partition: int,
        consumer_name: str,
        *,
        observe: Callable[[int, Progress], None] = lambda _partition, _progress: None,
    ) -> None:
        self._consumer = consumer
        self._redis = client
        self._partition = partition
        self._group = consumer.engine.name
        self._consumer_name = consumer_name
        self._observe = observe
        self.mailbox: asyncio.Queue[Message] = asyncio.Queue(MAILBOX_MESSAGES)
        self._turn = anyio.Lock()

    def post(self, message: Message) -> bool:
        """Put a message in the mailbox; False when it is full (the reconciler will come again)."""
        try:
            self.mailbox.put_nowait(message)
        except asyncio.QueueFull:
            return False
        return True

    async def run(self, stop: anyio.Event, *, task_status: TaskStatus[None]) -> None:
        """Read and apply until ``stop``; the turn in hand is finished first."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._read_stream)
            tasks.start_soon(self._work)
            task_status.started()
            await stop.wait()
            async with self._turn:
                tasks.cancel_scope.cancel()

    async def step(self, message: Message) -> None:
        """Apply all that the message's tenants have behind their cursors, then acknowledge its entries."""
        tenants: frozenset[UUID] | set[UUID] = message.tenants
        at_a_time = TURN_TENANTS
        while tenants:
            behind: set[UUID] = set()
            waiting = list(tenants)
            for start in range(0, len(waiting), at_a_time):
                progress = await self._consumer.step(
                    waiting[start : start + at_a_time], suspicious=message.suspicious
                )
                behind |= progress.behind
                if progress.events:
                    self._observe(self._partition, progress)
                    log.info(
                        "events processed",
                        engine=self._group,
                        partition=self._partition,
                        events=progress.events,
                        ms=round(progress.seconds * 1000, 1),
                        lag_s=round(progress.oldest_age_s, 3),
                    )
            tenants, at_a_time = behind, BEHIND_TENANTS
        if message.entry_ids:
            try:
                with anyio.fail_after(ACKNOWLEDGE_S):
                    await self._redis.xack(stream_key(self._partition), self._group, *message.entry_ids)
            except REDIS_ERRORS as error:  # they will be delivered again, to no effect
                log.debug("entries not acknowledged", error=repr(error))

    async def _work(self) -> None:
        last_turn_at = float("-inf")
        while True:
            message = await self.mailbox.get()
            # The first event after a quiet moment is applied at once; what follows closely is applied together.
            if (since := anyio.current_time() - last_turn_at) < GATHER_S:
                await anyio.sleep(GATHER_S - since)
            while self.mailbox.qsize() and len(message.tenants) < TURN_TENANTS:
                following = self.mailbox.get_nowait()
                if following.suspicious != message.suspicious:
                    await self._handle(message)
                    message = following
                else:
                    message.merge(following)
            await self._handle(message)
            last_turn_at = anyio.current_time()

    async def _handle(self, message: Message) -> None:
        pause_s = 0.1
        while True:
            try:
                async with self._turn:
                    await self.step(message)
            except RetryLaterError as error:
                log.warning("engine waits", engine=self._group, reason=error.reason, pause_s=pause_s)
                await anyio.sleep(pause_s)
                pause_s = min(MAX_PAUSE_S, 2 * pause_s)
            else:
                return

    async def _read_stream(self) -> None:
        """Fill the mailbox from the stream: first what this consumer had taken before it died, then what is new."""
        ready = False
        last_claim_at = anyio.current_time()
        pause_s = 0.1
        while True:
            try:
                if not ready:
                    await ensure_group(self._redis, self._partition, self._group)
                    await self._reread_own()
                    ready = True
                if anyio.current_time() - last_claim_at >= CLAIM_INTERVAL_S:
                    await self._claim_abandoned()
                    last_claim_at = anyio.current_time()
                await self._deliver(await self._read(">", block_ms=BLOCK_MS))
                pause_s = 0.1
            except REDIS_ERRORS as error:
                if isinstance(error, ResponseError) and is_group_gone(error):
                    ready = False
                    continue
                log.debug("stream not readable", engine=self._group, error=repr(error))
                await anyio.sleep(pause_s)
                pause_s = min(MAX_PAUSE_S, 2 * pause_s)

    async def _read(self, after: str, *, block_ms: int | None) -> list[tuple[bytes, Any]]:
        answer: Any = await self._redis.xreadgroup(
            self._group,
            self._consumer_name,
            {stream_key(self._partition): after},
            count=READ_COUNT,
            block=block_ms,
        )
        return answer[0][1] if answer else []

    async def _reread_own(self) -> None:
        after = "0"
        while entries := await self._read(after, block_ms=None):
            await self._deliver(entries, suspicious=True)
            after = entries[-1][0].decode()

    async def _claim_abandoned(self) -> None:
        start: Any = "0-0"
        while True:
            answer: Any = await self._redis.xautoclaim(
                stream_key(self._partition),
                self._group,
                self._consumer_name,
                min_idle_time=CLAIM_IDLE_MS,
                start_id=start,
                count=READ_COUNT,
            )
            start, entries = answer[0], answer[1]
            await self._deliver(entries, suspicious=True)
            if start in (b"0-0", "0-0"):
                return

    async def _deliver(self, entries: list[tuple[bytes, Any]], *, suspicious: bool = False) -> None:
        if entries:
            await self.mailbox.put(
                Message(tenants_of(entries), [entry_id for entry_id, _ in entries], suspicious)
            )


class Reconciler:
    """Finds tenants behind in the log itself, so that an engine works, slower, without Redis or relay.

    It also applies the dead letters whose replay was asked for.
    """

    def __init__(self, consumer: Consumer, actors: Mapping[int, EngineActor]) -> None:
        self._consumer = consumer
        self._actors = actors
        self._first = True

    async def run(self, stop: anyio.Event, *, task_status: TaskStatus[None]) -> None:
        """Look every second until ``stop``."""
        task_status.started()
        while not stop.is_set():
            try:
                await self.step()
                await replay_requested(self._consumer.cursors)
            except RetryLaterError as error:
                log.debug("reconciler waits", engine=self._consumer.engine.name, reason=error.reason)
            await pause(stop, RECONCILE_INTERVAL_S)

    async def step(self) -> int:
        """Post the tenants that are behind to their partition's actor; returns how many there were.

        The first look after a start may find events over which the former process died, so it is suspicious.
        """
        async with self._consumer.cursors.database.transaction() as tx:
            rows = await tx.fetch_all(
                sql.select_engine_lag,
                consumer=self._consumer.engine.name,
                grace=timedelta() if self._first else RECONCILE_GRACE,
                limit=RECONCILE_TENANTS,
            )
        by_partition: dict[int, set[UUID]] = defaultdict(set)
        for row in rows:
            by_partition[row["partition"]].add(row["tenant_id"])
        for partition, tenants in by_partition.items():
            if partition in self._actors:
                self._actors[partition].post(Message(tenants, suspicious=self._first))
        self._first = False
        return len(rows)
