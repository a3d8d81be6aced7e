"""Live sessions: PostgreSQL is the truth, Redis a short-lived copy of it that says who may come in.

The copy is an allow-list, so a Redis that loses its data costs a query and opens nothing. Before a session is
revoked or its user changed, ``doubt`` puts a mark in the copy's place: until the mark expires only PostgreSQL
answers, and a reader that still has the former state cannot put it back (it writes only where nothing is).
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from redis.exceptions import RedisError

from runtime.data.database import Database
from runtime.data.queries import sql
from runtime.host.logs import get_logger

log = get_logger(__name__)

COPY_S = 30
# Longer than any request may take, so that no fill begun before the mark can outlive it.
DOUBT_S = 120
RETRY_REDIS_S = 1.0
_DOUBT = b"?"


@dataclass(frozen=True, slots=True)
class Session:
    """A live session: whose it is, the user's role now, and when it ends (Unix seconds)."""

    user_id: UUID
    role: str
    expires_at: float


class Sessions:
    """Answers whether a session lives; raises RetryLaterError when neither Redis nor PostgreSQL can tell."""

    def __init__(self, database: Database, redis: Any) -> None:
        self._database = database
        self._redis = redis
        self._redis_away_until = 0.0

    async def find(self, tenant_id: UUID, session_id: UUID) -> Session | None:
        """The session if it is neither expired nor revoked and its user is active."""
        key = _key(tenant_id, session_id)
        copy = await self._read(key)
        if copy is not None and copy != _DOUBT:
            session = _decode(copy)
            if session is not None and session.expires_at > time.time():
                return session
        async with self._database.tenant(tenant_id) as tx:
            row = await tx.fetch_one(sql.get_live_session, id=session_id)
        if row is None:
            return None
        session = Session(row["user_id"], row["role"], row["expires_at"].timestamp())
        if copy is None:
            await self._fill(key, session)
        return session

    async def doubt(self, tenant_id: UUID, session_ids: Iterable[UUID]) -> None:
        """Have PostgreSQL asked about these sessions from now on; call it before the change is committed.

        Where Redis cannot be told, this process asks PostgreSQL until all copies have run out.
        """
        keys = [_key(tenant_id, session_id) for session_id in session_ids]
        if not keys:
            return
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                for key in keys:
                    pipe.set(key, _DOUBT, ex=DOUBT_S)
                await pipe.execute()
        except (RedisError, OSError, TimeoutError) as error:
            self._redis_failed(error, for_s=COPY_S)

    async def _read(self, key: str) -> bytes | None:
        if time.monotonic() < self._redis_away_until:
            return _DOUBT
        try:
            value: bytes | str | None = await self._redis.get(key)
        except (RedisError, OSError, TimeoutError) as error:
            self._redis_failed(error)
            return _DOUBT
        return value.encode() if isinstance(value, str) else value

    async def _fill(self, key: str, session: Session) -> None:
        try:
            await self._redis.set(key, _encode(session), nx=True, ex=COPY_S)
        except (RedisError, OSError, TimeoutError) as error:
            self._redis_failed(error)

    def _redis_failed(self, error: Exception, for_s: float = RETRY_REDIS_S) -> None:
        self._redis_away_until = max(self._redis_away_until, time.monotonic() + for_s)
        log.warning("redis_away", error=type(error).__name__)


def _key(tenant_id: UUID, session_id: UUID) -> str:
    return f"sess:{tenant_id}:{session_id}"


def _encode(session: Session) -> bytes:
    return f"{session.user_id} {session.role} {session.expires_at:.3f}".encode()


def _decode(value: bytes) -> Session | None:
    try:
        user_id, role, expires_at = value.decode().split(" ")
        return Session(UUID(user_id), role, float(expires_at))
    except ValueError:
        return None
