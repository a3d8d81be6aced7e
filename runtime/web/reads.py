"""Which server answers what only reads: a replica, if there is one and the caller has not just written, or the primary.

A user who has written reads from the primary until the replica must have what was written, in all processes: a mark in
Redis says so. What others have written may be as old as ``DATABASE_READ_MAX_LAG_SECONDS``.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeVar

from redis.exceptions import RedisError

from runtime.data.database import Database
from runtime.data.errors import TooMuchAtOnceError
from runtime.data.replica import Replica
from runtime.errors import NotFoundError, RetryLaterError
from runtime.host import metrics
from runtime.host.logs import get_logger
from runtime.web.call import Identity

log = get_logger(__name__)

T = TypeVar("T")

_MARGIN_S = 0.5
_RETRY_REDIS_S = 1.0
_Outcome = Literal["replica", "own_write", "replica_unfit", "replica_lacked", "replica_failed"]


class Reads:
    """Runs reading work on one server or the other; without a replica always on the primary."""

    def __init__(self, primary: Database, redis: Any, replica: Replica | None) -> None:
        self._primary = primary
        self._redis = redis
        self._replica = replica
        self._mark_ms = 0 if replica is None else int(1000 * (replica.max_lag_s + _MARGIN_S))
        self._unmarked_until = 0.0
        self._redis_away_until = 0.0

    async def run(self, identity: Identity, work: Callable[[Database], Awaitable[T]]) -> T:
        """The result of ``work``, which only reads and may be done twice: a replica that fails it costs time only.

        What the replica does not find may be new, and is looked for on the primary. What takes too long or too much
        memory on the replica is not tried again: it would on the primary, too.
        """
        if self._replica is None:
            return await work(self._primary)
        standby = self._replica.database
        if standby is None:
            _count("replica_unfit")
        elif await self._has_written(identity):
            _count("own_write")
        else:
            try:
                result = await work(standby)
            except TooMuchAtOnceError:
                raise
            except NotFoundError:
                _count("replica_lacked")
            except RetryLaterError as error:
                self._replica.doubt()
                _count("replica_failed")
                log.warning("replica failed", reason=error.reason)
            else:
                _count("replica")
                return result
        return await work(self._primary)

    async def wrote(self, identity: Identity) -> None:
        """Have what this user reads come from the primary until the replica has what the user wrote; never raises.

        Call it after the commit and before the answer. Where Redis cannot be told, all of this process's reads do.
        """
        if self._replica is None:
            return
        try:
            await self._redis.set(_key(identity), b"1", px=self._mark_ms)
        except (RedisError, OSError, TimeoutError) as error:
            self._unmarked_until = time.monotonic() + self._mark_ms / 1000
            log.warning("redis_away", error=type(error).__name__)

    async def _has_written(self, identity: Identity) -> bool:
        """Whether the user may have written what the replica lacks; true when Redis cannot tell.

        After it could not, it is not asked for a second: one read waits for a Redis that hangs, not all of them.
        """
        if time.monotonic() < max(self._unmarked_until, self._redis_away_until):
            return True
        try:
            return await self._redis.get(_key(identity)) is not None
        except (RedisError, OSError, TimeoutError):
            self._redis_away_until = time.monotonic() + _RETRY_REDIS_S
            return True


def _count(outcome: _Outcome) -> None:
    metrics.REPLICA_READS.labels(outcome).inc()


def _key(identity: Identity) -> str:
    return f"wrote:{identity.tenant_id}:{identity.user_id}"
