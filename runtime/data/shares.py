"""Fair shares of a pool: what one tenant may hold of it at once, so that the others find a connection."""

from __future__ import annotations

import asyncio
from uuid import UUID


class Shares:
    """At most ``most`` holders at once per tenant, in the order they came; a tenant nobody works for costs nothing."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._turns: dict[UUID, asyncio.Semaphore] = {}
        self._users: dict[UUID, int] = {}

    async def take(self, tenant_id: UUID, timeout_s: float) -> None:
        """Take one of the tenant's shares; ``TimeoutError`` when none gets free in time. ``give`` it back."""
        turns = self._turns.setdefault(tenant_id, asyncio.Semaphore(self._most))
        self._users[tenant_id] = self._users.get(tenant_id, 0) + 1
        try:
            if turns.locked():
                async with asyncio.timeout(timeout_s):
                    await turns.acquire()
            else:
                await turns.acquire()
        except BaseException:
            self._leave(tenant_id)
            raise

    def give(self, tenant_id: UUID) -> None:
        """Give a share back; whoever has waited longest gets it."""
        self._turns[tenant_id].release()
        self._leave(tenant_id)

    def _leave(self, tenant_id: UUID) -> None:
        self._users[tenant_id] -= 1
        if not self._users[tenant_id]:
            del self._users[tenant_id], self._turns[tenant_id]
