"""A streaming standby that may answer what need not be the latest, and how far behind the primary it is at most.

How far is told by positions in the write-ahead log, not by clocks: the primary is asked where its log ends, and a
standby that has replayed up to there holds everything that was acknowledged before the primary was asked. So an idle
primary makes no lag, a standby that lost its connection does, and no two machines need the same time.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable

import anyio
from anyio.abc import TaskStatus

from runtime.data.catalogue_check import check_catalogue
from runtime.data.database import Database
from runtime.data.queries import sql
from runtime.errors import RetryLaterError, StartupError
from runtime.host.logs import get_logger
from runtime.host.pauses import pause
from runtime.settings import Settings

log = get_logger(__name__)

LOOK_S = 0.5
_LOOK_TIMEOUT_S = 2.0
_REMEMBERED = 1_000


class Replica:
    """The standby's pool, and the moment of which it holds everything.

    ``connect`` opens the pool; it is tried again until the standby is there. Nothing of a standby stops or delays the
    program: while it is away, too far behind, or not a standby of this primary, ``database`` is None.
    """

    def __init__(
        self, primary: Database, connect: Callable[[], Awaitable[Database]], *, max_lag_s: float
    ) -> None:
        self._primary = primary
        self._connect = connect
        self.max_lag_s = max_lag_s
        self._standby: Database | None = None
        self._positions: deque[tuple[float, int]] = deque(maxlen=_REMEMBERED)
        """When the primary was asked (monotonic seconds), and where its log ended then; both ascend."""
        self._holds_all_of = time.monotonic()
        self._is_sound = False
        self.complaint = ""
        """Why the standby is not used, however little it may lack; empty while it is sound."""

    @classmethod
    def of(cls, settings: Settings, primary: Database) -> Replica | None:
        """The one that ``DATABASE_READ_URL`` names, under the role of the API; connects at the first look."""
        url = settings.database_read_url
        if not url:
            return None

        async def connect() -> Database:
            return await Database.open(
                url, "api", size=settings.database_pool_api, pooler=settings.database_pooler
            )

        return cls(primary, connect, max_lag_s=settings.database_read_max_lag_seconds)

    @property
    def database(self) -> Database | None:
        """The standby, if it holds everything that was acknowledged ``max_lag_s`` ago; else None."""
        return self._standby if self._is_sound and self.lag_s <= self.max_lag_s else None

    @property
    def lag_s(self) -> float:
        """How many seconds of writes it may lack at most; grows while nothing is known of it."""
        return time.monotonic() - self._holds_all_of

    @property
    def connections(self) -> tuple[int, int]:
        """Connections in use, and the pool's limit."""
        return (0, 0) if self._standby is None else self._standby.connections

    def doubt(self) -> None:
        """Leave the standby alone until it has been looked at again: it has just failed somebody."""
        self._is_sound = False

    async def run(self, stop: anyio.Event, *, task_status: TaskStatus[None]) -> None:
        """Look at both servers twice a second until ``stop``; ready after the first look, whatever it saw."""
        while not stop.is_set():
            await self.step()
            task_status.started()
            await pause(stop, LOOK_S)

    async def step(self) -> None:
        """Look once."""
        try:
            with anyio.fail_after(_LOOK_TIMEOUT_S):
                complaint = await self._look()
        except (RetryLaterError, TimeoutError) as error:
            complaint = f"away: {error}"
        except StartupError as error:
            complaint = "; ".join(error.problems)
        self._is_sound = not complaint
        if complaint != self.complaint:
            self.complaint = complaint
            if complaint:
                log.error("replica not used", reason=complaint)
            else:
                log.info("replica used again")

    async def close(self) -> None:
        """Close the pool."""
        if self._standby is not None:
            await self._standby.close()

    async def _look(self) -> str:
        """What keeps the standby from being used; nothing when it is sound, however far behind."""
        standby = self._standby
        if standby is None:
            standby = await self._connect()
            try:
                await check_catalogue(standby)
            except BaseException:
                await standby.close()
                raise
            self._standby = standby
        # The standby first: it has only what the primary has flushed, so it cannot be ahead of what is asked next.
        async with standby.transaction() as tx:
            there = await tx.fetch_one(sql.show_log_position)
        asked_at = time.monotonic()
        async with self._primary.transaction() as tx:
            here = await tx.fetch_one(sql.show_log_position)
        if there is None or here is None or not there["in_recovery"] or there["position"] is None:
            return "it is not a standby"
        if there["system"] != here["system"]:
            return "it is a standby of another server"
        if here["in_recovery"]:
            return "DATABASE_URL names a standby itself"
        if there["position"] > here["position"]:
            # It followed a primary that is gone, further than the one which took over.
            self._positions.clear()
            return "it has a part of the log that the primary has not"
        self._positions.append((asked_at, here["position"]))
        while self._positions and self._positions[0][1] <= there["position"]:
            self._holds_all_of, _ = self._positions.popleft()
        return ""
