"""Guessing passwords is slow: sign-ins are counted per account, address and store, before they are verified."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from weakref import WeakValueDictionary

from redis.exceptions import RedisError

from runtime.data.ids import new_id
from runtime.errors import TooManyRequestsError
from runtime.host.logs import get_logger, security_event
from runtime.web.attempts import Attempts, MemoryAttempts, RedisAttempts
from runtime.web.limits import network_of

log = get_logger(__name__)

WINDOW_S = 900
ACCOUNT_FAILURES = 5
FIRST_DELAY_S = 15
ADDRESS_WINDOW_S = 60
ADDRESS_FAILURES = 30
TENANT_FAILURES = 200
QUEUE_S = 5.0
_POLL_S = 0.03
_RETRY_REDIS_S = 1.0


@dataclass(frozen=True, slots=True)
class _Subject:
    """Something whose failures are counted: at ``allowed`` of them within ``window_s`` it has to wait."""

    key: str
    allowed: int
    window_s: int
    delay_doubles: bool

    def delay_s(self, failures: int) -> int:
        """Seconds to wait after this many failures; 0 when there were not too many."""
        if failures < self.allowed:
            return 0
        if not self.delay_doubles:
            return self.window_s
        return min(self.window_s, FIRST_DELAY_S << min(10, failures - self.allowed))


class Attempt:
    """One sign-in under way: say ``failed`` or ``succeeded`` once the password has been looked at."""

    def __init__(self, throttle: Throttle, subjects: list[_Subject], attempt_id: str) -> None:
        self._throttle = throttle
        self._subjects = subjects
        self.id = attempt_id

    async def failed(self) -> None:
        """Count a failure, and let nobody in before the wait that follows from it has begun."""
        for subject in self._subjects:
            failures = await self._throttle.call("fail", subject.key, subject.window_s)
            if delay_s := subject.delay_s(failures):
                await self._throttle.call("block", subject.key, delay_s)

    async def succeeded(self) -> None:
        """Forget the failures of the account whose user has signed in."""
        await self._throttle.call("forget", self._subjects[0].key)


class Throttle:
    """Delays sign-ins after failures: exponentially per account, and by a minute per address and store.

    An attempt counts from before its password is verified until its outcome is known, so guesses made at once get no
    further than guesses made one after the other: what is under way and what has failed together never exceed what is
    allowed, and after that one attempt at a time goes ahead. Those beyond wait in line for up to ``QUEUE_S`` seconds.
    An account is never locked for good, and one that does not exist behaves like one that does.
    """

    def __init__(self, redis: Any) -> None:
        self._shared: Attempts = RedisAttempts(redis)
        self._own: Attempts = MemoryAttempts()
        self._redis_away_until = 0.0
        self._lines: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def attempt(self, tenant_id: UUID, account: str, address: str) -> AsyncIterator[Attempt]:
        """A sign-in, admitted; raises 429 while the account, the address or the store has to wait."""
        entered: list[_Subject] = []
        attempt = Attempt(self, entered, str(new_id()))
        try:
            try:
                async with asyncio.timeout(QUEUE_S):
                    for subject in _subjects(tenant_id, account, address):
                        # Noted first: whatever becomes of the entering, it is left again.
                        entered.append(subject)
                        await self._enter(subject, attempt.id)
            except TimeoutError:
                raise _refused(tenant_id, address, 1.0) from None
            except _BlockedError as blocked:
                raise _refused(tenant_id, address, blocked.wait_s) from None
            yield attempt
        finally:
            await self.call("leave", [subject.key for subject in entered], attempt.id)

    async def _enter(self, subject: _Subject, attempt_id: str) -> None:
        """Wait until the subject has room for another attempt; in this process one asks at a time, in order."""
        line = self._lines.get(subject.key)
        if line is None:
            line = self._lines[subject.key] = asyncio.Lock()
        async with line:
            while True:
                standing = await self.call("enter", subject.key, attempt_id)
                if standing.blocked_s > 0.0:
                    raise _BlockedError(standing.blocked_s)
                if standing.under_way <= max(1, subject.allowed - standing.failures):
                    return
                await self.call("leave", [subject.key], attempt_id)
                await asyncio.sleep(_POLL_S)

    async def call(self, action: str, *arguments: Any) -> Any:
        """One step of the counters: those that all processes share, or, while Redis is away, of this process."""
        if time.monotonic() >= self._redis_away_until:
            try:
                return await getattr(self._shared, action)(*arguments)
            except (RedisError, OSError, TimeoutError) as error:
                self._redis_away_until = time.monotonic() + _RETRY_REDIS_S
                log.warning("login_counters_in_memory", error=type(error).__name__)
        return await getattr(self._own, action)(*arguments)


class _BlockedError(Exception):
    def __init__(self, wait_s: float) -> None:
        super().__init__(wait_s)
        self.wait_s = wait_s


def _refused(tenant_id: UUID, address: str, wait_s: float) -> TooManyRequestsError:
    security_event("login_throttled", tenant_id=str(tenant_id), address=address, wait_s=round(wait_s))
    return TooManyRequestsError(max(1, round(wait_s)), "login_throttled")


def _subjects(tenant_id: UUID, account: str, address: str) -> tuple[_Subject, ...]:
    # E-mail addresses do not go to Redis in the clear.
    digest = hashlib.sha256(account.encode()).hexdigest()[:32]
    return (
        _Subject(f"rl:login:{tenant_id}:a:{digest}", ACCOUNT_FAILURES, WINDOW_S, True),
        _Subject(f"rl:login:i:{network_of(address)}", ADDRESS_FAILURES, ADDRESS_WINDOW_S, False),
        _Subject(f"rl:login:{tenant_id}:t", TENANT_FAILURES, ADDRESS_WINDOW_S, False),
    )
