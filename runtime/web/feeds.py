"""Answers that go on for long, such as a store's events as they happen: how many there are, and when they end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from runtime.errors import TooManyRequestsError

PER_STORE = 50
PER_PROCESS = 1_000
RETRY_S = 10


class Feeds:
    """The open feeds of this process. ``closing`` is set when it drains: they end, and their clients come again."""

    def __init__(self) -> None:
        self.closing = asyncio.Event()
        self._open: Counter[UUID] = Counter()

    def check_room(self, tenant_id: UUID) -> None:
        """Raise 429 when the store, or the process, has as many as it may have."""
        if self._open[tenant_id] >= PER_STORE or self._open.total() >= PER_PROCESS:
            raise TooManyRequestsError(RETRY_S)

    @contextmanager
    def opened(self, tenant_id: UUID) -> Iterator[None]:
        """One more while the block runs."""
        self._open[tenant_id] += 1
        try:
            yield
        finally:
            self._open[tenant_id] -= 1
            if not self._open[tenant_id]:
                del self._open[tenant_id]

    async def rest(self, seconds: float) -> bool:
        """Wait; returns True when the process drains, which ends the wait."""
        try:
            await asyncio.wait_for(self.closing.wait(), seconds)
        except TimeoutError:
            return False
        return True
