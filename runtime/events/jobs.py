"""Periodic work of the scheduler: one process at a time does a job, and one store's trouble is not another's."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import anyio
from anyio.abc import TaskStatus

from runtime.data.database import Database
from runtime.data.errors import LockTimeoutError, TooMuchAtOnceError
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.errors import RetryLaterError
from runtime.events.streams import REDIS_ERRORS
from runtime.host import metrics
from runtime.host.logs import get_logger
from runtime.host.pauses import pause

LEASE = timedelta(seconds=60)
AWAY_AFTER = 3
"""So many stores in a row that fail for a passing cause mean that a server is away, and the rest is left for later."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """Periodic work; ``run`` returns how much it did, which is logged when it is something.

    A job that is done ``everywhere`` keeps something of each process up to date, such as its metrics; any other is
    done by one process at a time, and not again before its interval is over, however many schedulers there are.
    """

    name: str
    interval_s: float
    run: Callable[[], Awaitable[int]]
    everywhere: bool = False


class JobActor:
    """Runs one job at its interval. Between two short transactions, which take and end a lease, it holds none.

    A process that dies leaves its lease to run out. One that loses it while it works goes on: what jobs do is safe
    to be done twice.
    """

    def __init__(self, job: Job, database: Database, *, lease: timedelta = LEASE) -> None:
        self._job = job
        self._database = database
        self._lease = lease
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{new_id().hex[-8:]}"

    async def run(self, stop: anyio.Event, *, task_status: TaskStatus[None]) -> None:
        """Run until ``stop``; a failure is logged, counted, and tried again after the interval."""
        task_status.started()
        while not stop.is_set():
            try:
                await self.step()
            except (RetryLaterError, *REDIS_ERRORS) as error:
                metrics.SCHEDULER_JOB_FAILURES.labels(self._job.name).inc()
                log.warning("job waits", job=self._job.name, error=repr(error))
            except Exception:
                metrics.SCHEDULER_JOB_FAILURES.labels(self._job.name).inc()
                log.exception("job failed", job=self._job.name)
            await pause(stop, self._job.interval_s)

    async def step(self) -> int:
        """Do the job once, if it is due and no other process is at it; returns what was done."""
        if self._job.everywhere:
            return await self._timed()
        async with self._database.transaction() as tx:
            taken = await tx.fetch_value(
                sql.take_job, job=self._job.name, holder=self._holder, lease=self._lease
            )
        if not taken:
            return 0
        problem: str | None = "interrupted"
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._keep)
                try:
                    done = await self._timed()
                    problem = None
                except Exception as error:
                    problem = repr(error)[:500]
                    raise
                finally:
                    tasks.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None
        finally:
            with anyio.CancelScope(shield=True), contextlib.suppress(RetryLaterError):
                await self._end(problem)
        if done:
            log.info("job done", job=self._job.name, count=done)
        return done

    async def _timed(self) -> int:
        with metrics.SCHEDULER_JOB_SECONDS.labels(self._job.name).time():
            return await self._job.run()

    async def _keep(self) -> None:
        while True:
            await anyio.sleep(self._lease.total_seconds() / 3)
            try:
                async with self._database.transaction() as tx:
                    await tx.execute(sql.keep_job, job=self._job.name, holder=self._holder, lease=self._lease)
            except RetryLaterError as error:
                log.warning("lease not renewed", job=self._job.name, reason=error.reason)

    async def _end(self, problem: str | None) -> None:
        """End the lease; the job is due a little before this process looks again, so that it is not passed over."""
        async with self._database.transaction() as tx:
            await tx.execute(
                sql.end_job,
                job=self._job.name,
                holder=self._holder,
                pause=timedelta(seconds=0.9 * self._job.interval_s),
                problem=problem,
            )


async def each_tenant(job: str, tenants: Iterable[UUID], work: Callable[[UUID], Awaitable[int]]) -> int:
    """Do ``work`` for every tenant and add up what it returns; one that fails is logged and counted, and the next
    comes.

    It is tried again when the job comes round. Raises ``RetryLaterError`` when a server is away, which several
    tenants in a row then notice.
    """
    done, away = 0, 0
    for tenant_id in tenants:
        try:
            done += await work(tenant_id)
        except RetryLaterError as error:
            if not isinstance(error, LockTimeoutError | TooMuchAtOnceError):
                away += 1
            metrics.SCHEDULER_TENANT_FAILURES.labels(job).inc()
            log.warning("store waits", job=job, tenant_id=str(tenant_id), reason=error.reason)
            if away == AWAY_AFTER:
                raise
        except Exception:
            away = 0
            metrics.SCHEDULER_TENANT_FAILURES.labels(job).inc()
            log.exception("job failed for a store", job=job, tenant_id=str(tenant_id))
        else:
            away = 0
    return done
