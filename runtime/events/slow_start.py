"""The careful path of a consumer: one event, then two, four ... and one again where that fails.

Each attempt is counted before the work. A store whose events are only suspected, because they were at hand when a
process died, is back at whole batches after a few turns; an event that does fail is soon alone, and known.

A permanent failure waits in the cursor with growing pauses and, after ``MAX_ATTEMPTS``, is parked as a dead letter
in the transaction that moves the cursor on; where the engine says that later events build on it, and for events of
a newer release, the tenant stands still instead. Other tenants never wait.
"""

from __future__ import annotations

import enum
import traceback
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from uuid import UUID

from runtime.data.errors import TooMuchAtOnceError
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.data.transactions import EngineTransaction, Record
from runtime.errors import RetryLaterError
from runtime.events.cursors import EngineCursors, LogGapError
from runtime.events.dead_letters import MAX_ATTEMPTS, DeadLetterLimit, pause_after
from runtime.events.event import NewerVersionError, known_model
from runtime.host.logs import get_logger

log = get_logger(__name__)


ATTEMPT_OVER = timedelta(seconds=15)
"""When nobody can be at an attempt any more that was counted this long ago, and whoever made it has died."""


class ProcessDiedError(Exception):
    """Every attempt at the event ended with the process that made it."""


class Outcome(enum.Enum):
    """What became of the next event."""

    applied = enum.auto()
    parked = enum.auto()
    failed = enum.auto()
    nothing_left = enum.auto()


