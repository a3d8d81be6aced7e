"""Periodic work on the log and its consumers: retention, trimming of the streams, rolling of the engines."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import anyio
import redis.asyncio as redis
from anyio.abc import TaskStatus
from redis.exceptions import ResponseError

from runtime.data.database import Database
from runtime.data.queries import sql
from runtime.errors import RetryLaterError
from runtime.events.cursors import EngineCursors
from runtime.events.streams import REDIS_ERRORS, stream_key
from runtime.host import metrics
from runtime.host.logs import get_logger
from runtime.host.pauses import pause

DELETE_BATCH = 5_000
IDEMPOTENCY_RETENTION = timedelta(hours=24)

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """Periodic work; ``run`` returns how much it did, which is logged when it is something."""

    name: str
    interval_s: float
    run: Callable[[], Awaitable[int]]


class JobActor:
    """Runs one job at its interval, in one process at a time across all of them."""

    def __init__(self, job: Job, database: Database) -> None:
        self._job = job
        self._database = database

    async def run(self, stop: anyio.Event, *, task_status: TaskStatus[None]) -> None:
        """Run until ``stop``; a server that is away only makes the job late."""
        task_status.started()
        while not stop.is_set():
            try:
                await self.step()
            except (RetryLaterError, *REDIS_ERRORS) as error:
                metrics.SCHEDULER_JOB_FAILURES.labels(self._job.name).inc()
                log.warning("job waits", job=self._job.name, error=repr(error))
            await pause(stop, self._job.interval_s)

    async def step(self) -> int:
        """Do the job once, unless another process is at it."""
        async with self._database.transaction() as tx:
            if not await tx.fetch_value(sql.try_job_lock, job=self._job.name):
                return 0
            with metrics.SCHEDULER_JOB_SECONDS.labels(self._job.name).time():
                done = await self._job.run()
        if done:
            log.info("job done", job=self._job.name, count=done)
        return done


async def delete_old(database: Database, consumers: Iterable[str], retention_days: int) -> int:
    """Delete log rows older than ``retention_days`` that every consumer has left behind, in small batches."""
    deleted = 0
    while True:
        async with database.transaction() as tx:
            batch = await tx.execute(
                sql.delete_old_events,
                consumers=list(consumers),
                before=tx.now - timedelta(days=retention_days),
                limit=DELETE_BATCH,
            )
        deleted += batch
        if batch < DELETE_BATCH:
            break
    async with database.transaction() as tx:
        await tx.execute(sql.delete_old_idempotency_keys, before=tx.now - IDEMPOTENCY_RETENTION)
    return deleted


async def trim_streams(client: redis.Redis, groups: Iterable[str], partitions: int) -> int:
    """Trim each stream behind the oldest entry that a group has pending or undelivered; returns entries removed.

    A stream on which one of ``groups`` does not exist (yet) is left alone. MAXLEN and the server's ``lag`` are not
    used: the one drops what nobody has read, the other is wrong after a trim.
    """
    removed = 0
    for partition in range(partitions):
        key = stream_key(partition)
        try:
            known: list[dict[str, Any]] = await client.xinfo_groups(key)
        except ResponseError:  # no such stream
            continue
        by_name = {group["name"].decode(): group for group in known}
        if not set(groups) <= by_name.keys():
            continue
        bounds = []
        for name, group in by_name.items():
            pending: dict[str, Any] = await client.xpending(key, name)
            bounds.append(pending["min"] or _after(group["last-delivered-id"]))
        if bounds:
            removed += await client.xtrim(key, minid=min(bounds, key=_order), approximate=True)
    return removed


QUIET = timedelta(seconds=30)
"""How long a tenant's log must rest before its engines are rolled within a day: history that is being written or
applied must not find its tables already in the present."""


class Rolls:
    """Brings every tenant of an engine to its present day, when the day or its tables have changed since."""

    def __init__(self, cursors: EngineCursors) -> None:
        self._cursors = cursors
        self._done: dict[UUID, tuple[date, int]] = {}

    async def step(self) -> int:
        """Roll what needs it; returns how many tenants were rolled."""
        async with self._cursors.database.transaction() as tx:
            positions = await tx.fetch_all(
                sql.select_positions, consumer=self._cursors.engine.name, quiet=QUIET
            )
        rolled = 0
        for position in positions:
            tenant_id = position["tenant_id"]
            today = tx.now.astimezone(ZoneInfo(position["time_zone"])).date()
            done_on, done_seq = self._done.get(tenant_id, (today, -1))
            if done_on == today and (done_seq == position["last_seq"] or not position["is_quiet"]):
                continue
            async with self._cursors.transaction([tenant_id]) as roll:
                locked = await self._cursors.lock(roll, [tenant_id])
                if not locked:
                    continue
                await self._cursors.engine.roll(roll, tenant_id, today)
            self._done[tenant_id] = (today, locked[0]["last_seq"])
            rolled += 1
        return rolled


def _order(entry_id: bytes) -> tuple[int, int]:
    milliseconds, _, number = entry_id.partition(b"-")
    return int(milliseconds), int(number or b"0")


def _after(entry_id: bytes) -> bytes:
    milliseconds, number = _order(entry_id)
    return b"%d-%d" % (milliseconds, number + 1)
