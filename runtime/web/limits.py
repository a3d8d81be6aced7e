"""Rate limits per user and per store, kept in the process: a pace with room for a burst (GCRA)."""

from __future__ import annotations

import ipaddress
import math
import time
from uuid import UUID

from runtime.errors import TooManyRequestsError

_FORGET_ABOVE = 50_000


class Pace:
    """At most ``per_minute`` requests a minute for each key; a quiet key may burst up to that many."""

    __slots__ = ("_due", "_forget_above", "_interval_s", "_window_s")

    def __init__(self, per_minute: int, *, burst_s: float = 60.0) -> None:
        self._interval_s = 60.0 / per_minute
        self._window_s = max(burst_s, self._interval_s)
        self._due: dict[UUID | str, float] = {}
        self._forget_above = _FORGET_ABOVE

    def take(self, key: UUID | str, now: float) -> float:
        """Count one request; returns 0, or the seconds to wait (the request is then not counted)."""
        due = max(self._due.get(key, 0.0), now)
        following = due + self._interval_s
        if following - now > self._window_s:
            return following - now - self._window_s
        self._due[key] = following
        if len(self._due) > self._forget_above:
            self._due = {known: at for known, at in self._due.items() if at > now}
            # When few could be forgotten, looking again at once would cost every request the whole table.
            self._forget_above = max(_FORGET_ABOVE, 2 * len(self._due))
        return 0.0


class RateLimits:
    """The limits of this process; nginx keeps those of the whole deployment."""

    __slots__ = ("_addresses", "_tenants", "_users")

    def __init__(self, user_per_minute: int, tenant_per_minute: int) -> None:
        self._users = Pace(user_per_minute)
        self._addresses = Pace(user_per_minute)
        self._tenants = Pace(tenant_per_minute)

    def check(self, tenant_id: UUID, user_id: UUID) -> None:
        """Raise 429 when this user or this store asks faster than allowed."""
        now = time.monotonic()
        _wait(self._users.take(user_id, now) or self._tenants.take(tenant_id, now))

    def check_address(self, address: str) -> None:
        """The same for somebody who is not signed in; does not count against the store's own people."""
        _wait(self._addresses.take(network_of(address), time.monotonic()))


def network_of(address: str) -> str:
    """What one client commands: its IPv4 address, or the /64 that its IPv6 address was picked from."""
    if ":" not in address:
        return address
    try:
        parsed = ipaddress.IPv6Address(address)
    except ValueError:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Address(int(parsed) >> 64 << 64))


def _wait(wait_s: float) -> None:
    if wait_s > 0.0:
        raise TooManyRequestsError(math.ceil(wait_s), "rate_limited")