class SlowStart:
    """Applies the events of one tenant in batches that double as they succeed, beginning with one event."""

    def __init__(
        self,
        cursors: EngineCursors,
        tenant_id: UUID,
        *,
        limit: DeadLetterLimit,
        turn_events: int,
        on_failure: Callable[[], None],
    ) -> None:
        self._cursors = cursors
        self._tenant_id = tenant_id
        self._limit = limit
        self._turn_events = turn_events
        self._on_failure = on_failure
        self._name = cursors.engine.name
        self._blocking = {model.event_type for model in cursors.engine.blocking}

    async def run(self, *, counted: bool = False) -> int:
        """Apply until an event fails or none is left; returns how many were applied.

        ``counted`` says that the attempt at the first event has been counted already.
        """
        applied, size = 0, 1
        while applied < self._turn_events:
            outcome, count = await self._next(size, counted=counted)
            counted = False
            applied += count
            if outcome is Outcome.applied:
                size = min(2 * size, self._turn_events)
            elif outcome is Outcome.parked or (outcome is Outcome.failed and size > 1):
                size = 1
            else:
                break
        return applied

    async def _next(self, size: int, *, counted: bool) -> tuple[Outcome, int]:
        """Apply the next ``size`` events together; also returns how many were applied."""
        async with self._transaction() as tx:
            cursor = await self._lock(tx)
            if cursor is None:
                return Outcome.nothing_left, 0
            after = {self._tenant_id: cursor["last_seq"]}
            rows = await self._peek(tx, after)
            if rows == []:
                await self._cursors.apply(tx, after, [])
                return Outcome.nothing_left, 0
            if rows is not None and rows[0]["payload"] is not None:
                try:
                    known_model(rows[0])
                except NewerVersionError as newer:
                    # That this release cannot read it is no attempt: beside it a newer one may be at work already.
                    await self._postpone(tx, rows[0]["tenant_seq"], 1, newer)
                    return Outcome.failed, 0
            made = cursor["attempts"] - counted - self._cursors.owed(self._tenant_id)
            if made >= MAX_ATTEMPTS and rows is not None:
                if cursor["rested"] < ATTEMPT_OVER:
                    return Outcome.nothing_left, 0
                error = ProcessDiedError("the process ended each time this event was applied")
                if self._may_park(rows[0], error):
                    await self._park(tx, rows[0], error, cursor["attempts"])
                    return Outcome.parked, 0
                # It stays, but the processes that start again must not all die of it at once.
                await self._postpone(tx, rows[0]["tenant_seq"], made, error)
                return Outcome.failed, 0
            if not counted:
                await self._cursors.count_attempt(tx, self._tenant_id)
        rows = []
        try:
            async with self._transaction() as tx:
                cursor = await self._lock(tx)
                if cursor is None:
                    return Outcome.nothing_left, 0
                after = {self._tenant_id: cursor["last_seq"]}
                rows = await self._cursors.read(tx, after, per_tenant=size)
                await self._cursors.apply(tx, after, rows)
        except Exception as error:  # whatever an engine may raise
            passing = isinstance(error, RetryLaterError) and not isinstance(error, TooMuchAtOnceError)
            alone = size == 1 or len(rows) == 1
            if passing or not alone:
                self._cursors.owe_attempt([self._tenant_id])
            if passing:
                raise
            if not alone:
                return Outcome.failed, 0
            # Alone, and still too much or not to be applied: waiting or halving will not change that.
            return await self._failed(rows[0] if rows else None, error), 0
        return (Outcome.applied if rows else Outcome.nothing_left), len(rows)

    async def _peek(self, tx: EngineTransaction, after: dict[UUID, int]) -> list[Record] | None:
        """The next row; None when it is missing from the log, which the attempt itself will report."""
        try:
            return await self._cursors.read(tx, after, per_tenant=1)
        except LogGapError:
            return None

    async def _failed(self, row: Record | None, error: Exception) -> Outcome:
        self._on_failure()
        async with self._transaction() as tx:
            cursor = await self._lock(tx)
            if cursor is None:
                return Outcome.nothing_left
            if row is not None and row["tenant_seq"] != cursor["last_seq"] + 1:
                return Outcome.nothing_left  # meanwhile another process has applied it
            attempts = cursor["attempts"]
            if row is not None and attempts >= MAX_ATTEMPTS and self._may_park(row, error):
                await self._park(tx, row, error, attempts)
                return Outcome.parked
            seq = row["tenant_seq"] if row is not None else cursor["last_seq"] + 1
            await self._postpone(tx, seq, attempts, error)
        return Outcome.failed

    async def _postpone(self, tx: EngineTransaction, seq: int, attempts: int, error: Exception) -> None:
        await tx.execute(
            sql.postpone_engine_cursor,
            consumer=self._name,
            tenant_id=self._tenant_id,
            # Only attempts that ended with their process may fill up the count: such an event is parked unseen.
            attempts=min(attempts, MAX_ATTEMPTS - 1),
            blocked_seq=seq,
            pause=timedelta(seconds=pause_after(attempts)),
            error=_describe(error),
        )
        log.warning(
            "event failed",
            engine=self._name,
            tenant_id=str(self._tenant_id),
            seq=seq,
            attempts=attempts,
            error=_describe(error),
        )

    def _may_park(self, row: Record, error: Exception) -> bool:
        if isinstance(error, NewerVersionError | LogGapError) or row["event_type"] in self._blocking:
            return False
        if self._limit.reached:
            log.error("dead-letter limit reached", engine=self._name)
            return False
        return True

    async def _park(self, tx: EngineTransaction, row: Record, error: Exception, attempts: int) -> None:
        await tx.execute(
            sql.park_event,
            id=new_id(),
            consumer=self._name,
            tenant_id=self._tenant_id,
            tenant_seq=row["tenant_seq"],
            error=_describe(error),
            traceback="".join(traceback.format_exception(error))[-20_000:],
            attempts=attempts,
        )
        await self._cursors.move(tx, {self._tenant_id: row["tenant_seq"]})
        self._limit.parked()
        log.error(
            "event parked",
            engine=self._name,
            tenant_id=str(self._tenant_id),
            seq=row["tenant_seq"],
            error=_describe(error),
        )

    async def _lock(self, tx: EngineTransaction) -> Record | None:
        locked = await self._cursors.lock(tx, [self._tenant_id])
        return locked[0] if locked else None

    def _transaction(self) -> AbstractAsyncContextManager[EngineTransaction]:
        return self._cursors.transaction([self._tenant_id])


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]
