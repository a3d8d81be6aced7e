"""The cursors of one engine: how far it has come in each tenant's log, and the only way to move on.

The cursor row of (engine, tenant) is fence, order and memory at once: it is locked, the events after it are read
from the log, applied, and the cursor moved, all in one transaction. A redelivered, ghost or forged stream entry
therefore has no effect, and any number of processes may try at the same time.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from uuid import UUID

from runtime.data.database import Database
from runtime.data.errors import TooMuchAtOnceError
from runtime.data.queries import sql
from runtime.data.transactions import EngineTransaction, Record
from runtime.errors import RetryLaterError
from runtime.events.engine import Engine
from runtime.events.event import Event, read_event
from runtime.host.logs import get_logger

log = get_logger(__name__)


class LogGapError(Exception):
    """The log no longer holds the event after the cursor: retention cut it too early, or rows were removed."""


class EngineCursors:
    """Locks, reads and moves the cursors of ``engine``, inside transactions of ``database``."""

    def __init__(self, engine: Engine, database: Database, *, deadline_s: float = 5.5) -> None:
        self.engine = engine
        self.database = database
        self._deadline_s = deadline_s
        self._models = {model.event_type: model for model in engine.subscribes}
        self._known: set[UUID] = set()
        # Attempts counted in the database for work that then failed for a passing cause: taken back at the next count.
        self._owed: Counter[UUID] = Counter()

    def transaction(self, tenants: Iterable[UUID]) -> AbstractAsyncContextManager[EngineTransaction]:
        """A transaction confined to ``tenants``."""
        return self.database.engine(tenants)

    async def ensure(self, tenants: Collection[UUID]) -> None:
        """Create the cursors that do not exist yet; a tenant that there is not has none.

        An engine that is new to a store begins with the oldest event kept. Where that is not the first, what it knows
        of the store is only as complete as that: it says so in the log, the metrics and the pipeline's status.
        """
        unknown = set(tenants) - self._known
        if unknown:
            async with self.transaction(unknown) as tx:
                rows = await tx.fetch_all(
                    sql.create_engine_cursors, consumer=self.engine.name, tenant_ids=list(unknown)
                )
            self._known.update(row["id"] for row in rows)
            for row in rows:
                if (row["since_seq"] or 1) > 1:
                    log.warning(
                        "engine misses the beginning of a log",
                        engine=self.engine.name,
                        tenant_id=str(row["id"]),
                        since_seq=row["since_seq"],
                    )

    async def lock(self, tx: EngineTransaction, tenants: Collection[UUID]) -> list[Record]:
        """Lock the tenants' cursors (``tenant_id, last_seq, attempts, rested``); not those waiting after a failure."""
        return await tx.fetch_all(
            sql.lock_engine_cursors, consumer=self.engine.name, tenant_ids=list(tenants)
        )

    async def hold(self, tx: EngineTransaction, tenant_id: UUID) -> None:
        """Lock one tenant's cursor, also when it waits after a failure: nobody else applies anything meanwhile."""
        await tx.execute(sql.hold_engine_cursor, consumer=self.engine.name, tenant_id=tenant_id)

    async def read(self, tx: EngineTransaction, after: Mapping[UUID, int], per_tenant: int) -> list[Record]:
        """The next log rows of each tenant, consecutive from its cursor on; raises ``LogGapError``.

        The payload is read only for events that the engine subscribes to.
        """
        rows = await tx.fetch_all(
            sql.read_engine_batch,
            tenant_ids=list(after),
            last_seqs=list(after.values()),
            subscribed=list(self._models),
            per_tenant=per_tenant,
        )
        expected = dict(after)
        for row in rows:
            tenant_id = row["tenant_id"]
            expected[tenant_id] += 1
            if row["tenant_seq"] != expected[tenant_id]:
                raise LogGapError(f"tenant {tenant_id}: event {expected[tenant_id]} is missing from the log")
        return rows

    def event(self, row: Record) -> Event:
        """The event of a log row as the engine reads it; raises as ``read_event`` does."""
        return read_event(row, self._models)

    async def apply(self, tx: EngineTransaction, after: Mapping[UUID, int], rows: Iterable[Record]) -> None:
        """Give the rows' events to the engine and move the cursors past them.

        Raises ``TooMuchAtOnceError`` when the engine has not finished with them within the deadline.
        """
        moved = dict(after)
        events = []
        for row in rows:
            moved[row["tenant_id"]] = row["tenant_seq"]
            if row["payload"] is not None:
                events.append(self.event(row))
        if events:
            try:
                async with asyncio.timeout(self._deadline_s) as deadline:
                    await self.engine.apply(tx, events)
            except (TimeoutError, RetryLaterError):
                # After a loop that was blocked for as long, the server's own limits may have struck first.
                if asyncio.get_running_loop().time() < (deadline.when() or 0.0):
                    raise
                raise TooMuchAtOnceError(f"not applied within {self._deadline_s:g} s") from None
        await self.move(tx, moved)

    async def move(self, tx: EngineTransaction, last_seqs: Mapping[UUID, int]) -> None:
        """Set the cursors; whatever was noted of failures is over."""
        await tx.execute(
            sql.move_engine_cursors,
            consumer=self.engine.name,
            tenant_ids=list(last_seqs),
            last_seqs=list(last_seqs.values()),
        )

    async def suspect(self, tenants: Collection[UUID]) -> frozenset[UUID]:
        """Count the attempt that is about to be made at tenants without one so far; returns those.

        The others have been suspected before: they are tried one by one, and each counts when its turn comes.
        """
        async with self.transaction(tenants) as tx:
            rows = await tx.fetch_all(
                sql.count_first_engine_attempts,
                consumer=self.engine.name,
                tenant_ids=list(tenants),
                owed=[self._owed[tenant_id] for tenant_id in tenants],
            )
        suspects = frozenset(row["tenant_id"] for row in rows)
        for tenant_id in suspects:
            self._owed.pop(tenant_id, None)
        return suspects

    async def count_attempt(self, tx: EngineTransaction, tenant_id: UUID) -> None:
        """Count one attempt at the next event of a tenant, less what this process has to take back."""
        await tx.execute(
            sql.count_engine_attempt,
            consumer=self.engine.name,
            tenant_id=tenant_id,
            by=1 - self._owed.pop(tenant_id, 0),
        )

    def owe_attempt(self, tenants: Iterable[UUID]) -> None:
        """Note that a counted attempt failed for a passing cause, which is not the event's fault."""
        self._owed.update(tenants)

    def owed(self, tenant_id: UUID) -> int:
        """Attempts that are counted in the cursor and will be taken back."""
        return self._owed[tenant_id]
