"""A pool of connections under one database role, and the transactions it opens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import datetime
from functools import partial
from typing import Any, Literal
from uuid import UUID

import asyncpg
import orjson

from runtime.data.connection import Connection, PooledConnection, Step
from runtime.data.errors import ReadOnlyServerError, not_connected
from runtime.data.reading import TenantReading
from runtime.data.shares import Shares
from runtime.data.transactions import EngineTransaction, TenantTransaction, Transaction
from runtime.errors import RefusedError
from runtime.host.logs import get_logger

log = get_logger(__name__)

DatabaseRole = Literal["api", "relay", "engine", "scheduler"]

ACQUIRE_TIMEOUT_S = 2.0

_LIMITS_S: dict[DatabaseRole, dict[str, int]] = {
    "api": {"statement_timeout": 5, "lock_timeout": 2, "idle_in_transaction_session_timeout": 8},
    "relay": {"statement_timeout": 5, "lock_timeout": 2, "idle_in_transaction_session_timeout": 5},
    "engine": {"statement_timeout": 6, "lock_timeout": 3, "idle_in_transaction_session_timeout": 6},
    "scheduler": {"statement_timeout": 60, "lock_timeout": 2, "idle_in_transaction_session_timeout": 60},
}
"""What the server allows, in seconds. A connection whose other end is gone without a word is given up little later."""

_REPLY_GRACE_S = 2.0

# One letter wrong or two swapped in a word of five ("blcoo") leaves a third of its trigrams.
_SIMILARITY = "0.33"

_TRANSACTION_LIMITS_S: dict[DatabaseRole, int] = {"api": 60, "relay": 10, "engine": 15, "scheduler": 0}
"""0 is none. Since PostgreSQL 17. A statement whose end is lost on the way falls under no other limit: its backend
waits for the rest, with all its locks, for as long as the connection seems to stand."""
_TRANSACTION_TIMEOUT_SINCE = 17

_KEEPALIVE = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}


async def _prepare_connection(connection: Any, role: DatabaseRole, pooler: str) -> None:
    if pooler == "none" and connection.get_server_version().major >= _TRANSACTION_TIMEOUT_SINCE:
        await connection.execute(f"set transaction_timeout = '{_TRANSACTION_LIMITS_S[role]}s'")
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: orjson.dumps(value, default=str).decode(),
        decoder=orjson.loads,
    )


class Database:
    """The database as one role sees it. Never the owner, never a role that bypasses row level security.

    The login of the URL takes the role ``basecommerce_<role>`` at connection start; behind a transaction pooler,
    where session state does not survive, at the start of every transaction instead.
    """

    def __init__(self, pool: Any, role: DatabaseRole, *, pooler: str = "none") -> None:
        self._pool = pool
        # The writes of one store queue for its counters: with all connections they would keep the others waiting.
        self._shares = Shares(max(2, pool.get_max_size() // 2)) if role == "api" else None
        self.role: DatabaseRole = role
        self.wake: Callable[[UUID], None] | None = None
        """Told the tenant after each commit that added events to its log."""
        self._begin = "begin"
        self._is_pooled = pooler == "transaction"
        if self._is_pooled:
            settings = {"role": f"basecommerce_{role}", **_session_settings(role)}
            self._begin += "".join(f"; set local {name} = '{value}'" for name, value in settings.items())

    @classmethod
    async def open(
        cls, url: str, role: DatabaseRole, *, size: int, minimum: int = 1, pooler: str = "none"
    ) -> Database:
        """Connect; raises ``RetryLaterError`` when the server is away."""
        options: dict[str, Any] = {}
        if pooler == "transaction":
            options["statement_cache_size"] = 0
        else:
            options["server_settings"] = {
                "role": f"basecommerce_{role}",
                "application_name": f"basecommerce-{role}",
                **_session_settings(role),
                **_KEEPALIVE,
            }
        try:
            pool = await asyncpg.create_pool(
                url,
                min_size=min(minimum, size),
                max_size=size,
                max_inactive_connection_lifetime=300,
                command_timeout=_LIMITS_S[role]["statement_timeout"] + _REPLY_GRACE_S,
                timeout=5,
                connection_class=PooledConnection if pooler == "transaction" else Connection,
                init=partial(_prepare_connection, role=role, pooler=pooler),
                **options,
            )
        except Exception as error:
            raise not_connected(error) from error
        return cls(pool, role, pooler=pooler)

    async def close(self, timeout_s: float = 5.0) -> None:
        """Close the pool; connections still busy after ``timeout_s`` are terminated."""
        try:
            async with asyncpg.compat.timeout(timeout_s):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    def transaction(self, *, now: datetime | None = None) -> AbstractAsyncContextManager[Transaction]:
        """A transaction without a tenant: it sees no row of any tenant, save where the role's policy says so."""
        return self._run(lambda connection: Transaction(connection, self._begin, now))

    def tenant(
        self,
        tenant_id: UUID,
        *,
        user_id: UUID | None = None,
        now: datetime | None = None,
        first: Step | None = None,
    ) -> AbstractAsyncContextManager[TenantTransaction]:
        """A transaction confined to one tenant; commits at the end of the block, rolls back on an exception.

        It begins with the step ``first``, if there is one; ``opened`` says how many rows that changed.
        """
        begin = f"{self._begin}; set local app.tenant_id = '{UUID(int=tenant_id.int)}'"

        def open_transaction(connection: Any) -> TenantTransaction:
            transaction = TenantTransaction(connection, begin, tenant_id, user_id, now)
            transaction.wake = self.wake
            return transaction

        if self._shares is None:
            return self._run(open_transaction, first)
        return self._run_in_turn(self._shares, tenant_id, open_transaction, first)

    @asynccontextmanager
    async def reading(
        self, tenant_id: UUID, *, user_id: UUID | None = None
    ) -> AsyncIterator[TenantTransaction]:
        """Reading of one tenant's rows, each statement on its own, in one round trip; nothing can be written.

        Behind a transaction pooler a transaction like any other: there is no session to have the role from.
        """
        if self._is_pooled or self._shares is None:
            async with self.tenant(tenant_id, user_id=user_id) as transaction:
                yield transaction
            return
        async with self._turn(self._shares, tenant_id), self._connection() as connection:
            reading = TenantReading(connection, tenant_id, user_id)
            try:
                yield reading
                reading.check_nothing_is_left()
            except RefusedError:
                raise
            except BaseException:
                if not await reading.rollback():
                    await self._pool.expire_connections()
                raise

    def engine(
        self, tenant_ids: Iterable[UUID], *, now: datetime | None = None
    ) -> AbstractAsyncContextManager[EngineTransaction]:
        """A transaction confined to the tenants of one batch of events."""
        listed = ",".join(str(UUID(int=tenant.int)) for tenant in frozenset(tenant_ids))
        begin = f"{self._begin}; set local app.tenant_ids = '{{{listed}}}'"
        return self._run(lambda connection: EngineTransaction(connection, begin, now))

    @asynccontextmanager
    async def _run_in_turn(
        self, shares: Shares, tenant_id: UUID, open_transaction: Any, first: Step | None
    ) -> AsyncIterator[TenantTransaction]:
        async with self._turn(shares, tenant_id), self._run(open_transaction, first) as transaction:
            yield transaction

    @asynccontextmanager
    async def _turn(self, shares: Shares, tenant_id: UUID) -> AsyncIterator[None]:
        try:
            await shares.take(tenant_id, ACQUIRE_TIMEOUT_S)
        except TimeoutError as error:
            raise not_connected(error) from error
        try:
            yield
        finally:
            shares.give(tenant_id)

    @asynccontextmanager
    async def _run(self, open_transaction: Any, first: Step | None = None) -> AsyncIterator[Any]:
        async with self._connection() as connection:
            transaction = open_transaction(connection)
            try:
                transaction.opened = await transaction.begin(first)
                yield transaction
                await transaction.commit()
            except ReadOnlyServerError:
                # After a failover the pool's connections may all lead to the former primary.
                with suppress(asyncpg.InterfaceError):  # it broke, and the pool has taken it away from us
                    connection.terminate()
                await self._pool.expire_connections()
                raise
            except BaseException:
                if not await transaction.rollback():  # one silent connection is a sign of others
                    await self._pool.expire_connections()
                raise

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        try:
            async with asyncio.timeout(ACQUIRE_TIMEOUT_S):  # asyncpg's own would take a task
                connection = await self._pool.acquire()
        except Exception as error:
            raise not_connected(error) from error
        try:
            yield connection
        finally:
            await self._release(connection)

    async def _release(self, connection: Any) -> None:
        """Give a connection back. That it broke on the way changes nothing of what was committed with it."""
        try:
            await self._pool.release(connection, timeout=ACQUIRE_TIMEOUT_S)
        except Exception as error:  # the driver has terminated the connection and will open another
            log.debug("connection lost", role=self.role, error=repr(error))

    @property
    def connections(self) -> tuple[int, int]:
        """Connections in use, and the pool's limit."""
        return self._pool.get_size() - self._pool.get_idle_size(), self._pool.get_max_size()


def _session_settings(role: DatabaseRole) -> dict[str, str]:
    limits = {name: f"{seconds}s" for name, seconds in _LIMITS_S[role].items()}
    return {"jit": "off", "timezone": "UTC", "pg_trgm.word_similarity_threshold": _SIMILARITY, **limits}
