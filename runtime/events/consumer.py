"""A consumer applies the log to one engine: each event exactly once, in order per tenant, whatever fails between."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import anyio

from runtime.data.database import Database
from runtime.data.errors import TooMuchAtOnceError
from runtime.errors import RetryLaterError
from runtime.events.cursors import EngineCursors
from runtime.events.dead_letters import DeadLetterLimit
from runtime.events.engine import Engine
from runtime.events.slow_start import SlowStart
from runtime.events.traces import trace_events
from runtime.host.logs import get_logger

BATCH_EVENTS = 2_000
BATCH_DEADLINE_S = 5.5
"""Shorter than the server's limits on a statement and on a transaction that idles."""

SUCCESSES_TO_GROW = 20
TURNS_AT_ONCE = 2
"""Of one engine in this process: PostgreSQL works on one while the other is computed. More would only wait, with all
their events in memory, for the connections that the other engines need too."""

Failed = dict[UUID, int]
"""Tenants whose next event has failed, with the attempts made at it."""

log = get_logger(__name__)


@dataclass(slots=True)
class Progress:
    """What one turn did. ``behind`` are tenants with more events than the turn could take."""

    events: int = 0
    behind: frozenset[UUID] = frozenset()
    seconds: float = 0.0
    oldest_age_s: float = 0.0

    def add(self, other: Progress) -> None:
        """Count what another part of the same turn did."""
        self.events += other.events
        self.behind |= other.behind
        self.oldest_age_s = max(self.oldest_age_s, other.oldest_age_s)


class Consumer:
    """Turns over the log: a batch of many tenants first, single tenants when it fails, ever fewer events after that.

    A batch that runs into a limit of time or memory is halved, down to one event, and grows again as smaller ones
    succeed. ``deadline_s`` bounds the work on one batch in this process. ``on_failure`` is told of every failed
    attempt, for the metrics.
    """

    def __init__(
        self,
        engine: Engine,
        database: Database,
        *,
        limit: DeadLetterLimit | None = None,
        batch_events: int = BATCH_EVENTS,
        deadline_s: float = BATCH_DEADLINE_S,
        on_failure: Callable[[], None] = lambda: None,
    ) -> None:
        self.engine = engine
        self.limit = limit or DeadLetterLimit()
        self.cursors = EngineCursors(engine, database, deadline_s=deadline_s)
        self._on_failure = on_failure
        self._most_events = batch_events
        self._batch_events = batch_events
        self._successes = 0
        self._places = anyio.Semaphore(TURNS_AT_ONCE)

    async def step(self, tenants: Collection[UUID], *, suspicious: bool = False) -> Progress:
        """One turn over ``tenants``: apply what lies behind their cursors, up to the batch size.

        ``suspicious`` says that a process may have died over these events: the attempt is then counted before the
        work, so that an event which kills its process ends in the dead letters too. Raises ``RetryLaterError`` for
        transient causes; nothing has been applied then that will not be found applied.
        """
        async with self._places:
            return await self._step(tenants, suspicious=suspicious)

    async def _step(self, tenants: Collection[UUID], *, suspicious: bool) -> Progress:
        started = time.perf_counter()
        await self.cursors.ensure(tenants)
        suspects = await self.cursors.suspect(tenants) if suspicious else frozenset()
        try:
            progress, failed = await self._apply_smaller(list(tenants), suspects)
        except RetryLaterError:
            self.cursors.owe_attempt(suspects)
            raise
        except Exception as error:  # whatever an engine may raise: look for the one event that does
            self._on_failure()
            log.warning("batch failed", engine=self.engine.name, tenants=len(tenants), error=repr(error))
            progress, failed = await self._tenant_by_tenant(tenants, suspects)
        # Over one of them the process may die: those that have been tried least come first, and are out of danger.
        for tenant_id, _ in sorted(failed.items(), key=lambda found: found[1]):
            slow_start = SlowStart(
                self.cursors,
                tenant_id,
                limit=self.limit,
                turn_events=self._most_events,
                on_failure=self._on_failure,
            )
            progress.events += await slow_start.run(counted=tenant_id in suspects)
        progress.seconds = time.perf_counter() - started
        if progress.events:
            self.limit.applied(progress.events)
        return progress

    async def _apply_smaller(
        self, tenants: list[UUID], suspects: Collection[UUID]
    ) -> tuple[Progress, Failed]:
        """Apply one batch, or, when that is too much at once, the halves of it; a single event then has failed."""
        try:
            applied = await self._apply_batch(tenants, suspects)
        except TooMuchAtOnceError as error:
            # Halved is what was tried, not what might have been; whoever had nothing to apply is not to blame.
            tried = error.events or Counter(dict.fromkeys(tenants, self._batch_events))
            tenants = list(tried)
            if len(tenants) == 1 and tried.total() == 1:
                self._batch_events = self._most_events  # it was the event, not the size
                return Progress(), {tenants[0]: 0}
            self._batch_events = max(1, min(self._batch_events, tried.total()) // 2)
            self._successes = 0
            log.warning(
                "batch halved", engine=self.engine.name, reason=error.reason, batch_events=self._batch_events
            )
        else:
            self._grow()
            return applied
        middle = (len(tenants) + 1) // 2
        total: Progress = Progress()
        failed: Failed = {}
        for half in filter(None, (tenants[:middle], tenants[middle:])):
            progress, more = await self._apply_smaller(half, suspects)
            total.add(progress)
            failed |= more
        return total, failed

    def _grow(self) -> None:
        self._successes += 1
        if self._batch_events < self._most_events and self._successes >= SUCCESSES_TO_GROW:
            self._batch_events = min(self._most_events, 2 * self._batch_events)
            self._successes = 0

    async def _apply_batch(
        self, tenants: Collection[UUID], suspects: Collection[UUID]
    ) -> tuple[Progress, Failed]:
        """Apply one batch in one transaction; also returns the tenants whose next event has failed before."""
        began_ns = time.time_ns()
        async with self.cursors.transaction(tenants) as tx:
            locked = await self.cursors.lock(tx, tenants)
            tolerated = {row["tenant_id"] for row in locked if row["tenant_id"] in suspects}
            failed = {
                row["tenant_id"]: row["attempts"]
                for row in locked
                if row["attempts"] > (row["tenant_id"] in suspects)
            }
            ready = {row["tenant_id"]: row["last_seq"] for row in locked if row["tenant_id"] not in failed}
            if not ready:
                return Progress(), failed
            per_tenant = max(1, self._batch_events // len(ready))
            rows = await self.cursors.read(tx, ready, per_tenant)
            counts = Counter(row["tenant_id"] for row in rows)
            if rows or tolerated:
                try:
                    await self.cursors.apply(tx, ready, rows)
                except TooMuchAtOnceError as error:
                    error.events = counts
                    raise
        trace_events(f"apply {self.engine.name}", rows, began_ns)
        behind = frozenset(tenant_id for tenant_id, count in counts.items() if count == per_tenant)
        oldest = max((tx.now - row["recorded_at"] for row in rows), default=timedelta())
        return Progress(len(rows), behind, oldest_age_s=oldest.total_seconds()), failed

    async def _tenant_by_tenant(
        self, tenants: Collection[UUID], suspects: Collection[UUID]
    ) -> tuple[Progress, Failed]:
        total: Progress = Progress()
        failed: Failed = {}
        for tenant_id in tenants:
            try:
                progress, failed_before = await self._apply_smaller([tenant_id], suspects)
            except RetryLaterError:
                raise
            except Exception:
                failed[tenant_id] = 0
            else:
                total.add(progress)
                failed |= failed_before
        return total, failed
