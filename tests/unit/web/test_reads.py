"""A Redis that hangs costs one read its wait, not all of them."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from redis.exceptions import RedisError

from runtime.web import reads as reads_module
from runtime.web.call import Identity
from runtime.web.reads import Reads

WHO = Identity(UUID(int=1), UUID(int=2), "owner", UUID(int=3), frozenset())


class Away:
    """A Redis that answers nothing, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def get(self, _key: str) -> bytes | None:
        self.asked += 1
        raise RedisError


class Standby:
    """A replica that is fit."""

    database = "standby"
    max_lag_s = 1.0


async def test_a_redis_that_cannot_tell_is_left_alone_for_a_second_while_the_primary_answers(
    monkeypatch,
) -> None:
    redis, now = Away(), 100.0
    monkeypatch.setattr(reads_module.time, "monotonic", lambda: now)
    reads = Reads(cast("Any", "primary"), redis, cast("Any", Standby()))

    async def work(database: Any) -> str:
        return str(database)

    assert [await reads.run(WHO, work) for _ in range(5)] == ["primary"] * 5
    assert redis.asked == 1
    now += 1.0
    assert await reads.run(WHO, work) == "primary"
    assert redis.asked == 2
