"""How far behind a standby is said to be, by what it and the primary answer when they are asked for their positions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from runtime.data import replica as subject
from runtime.data.replica import Replica

MAX_LAG_S = 5.0


class Server:
    """Answers with the position that the test gives it."""

    def __init__(self, *, in_recovery: bool) -> None:
        self.answer: dict[str, Any] = {"in_recovery": in_recovery, "position": 0, "system": 1}
        self.refuses: Exception | None = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Server]:
        if self.refuses is not None:
            raise self.refuses
        yield self

    async def fetch_one(self, _query: object) -> dict[str, Any]:
        return self.answer

    async def fetch_all(self, _query: object) -> list[Any]:
        return []

    async def close(self) -> None:
        pass


class Both:
    """A primary, its standby, and the clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.primary, self.standby = Server(in_recovery=False), Server(in_recovery=True)
        self.now = 1_000.0
        monkeypatch.setattr(subject.time, "monotonic", lambda: self.now)

        async def connect() -> Any:
            return self.standby

        primary: Any = self.primary
        self.replica = Replica(primary, connect, max_lag_s=MAX_LAG_S)

    async def look(self, *, after_s: float, ends: int, replayed: int) -> bool:
        """Whether the standby is used after a look at a later moment."""
        self.now += after_s
        self.primary.answer["position"], self.standby.answer["position"] = ends, replayed
        await self.replica.step()
        return self.replica.database is not None


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch) -> Both:
    return Both(monkeypatch)


async def test_nothing_is_believed_of_a_standby_before_it_has_replayed_what_there_was_at_the_first_look(
    both: Both,
) -> None:
    both.now += 60  # between the start and the first look
    assert not await both.look(after_s=0, ends=100, replayed=99)
    assert not await both.look(after_s=1, ends=120, replayed=99)
    assert await both.look(after_s=1, ends=140, replayed=100)
    assert both.replica.lag_s == 2


async def test_an_idle_primary_makes_no_lag_however_long_it_idles(both: Both) -> None:
    assert await both.look(after_s=0, ends=100, replayed=100)
    assert await both.look(after_s=3_600, ends=100, replayed=100)
    assert both.replica.lag_s == 0


async def test_the_lag_is_the_age_of_the_last_position_that_was_reached(both: Both) -> None:
    assert await both.look(after_s=0, ends=100, replayed=100)
    assert await both.look(after_s=2, ends=200, replayed=150)
    assert both.replica.lag_s == 2
    assert await both.look(after_s=2, ends=300, replayed=200)
    assert both.replica.lag_s == 2
    assert not await both.look(after_s=4, ends=400, replayed=299)
    assert await both.look(after_s=1, ends=400, replayed=400)
    assert both.replica.lag_s == 0


async def test_a_standby_that_nobody_looks_at_any_more_is_too_old_after_a_while(both: Both) -> None:
    assert await both.look(after_s=0, ends=100, replayed=100)
    both.now += MAX_LAG_S
    assert both.replica.database is not None
    both.now += 0.1
    assert both.replica.database is None


async def test_who_followed_a_primary_that_is_gone_further_than_its_successor_is_never_believed_again(
    both: Both,
) -> None:
    assert await both.look(after_s=0, ends=100, replayed=100)
    assert not await both.look(after_s=1, ends=90, replayed=100)
    # The successor writes past the position at which the standby is stuck, with other contents.
    assert not await both.look(after_s=MAX_LAG_S, ends=99, replayed=100)
    assert not await both.look(after_s=1, ends=101, replayed=100)
    assert not await both.look(after_s=1, ends=200, replayed=100)


@pytest.mark.parametrize(
    ("server", "wrong", "complaint"),
    [
        ("standby", {"in_recovery": False}, "it is not a standby"),
        ("standby", {"system": 2}, "it is a standby of another server"),
        ("primary", {"in_recovery": True}, "DATABASE_URL names a standby itself"),
    ],
)
async def test_servers_that_do_not_belong_together_are_found_out(
    both: Both, server: str, wrong: dict[str, Any], complaint: str
) -> None:
    assert await both.look(after_s=0, ends=100, replayed=100)
    getattr(both, server).answer.update(wrong)
    assert not await both.look(after_s=0, ends=100, replayed=100)
    assert both.replica.complaint == complaint


async def test_one_that_failed_somebody_is_left_alone_until_the_next_look(both: Both) -> None:
    assert await both.look(after_s=0, ends=100, replayed=100)
    both.replica.doubt()
    assert both.replica.database is None
    assert await both.look(after_s=0, ends=100, replayed=100)
