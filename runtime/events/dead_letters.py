"""Dead letters: events that an engine could not apply, kept with their error until someone replays or discards them."""

from __future__ import annotations

import time
from collections import deque
from typing import Any, Literal
from uuid import UUID

from runtime.data.database import Database
from runtime.data.ids import NIL
from runtime.data.queries import sql
from runtime.data.transactions import Record, TenantTransaction
from runtime.errors import ConflictError, NotFoundError

MAX_ATTEMPTS = 8
MAX_PAUSE_S = 300.0


def pause_after(attempts: int) -> float:
    """Seconds to wait before trying a failed event again: 1, 2, 4 ... up to five minutes."""
    return float(min(MAX_PAUSE_S, 2.0 ** max(0, attempts - 1)))


class DeadLetterLimit:
    """Stops parking when too large a share of events fails: a bad deploy must not park a day's events.

    Over the last ``window_s`` seconds at most ``share`` of the events, and in any case ``minimum`` of them, may be
    parked by one engine.
    """

    def __init__(self, *, share: float = 0.1, minimum: int = 20, window_s: float = 300.0) -> None:
        self._share = share
        self._minimum = minimum
        self._window_s = window_s
        self._history: deque[tuple[float, int, int]] = deque()
        self._applied = 0
        self._parked = 0

    def applied(self, count: int) -> None:
        """Count events that were applied."""
        self._add(count, 0)

    def parked(self) -> None:
        """Count an event that was parked."""
        self._add(0, 1)

    @property
    def reached(self) -> bool:
        """Whether no further event may be parked for now."""
        self._forget(time.monotonic())
        return self._parked >= self._minimum and self._parked > self._share * (self._applied + self._parked)

    def _add(self, applied: int, parked: int) -> None:
        now = time.monotonic()
        self._forget(now)
        if self._history and now - self._history[-1][0] < 1.0 and not parked:
            at, former_applied, former_parked = self._history.pop()
            self._history.append((at, former_applied + applied, former_parked))
        else:
            self._history.append((now, applied, parked))
        self._applied += applied
        self._parked += parked

    def _forget(self, now: float) -> None:
        while self._history and now - self._history[0][0] > self._window_s:
            _, applied, parked = self._history.popleft()
            self._applied -= applied
            self._parked -= parked


async def list_dead_letters(
    database: Database,
    *,
    state: str | None = None,
    consumer: str | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[Record]:
    """The newest dead letters of all tenants."""
    async with database.tenant(NIL) as tx:
        return await tx.fetch_all(
            sql.select_dead_letters, state=state, consumer=consumer, after=after, limit=limit
        )


async def resolve(
    tx: TenantTransaction, dead_letter_id: UUID, action: Literal["replay", "discard"], by: str
) -> dict[str, Any]:
    """Ask for a parked event to be applied again, or close it for good.

    The engine itself applies a replay and closes the letter in one transaction, so whoever asks needs no engine.
    Raises ``NotFoundError``, or ``ConflictError`` when the letter is not parked.
    """
    state = "replay_requested" if action == "replay" else "discarded"
    changed = await tx.execute(sql.resolve_dead_letter, id=dead_letter_id, state=state, resolved_by=by)
    row = await tx.fetch_one(sql.select_dead_letter, id=dead_letter_id)
    if row is None:
        raise NotFoundError()
    if not changed:
        raise ConflictError(
            "state_conflict",
            f"The dead letter is {row['state']}.",
            f"A carta morta está em {row['state']}.",
            current_state=row["state"],
        )
    return dict(row)
