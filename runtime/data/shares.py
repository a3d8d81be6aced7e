"""Fair shares of a pool: what one tenant may hold of it at once, so that the others find a connection."""

from __future__ import annotations

import asyncio
from collections import deque
from uuid import UUID

BESIDE_OTHERS = 2
"""What a tenant holds at most while others work, too. Its writes queue for its counters anyway, so it loses little."""
PRESENT_S = 1.0
"""So long after it took a share a tenant counts as working."""
PATIENCE_S = 0.25
"""A line that has not moved for so long has slow work at its head, not much work: it gets another share."""


class _Line:
    """A tenant's shares in use, and who waits for one."""

    __slots__ = ("held", "look", "moved_at", "waiting")

    def __init__(self) -> None:
        self.held = 0
        self.waiting: deque[asyncio.Future[None]] = deque()
        self.moved_at = 0.0
        self.look: asyncio.TimerHandle | None = None


class Shares:
    """At most ``most`` holders at once per tenant, and ``BESIDE_OTHERS`` while another tenant works, in the order they
    came; a tenant nobody works for costs nothing.

    All tenants share one event loop and the server's processors, where everything under way delays everything else:
    who asks for little is served between the few turns that the others have, however many of them wait.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._beside = min(most, BESIDE_OTHERS)
        self._lines: dict[UUID, _Line] = {}
        self._latest: UUID | None = None
        self._latest_at = self._before_at = float("-inf")

    async def take(self, tenant_id: UUID, timeout_s: float) -> None:
        """Take one of the tenant's shares; ``TimeoutError`` when none gets free in time. ``give`` it back."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._note(tenant_id, now)
        line = self._lines.get(tenant_id)
        if line is None:
            line = self._lines[tenant_id] = _Line()
        if not line.waiting and line.held < self._allowed(tenant_id, now):
            line.held += 1
            line.moved_at = now
            return
        turn: asyncio.Future[None] = loop.create_future()
        line.waiting.append(turn)
        if line.look is None:
            line.look = loop.call_later(PATIENCE_S, self._look_again, tenant_id, line)
        try:
            async with asyncio.timeout(timeout_s):
                await turn
        except BaseException:
            if not turn.cancelled():  # it was our turn in the moment we left
                self.give(tenant_id)
            elif turn in line.waiting:
                line.waiting.remove(turn)
                self._forget(tenant_id, line)
            raise

    def give(self, tenant_id: UUID) -> None:
        """Give a share back; whoever has waited longest gets it."""
        line = self._lines[tenant_id]
        line.held -= 1
        now = line.moved_at = asyncio.get_running_loop().time()
        allowed = self._allowed(tenant_id, now)
        while line.waiting and line.held < allowed:
            self._admit(line, now)
        self._forget(tenant_id, line)

    def _note(self, tenant_id: UUID, now: float) -> None:
        if tenant_id != self._latest:
            self._latest, self._before_at = tenant_id, self._latest_at
        self._latest_at = now

    def _allowed(self, tenant_id: UUID, now: float) -> int:
        others_at = self._before_at if tenant_id == self._latest else self._latest_at
        return self._most if now - others_at > PRESENT_S else self._beside

    @staticmethod
    def _admit(line: _Line, now: float) -> None:
        """Let in whoever has waited longest and is still there."""
        while line.waiting:
            turn = line.waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                line.held += 1
                line.moved_at = now
                return

    def _look_again(self, tenant_id: UUID, line: _Line) -> None:
        line.look = None
        if not line.waiting:
            return
        loop = asyncio.get_running_loop()
        now = loop.time()
        if now - line.moved_at >= PATIENCE_S and line.held < self._most:
            self._admit(line, now)
        if line.waiting:
            line.look = loop.call_later(PATIENCE_S, self._look_again, tenant_id, line)

    def _forget(self, tenant_id: UUID, line: _Line) -> None:
        if not line.held and not line.waiting:
            if line.look is not None:
                line.look.cancel()
            del self._lines[tenant_id]
