"""A consumer applies the log to one engine: each event exactly once, in order per tenant, whatever fails between."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from runtime.data.database import Database
from runtime.errors import RetryLaterError
from runtime.events.cursors import EngineCursors
from runtime.events.dead_letters import DeadLetterLimit
from runtime.events.engine import Engine
from runtime.events.one_by_one import OneByOne
from runtime.host.logs import get_logger

BATCH_EVENTS = 2_000

Observe = Callable[[str, float], None]

log = get_logger(__name__)


@dataclass(slots=True)
class Progress:
    """What one turn did. ``behind`` are tenants with more events than the turn could take."""

    events: int = 0
    behind: frozenset[UUID] = frozenset()
    seconds: float = 0.0
    oldest_age_s: float = 0.0


class Consumer:
    """Turns over the log: a batch of many tenants first, single tenants when it fails, single events after that.

    ``observe`` is told of applied events, failures and parked events (kind, count), for the metrics.
    """

    def __init__(
        self,
        engine: Engine,
        database: Database,
        *,
        limit: DeadLetterLimit | None = None,
        batch_events: int = BATCH_EVENTS,
        observe: Observe = lambda _kind, _count: None,
    ) -> None:
        self.engine = engine
        self.limit = limit or DeadLetterLimit()
        self.cursors = EngineCursors(engine, database)
        self._observe = observe
        self._batch_events = batch_events

    async def step(self, tenants: Collection[UUID], *, suspicious: bool = False) -> Progress:
        """One turn over ``tenants``: apply what lies behind their cursors, up to the batch size.

        ``suspicious`` says that a process may have died over these events: the attempt is then counted before the
        work, so that an event which kills its process ends in the dead letters too. Raises ``RetryLaterError`` for
        transient causes; nothing has been applied then that will not be found applied.
        """
        started = time.perf_counter()
        await self.cursors.ensure(tenants)
        if suspicious:
            async with self.cursors.transaction(tenants) as tx:
                await self.cursors.count_attempt(tx, tenants)
        tolerated = 1 if suspicious else 0
        try:
            progress, failed_before = await self._apply_batch(tenants, tolerated)
        except RetryLaterError:
            if suspicious:
                self.cursors.owe_attempt(tenants)
            raise
        except Exception as error:  # whatever an engine may raise: look for the one event that does
            self._observe("failures", 1)
            log.warning("batch failed", engine=self.engine.name, tenants=len(tenants), error=repr(error))
            progress, failed_before = await self._tenant_by_tenant(tenants, tolerated)
        for tenant_id in failed_before:
            one_by_one = OneByOne(
                self.cursors,
                tenant_id,
                limit=self.limit,
                turn_events=self._batch_events,
                observe=self._observe,
            )
            progress.events += await one_by_one.run(counted=suspicious)
        progress.seconds = time.perf_counter() - started
        if progress.events:
            self.limit.applied(progress.events)
            self._observe("events", progress.events)
        return progress

    async def _apply_batch(self, tenants: Collection[UUID], tolerated: int) -> tuple[Progress, list[UUID]]:
        """Apply one batch in one transaction; also returns the tenants whose next event has failed before."""
        async with self.cursors.transaction(tenants) as tx:
            locked = await self.cursors.lock(tx, tenants)
            failed_before = [row["tenant_id"] for row in locked if row["attempts"] > tolerated]
            ready = {row["tenant_id"]: row["last_seq"] for row in locked if row["attempts"] <= tolerated}
            if not ready:
                return Progress(), failed_before
            per_tenant = max(1, self._batch_events // len(ready))
            rows = await self.cursors.read(tx, ready, per_tenant)
            if rows or tolerated:
                await self.cursors.apply(tx, ready, rows)
        counts = Counter(row["tenant_id"] for row in rows)
        behind = frozenset(tenant_id for tenant_id, count in counts.items() if count == per_tenant)
        oldest = max((tx.now - row["recorded_at"] for row in rows), default=timedelta())
        return Progress(len(rows), behind, oldest_age_s=oldest.total_seconds()), failed_before

    async def _tenant_by_tenant(
        self, tenants: Collection[UUID], tolerated: int
    ) -> tuple[Progress, list[UUID]]:
        total, failed = Progress(), []
        for tenant_id in tenants:
            try:
                progress, failed_before = await self._apply_batch([tenant_id], tolerated)
            except RetryLaterError:
                raise
            except Exception:
                failed.append(tenant_id)
            else:
                total.events += progress.events
                total.behind |= progress.behind
                failed += failed_before
        return total, failed
