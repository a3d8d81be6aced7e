"""Guessing passwords is slow: failed sign-ins are counted per account, address and store."""

from __future__ import annotations

import hashlib
import time
from typing import Any, Protocol
from uuid import UUID

from redis.exceptions import RedisError

from runtime.errors import TooManyRequestsError
from runtime.host.logs import get_logger, security_event
from runtime.web.limits import network_of

log = get_logger(__name__)

WINDOW_S = 900
ACCOUNT_FAILURES = 5
FIRST_DELAY_S = 15
ADDRESS_WINDOW_S = 60
ADDRESS_FAILURES = 30
TENANT_FAILURES = 200
_RETRY_REDIS_S = 1.0
_FORGET_ABOVE = 20_000


class Counters(Protocol):
    """Counters that vanish by themselves."""

    async def increment(self, key: str, seconds: int) -> int:
        """Count one, kept for ``seconds`` from now; returns the count."""

    async def set_for(self, key: str, seconds: int) -> None:
        """Make the key exist for ``seconds``."""

    async def remaining(self, key: str) -> float:
        """Seconds the key still exists; 0 when it does not."""

    async def forget(self, key: str) -> None:
        """Remove the key."""


class MemoryCounters:
    """Counters of this process alone; used while Redis is away."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[int, float]] = {}

    async def increment(self, key: str, seconds: int) -> int:
        now = time.monotonic()
        if len(self._entries) > _FORGET_ABOVE:
            self._entries = {known: entry for known, entry in self._entries.items() if entry[1] > now}
        count, until = self._entries.get(key, (0, 0.0))
        count = count + 1 if until > now else 1
        self._entries[key] = (count, now + seconds)
        return count

    async def set_for(self, key: str, seconds: int) -> None:
        self._entries[key] = (1, time.monotonic() + seconds)

    async def remaining(self, key: str) -> float:
        return max(0.0, self._entries.get(key, (0, 0.0))[1] - time.monotonic())

    async def forget(self, key: str) -> None:
        self._entries.pop(key, None)


class RedisCounters:
    """Counters that all processes share."""

    def __init__(self, redis: Any) -> None:
        self._redis = redis

    async def increment(self, key: str, seconds: int) -> int:
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.incr(key)
            pipe.expire(key, seconds)
            count, _ = await pipe.execute()
        return int(count)

    async def set_for(self, key: str, seconds: int) -> None:
        await self._redis.set(key, b"1", ex=seconds)

    async def remaining(self, key: str) -> float:
        return max(0.0, float(await self._redis.pttl(key)) / 1000)

    async def forget(self, key: str) -> None:
        await self._redis.delete(key)


class Throttle:
    """Delays sign-ins after failures: exponentially per account, and by a minute per address and store.

    An account is never locked for good, and one that does not exist behaves like one that does.
    """

    def __init__(self, redis: Any) -> None:
        self._shared: Counters = RedisCounters(redis)
        self._own: Counters = MemoryCounters()
        self._redis_away_until = 0.0

    async def check(self, tenant_id: UUID, account: str, address: str) -> None:
        """Raise 429 while one of the three has to wait."""
        wait_s = 0.0
        for key in _blocks(tenant_id, account, address):
            wait_s = max(wait_s, await self._call("remaining", key))
        if wait_s > 0.0:
            security_event("login_throttled", tenant_id=str(tenant_id), address=address, wait_s=round(wait_s))
            raise TooManyRequestsError(max(1, round(wait_s)), "login_throttled")

    async def failed(self, tenant_id: UUID, account: str, address: str) -> None:
        """Count a failed sign-in."""
        for_account, for_address, for_tenant = _blocks(tenant_id, account, address)
        failures = await self._call("increment", f"{for_account}:n", WINDOW_S)
        if failures >= ACCOUNT_FAILURES:
            delay_s = min(WINDOW_S, FIRST_DELAY_S << min(10, failures - ACCOUNT_FAILURES))
            await self._call("set_for", for_account, delay_s)
        for key, allowed in ((for_address, ADDRESS_FAILURES), (for_tenant, TENANT_FAILURES)):
            if await self._call("increment", f"{key}:n", ADDRESS_WINDOW_S) >= allowed:
                await self._call("set_for", key, ADDRESS_WINDOW_S)

    async def succeeded(self, tenant_id: UUID, account: str, address: str) -> None:
        """Forget the failures of an account whose user has signed in."""
        for_account, _, _ = _blocks(tenant_id, account, address)
        await self._call("forget", f"{for_account}:n")

    async def _call(self, action: str, key: str, *arguments: int) -> Any:
        if time.monotonic() >= self._redis_away_until:
            try:
                return await getattr(self._shared, action)(key, *arguments)
            except (RedisError, OSError, TimeoutError) as error:
                self._redis_away_until = time.monotonic() + _RETRY_REDIS_S
                log.warning("login_counters_in_memory", error=type(error).__name__)
        return await getattr(self._own, action)(key, *arguments)


def _blocks(tenant_id: UUID, account: str, address: str) -> tuple[str, str, str]:
    # E-mail addresses do not go to Redis in the clear.
    digest = hashlib.sha256(account.encode()).hexdigest()[:32]
    return f"rl:login:{tenant_id}:a:{digest}", f"rl:login:i:{network_of(address)}", f"rl:login:{tenant_id}:t"
