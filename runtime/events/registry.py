"""Who follows the log in this installation: consumers register when they start and say from time to time that they run.

Retention waits for those that are registered, and for no others: an engine that was never deployed here, or that an
operator has retired, holds nothing up.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal
from uuid import UUID

import anyio
from anyio.abc import TaskStatus

from runtime.data.database import Database
from runtime.data.ids import NIL
from runtime.data.queries import sql
from runtime.data.transactions import Record, Transaction
from runtime.errors import ConflictError, NotFoundError, RetryLaterError
from runtime.host.logs import get_logger
from runtime.host.pauses import pause

SIGN_OF_LIFE_S = 15.0
SILENT_AFTER = timedelta(seconds=60)
ABANDONED_AFTER = timedelta(minutes=10)
"""After so long without a sign of life a consumer's place in the streams is given up: the log itself remembers it."""

_TENANTS_AT_ONCE = 500

State = Literal["running", "silent", "retired", "not_deployed"]

log = get_logger(__name__)


async def registered(tx: Transaction, *, alive_within: timedelta | None = None) -> list[str]:
    """The consumers that the log is kept for; or only those with a sign of life in the last ``alive_within``.

    One that has cursors but never registered (it runs an older release) counts as registered.
    """
    rows = await tx.fetch_all(sql.select_consumers, within=alive_within)
    return [row["name"] for row in rows if alive_within is None or row["is_alive"]]


async def pipeline_status(tx: Transaction, known: Sequence[str]) -> list[Record]:
    """How far every consumer has come: those of this release (``known``) and any other in the registry.

    Columns: ``name, state`` (of ``State``)``, seen_at, lag_events, lag_seconds, blocked_tenants, partial_tenants``
    (stores whose log had been cut before the consumer came)``, dead_letters``.
    """
    names = sorted({*known, *await registered(tx)})
    return await tx.fetch_all(sql.select_pipeline_status, consumers=names, silence=SILENT_AFTER)


async def retire(database: Database, name: str) -> None:
    """Keep nothing for a consumer any more; it registers anew if it is ever started again.

    Raises ``NotFoundError``, or ``ConflictError`` while it runs. The relay cannot be retired.
    """
    async with database.tenant(NIL) as tx:
        if name == "relay" or name not in await registered(tx):
            raise NotFoundError("not_found", f"There is no engine '{name}' to retire.", "")
        if not await tx.execute(sql.retire_consumer, consumer=name, silence=SILENT_AFTER):
            raise ConflictError(
                "consumer_runs",
                f"'{name}' gave a sign of life less than {SILENT_AFTER.seconds} s ago; stop its processes first.",
                f"'{name}' está em execução; pare os processos antes.",
            )


class Presence:
    """A consumer's registration, as an actor: ready once it is registered, then a sign of life every few seconds."""

    def __init__(self, name: str, database: Database) -> None:
        self._name = name
        self._database = database

    async def run(self, stop: anyio.Event, *, task_status: TaskStatus[None]) -> None:
        """Say that the consumer runs, until ``stop``."""
        known = False
        while not stop.is_set():
            try:
                if known:
                    async with self._database.transaction() as tx:
                        await tx.execute(sql.show_consumer_alive, consumer=self._name)
                else:
                    await self.register()
                    known = True
            except RetryLaterError as error:
                log.debug("no sign of life", consumer=self._name, reason=error.reason)
            task_status.started()
            await pause(stop, SIGN_OF_LIFE_S)

    async def register(self) -> None:
        """Enter the registry; one that comes back from retirement goes on where the log begins by now.

        The lock keeps retention from cutting the log between the look at it and the registration.
        """
        async with self._database.transaction() as tx:
            await tx.execute(sql.lock_log_beginning)
            was_retired = await tx.fetch_value(sql.register_consumer, consumer=self._name)
        if was_retired:
            log.warning("consumer comes back from retirement", consumer=self._name)
            await self._step_over_what_was_cut()

    async def _step_over_what_was_cut(self) -> None:
        after: UUID | None = None
        while True:
            async with self._database.transaction() as tx:
                rows = await tx.fetch_all(
                    sql.list_cursor_tenants, consumer=self._name, after=after, limit=_TENANTS_AT_ONCE
                )
            tenants: Sequence[UUID] = [row["tenant_id"] for row in rows]
            if not tenants:
                return
            async with self._database.engine(tenants) as tx:
                skipped = await tx.fetch_all(
                    sql.skip_cut_events, consumer=self._name, tenant_ids=list(tenants)
                )
            for row in skipped:
                log.warning(
                    "engine misses the beginning of a log",
                    engine=self._name,
                    tenant_id=str(row["tenant_id"]),
                    since_seq=row["since_seq"],
                )
            after = tenants[-1]
