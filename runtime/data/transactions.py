"""Transactions: the only way to a row. A tenant transaction shows one tenant's rows and no others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any, TypeAlias
from uuid import UUID

import anyio
import asyncpg

from runtime.data.connection import Step
from runtime.data.errors import translate
from runtime.data.ids import NIL
from runtime.data.queries import Query, sql

Record: TypeAlias = asyncpg.Record
LastStep = Callable[[], Step]
AfterCommit = Callable[[], None]
ROLLBACK_TIMEOUT_S = 1.0


class Transaction:
    """An open transaction under one database role; ``now`` is the moment its business counts as having happened.

    Parameters named ``$now``, and in tenant transactions ``$tenant_id`` and ``$user_id``, are filled in by the
    transaction when the caller does not give them. Driver errors come out translated (``runtime.data.errors``).
    """

    def __init__(self, connection: Any, begin: str, now: datetime | None = None) -> None:
        self._connection = connection
        self._begin = begin
        self.now = now or datetime.now(UTC)
        self._defaults: dict[str, Any] = {"now": self.now}
        self._last: LastStep | None = None
        self._after_commit: list[AfterCommit] = []

    async def fetch_all(self, query: Query, /, **parameters: Any) -> list[Record]:
        """All rows."""
        arguments = query.arguments(parameters, self._defaults)
        try:
            rows: list[Record] = await self._connection.fetch(query.text, *arguments)
        except Exception as error:
            raise (translate(error) or error) from error
        return rows

    async def fetch_one(self, query: Query, /, **parameters: Any) -> Record | None:
        """The first row, or None."""
        arguments = query.arguments(parameters, self._defaults)
        try:
            row: Record | None = await self._connection.fetchrow(query.text, *arguments)
        except Exception as error:
            raise (translate(error) or error) from error
        return row

    async def fetch_value(self, query: Query, /, **parameters: Any) -> Any:
        """The first column of the first row, or None."""
        row = await self.fetch_one(query, **parameters)
        return row[0] if row is not None else None

    async def execute(self, query: Query, /, **parameters: Any) -> int:
        """Run a statement; returns how many rows it changed."""
        arguments = query.arguments(parameters, self._defaults)
        try:
            _, status, _ = await self._connection._execute(query.text, arguments, 0, None, return_status=True)
        except Exception as error:
            raise (translate(error) or error) from error
        return _changed(status.decode())

    def last_before_commit(self, step: LastStep) -> None:
        """Have the statement that ``step`` says at the very end go in one message with the commit.

        It takes the lock that the whole tenant's writes queue for: so that is held for one round trip.
        """
        self._last = step

    def after_commit(self, step: AfterCommit) -> None:
        """Have ``step`` run once the commit is acknowledged; not run when it is not."""
        self._after_commit.append(step)

    async def begin(self, first: Step | None = None) -> int:
        """Open the transaction, set its role, tenant and limits, and take the first step, in one round trip.

        Returns how many rows the step changed.
        """
        return _changed(await self._send(self._begin, first))

    async def commit(self) -> None:
        """Take the last step and commit, in one round trip. It is never cancelled: its outcome would be unknown."""
        last = None if self._last is None else self._last()
        with anyio.CancelScope(shield=True):
            await self._send(last, "commit")
        for done in self._after_commit:
            done()

    async def rollback(self) -> bool:
        """Undo everything; False when the connection did not survive it: the server undoes what it is cut off from."""
        # The pool takes a connection that breaks away from us; then every call to it says so.
        with anyio.CancelScope(shield=True), suppress(asyncpg.InterfaceError):
            if not self._connection.is_closed():
                try:
                    await self._connection.execute("rollback", timeout=ROLLBACK_TIMEOUT_S)
                except Exception:  # whatever the driver says
                    self._connection.terminate()
                else:
                    return True
        return False

    async def _send(self, *parts: Step | str | None) -> str:
        """Send statements as one message, of which the first to fail is the last; returns the tag of the last."""
        step = next((part for part in parts if isinstance(part, Step)), None)
        try:
            texts = [await self._text(part) for part in parts if part is not None]
            status: str = await self._connection.execute("; ".join(texts))
        except Exception as error:
            own = None if step is None else step.refused(error)
            raise (own or translate(error) or error) from error
        return status

    async def _text(self, part: Step | str) -> str:
        if isinstance(part, str):
            return part
        arguments = part.query.arguments(part.parameters, self._defaults)
        text: str = await self._connection.as_text(part.query, arguments)
        return text


def _changed(status: str) -> int:
    """How many rows a statement changed, by the tag of its end."""
    count = status.rsplit(" ", 1)[-1]
    return int(count) if count.isdigit() else 0


class TenantTransaction(Transaction):
    """A transaction that PostgreSQL confines to the rows of one tenant.

    ``outgoing`` holds the events it has emitted so far (``runtime.events.log`` writes them as the last step);
    ``wake`` is told the tenant once they are committed; ``correlation_id`` ties them to the request. ``trailing`` is
    what the request leaves behind beside them (audit entries, its answer): it goes in the same statement as the events.
    ``opened`` is how many rows its first step changed, if it had one.
    """

    def __init__(
        self, connection: Any, begin: str, tenant_id: UUID, user_id: UUID | None, now: datetime | None
    ) -> None:
        super().__init__(connection, begin, now)
        self.tenant_id = tenant_id
        self.user_id = user_id
        self.outgoing: list[Any] = []
        self.trailing: dict[str, Any] | None = None
        self.opened = 0
        self.wake: Callable[[UUID], None] | None = None
        self.correlation_id: str | None = None
        self.traceparent: str | None = None
        self._defaults["tenant_id"] = tenant_id
        self._defaults["user_id"] = user_id

    @asynccontextmanager
    async def founding(self, tenant_id: UUID) -> AsyncIterator[None]:
        """Within the platform's own transaction, work in a store that is being made: both commit, or neither.

        ``tenant_id`` of the transaction, and what row security lets through, are the new store's inside the block.
        Raises ``ValueError`` for any other transaction than the platform's, and for a store that there is already.
        """
        if self.tenant_id != NIL or await self.fetch_value(sql.get_tenant_status, id=tenant_id) is not None:
            raise ValueError("only the platform may found a store, and only one that there is not yet")
        await self._work_as(tenant_id, None)  # the platform's people are nobody in the store
        yield
        # After an error in the block the transaction is over, and the rollback takes all of this back.
        await self._work_as(NIL, self.user_id)

    async def _work_as(self, tenant_id: UUID, user_id: UUID | None) -> None:
        await self.fetch_value(sql.confine_to_tenant, tenant=str(tenant_id))
        self.tenant_id = self._defaults["tenant_id"] = tenant_id
        self._defaults["user_id"] = user_id


class EngineTransaction(Transaction):
    """A transaction that PostgreSQL confines to the rows of the tenants of one batch."""
