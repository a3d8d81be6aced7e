"""Counting attempts where guessing has to be slow: failures, attempts under way, and how long to wait after them."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Protocol

UNDER_WAY_S = 20
"""An attempt that has not ended by then ended with its process; longer than any request may take."""

_FORGET_ABOVE = 20_000


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a key stands at one moment: seconds it is blocked for, failures, and attempts under way."""

    blocked_s: float
    failures: int
    under_way: int


class Attempts(Protocol):
    """Counters that vanish by themselves; every method is one atomic step."""

    async def enter(self, key: str, attempt: str) -> Standing:
        """Count an attempt as under way; returns where the key stands, this attempt included."""

    async def leave(self, keys: Collection[str], attempt: str) -> None:
        """The attempt is over for these keys."""

    async def fail(self, key: str, seconds: int) -> int:
        """Count a failure, kept with those before it for ``seconds`` from now; returns how many there are."""

    async def block(self, key: str, seconds: int) -> None:
        """Have the key wait for ``seconds``."""

    async def forget(self, key: str) -> None:
        """Forget the failures."""


@dataclass(slots=True)
class _Entry:
    failures: int = 0
    kept_until: float = 0.0
    blocked_until: float = 0.0
    under_way: dict[str, float] = field(default_factory=dict)


class MemoryAttempts:
    """Counters of this process alone; used while Redis is away."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}

    async def enter(self, key: str, attempt: str) -> Standing:
        entry, now = self._entry(key), time.monotonic()
        entry.under_way[attempt] = now + UNDER_WAY_S
        return Standing(max(0.0, entry.blocked_until - now), entry.failures, len(entry.under_way))

    async def leave(self, keys: Collection[str], attempt: str) -> None:
        for key in keys:
            self._entry(key).under_way.pop(attempt, None)

    async def fail(self, key: str, seconds: int) -> int:
        entry = self._entry(key)
        entry.failures += 1
        entry.kept_until = time.monotonic() + seconds
        return entry.failures

    async def block(self, key: str, seconds: int) -> None:
        self._entry(key).blocked_until = time.monotonic() + seconds

    async def forget(self, key: str) -> None:
        self._entry(key).failures = 0

    def _entry(self, key: str) -> _Entry:
        now = time.monotonic()
        if len(self._entries) > _FORGET_ABOVE:
            self._entries = {known: entry for known, entry in self._entries.items() if _is_alive(entry, now)}
        entry = self._entries.setdefault(key, _Entry())
        if entry.kept_until <= now:
            entry.failures = 0
        entry.under_way = {known: until for known, until in entry.under_way.items() if until > now}
        return entry


def _is_alive(entry: _Entry, now: float) -> bool:
    return max(entry.kept_until, entry.blocked_until, *entry.under_way.values(), 0.0) > now


class RedisAttempts:
    """Counters that all processes share. The braces keep the keys of one subject in one slot of a cluster."""

    def __init__(self, redis: Any) -> None:
        self._redis = redis

    async def enter(self, key: str, attempt: str) -> Standing:
        now = time.time()
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.zremrangebyscore(_under_way(key), "-inf", now - UNDER_WAY_S)
            pipe.zadd(_under_way(key), {attempt: now})
            pipe.expire(_under_way(key), 2 * UNDER_WAY_S)
            pipe.zcard(_under_way(key))
            pipe.get(_failures(key))
            pipe.pttl(_block(key))
            *_, under_way, failures, blocked_ms = await pipe.execute()
        return Standing(max(0.0, blocked_ms / 1000), int(failures or 0), int(under_way))

    async def leave(self, keys: Collection[str], attempt: str) -> None:
        async with self._redis.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.zrem(_under_way(key), attempt)
            await pipe.execute()

    async def fail(self, key: str, seconds: int) -> int:
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.incr(_failures(key))
            pipe.expire(_failures(key), seconds)
            failures, _ = await pipe.execute()
        return int(failures)

    async def block(self, key: str, seconds: int) -> None:
        await self._redis.set(_block(key), b"1", ex=seconds)

    async def forget(self, key: str) -> None:
        await self._redis.delete(_failures(key))


def _block(key: str) -> str:
    return f"{{{key}}}"


def _failures(key: str) -> str:
    return f"{{{key}}}:n"


def _under_way(key: str) -> str:
    return f"{{{key}}}:u"
