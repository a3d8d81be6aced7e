"""What a tenant may hold of a pool: half of it, a little while others work, and nothing that makes anybody starve."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import anyio
import pytest

from runtime.data import shares as subject
from runtime.data.shares import BESIDE_OTHERS, Shares

LOUD, QUIET = UUID(int=1), UUID(int=2)
MOST = 5


class Store:
    """Work of one tenant, each piece held until it is ended; ``begun`` says which had their turn."""

    def __init__(self, shares: Shares, tenant: UUID) -> None:
        self._shares, self._tenant = shares, tenant
        self.begun: list[int] = []
        self.tasks: list[asyncio.Task[None]] = []
        self._gates: list[asyncio.Event] = []

    def ask(self, count: int = 1) -> None:
        for _ in range(count):
            self._gates.append(asyncio.Event())
            self.tasks.append(asyncio.create_task(self._work(len(self.tasks))))

    async def _work(self, number: int) -> None:
        await self._shares.take(self._tenant, 30)
        try:
            self.begun.append(number)
            await self._gates[number].wait()
        finally:
            self._shares.give(self._tenant)

    def end(self, *numbers: int) -> None:
        for number in numbers:
            self._gates[number].set()

    async def leave(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


Open = Callable[[UUID], Store]


@asynccontextmanager
async def stores(shares: Shares) -> AsyncIterator[Open]:
    opened: list[Store] = []

    def open_store(tenant: UUID) -> Store:
        opened.append(Store(shares, tenant))
        return opened[-1]

    try:
        yield open_store
    finally:
        for store in opened:
            await store.leave()
    assert not shares._lines, "whoever has left costs nothing"


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(5):
        await asyncio.sleep(0)


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(10):
        while not condition():
            await anyio.sleep(0.002)


@pytest.fixture(autouse=True)
def nobody_is_impatient(monkeypatch) -> None:
    monkeypatch.setattr(subject, "PATIENCE_S", 1_000.0)
    monkeypatch.setattr(subject, "PRESENT_S", 1_000.0)


async def test_a_store_by_itself_holds_up_to_its_half() -> None:
    async with stores(Shares(MOST)) as open_store:
        loud = open_store(LOUD)
        loud.ask(50)
        await settle()
        assert loud.begun == [0, 1, 2, 3, 4]


async def test_a_store_with_fifty_waiting_keeps_another_waiting_for_no_more_than_two_of_them() -> None:
    async with stores(Shares(MOST)) as open_store:
        loud, quiet = open_store(LOUD), open_store(QUIET)
        quiet.ask()
        await settle()
        quiet.end(0)
        loud.ask(50)
        await settle()
        assert loud.begun == [0, 1]
        quiet.ask()
        await settle()
        assert quiet.begun == [0, 1], "it did not wait for any of the fifty"
        loud.end(0)
        await settle()
        assert loud.begun == [0, 1, 2]


async def test_what_a_store_began_by_itself_ends_before_it_begins_more_beside_another() -> None:
    async with stores(Shares(MOST)) as open_store:
        loud, quiet = open_store(LOUD), open_store(QUIET)
        loud.ask(10)
        await settle()
        quiet.ask()
        await settle()
        assert quiet.begun == [0]
        loud.end(0, 1, 2)
        await settle()
        assert loud.begun == [0, 1, 2, 3, 4]
        loud.end(3)
        await settle()
        assert loud.begun == [0, 1, 2, 3, 4, 5]


async def test_turns_are_taken_in_the_order_in_which_they_were_asked_for_and_nobody_starves() -> None:
    async with stores(Shares(MOST)) as open_store:
        loud, quiet = open_store(LOUD), open_store(QUIET)
        quiet.ask(30)
        loud.ask(30)
        for number in range(30):
            await settle()
            loud.end(number)
            quiet.end(number)
        await settle()
        assert loud.begun == quiet.begun == list(range(30))


async def test_a_store_whose_neighbour_has_gone_quiet_holds_its_half_again(monkeypatch) -> None:
    async with stores(Shares(MOST)) as open_store:
        loud, quiet = open_store(LOUD), open_store(QUIET)
        quiet.ask()
        loud.ask(10)
        await settle()
        assert len(loud.begun) == BESIDE_OTHERS
        monkeypatch.setattr(subject, "PRESENT_S", -1.0)
        loud.end(0)
        await settle()
        assert loud.begun == [0, 1, 2, 3, 4, 5]


async def test_a_line_that_does_not_move_gets_another_turn_up_to_its_half(monkeypatch) -> None:
    """Two reports that take seconds are no crowd: the store's other people go on working beside them."""
    monkeypatch.setattr(subject, "PATIENCE_S", 0.005)
    async with stores(Shares(MOST)) as open_store:
        loud, quiet = open_store(LOUD), open_store(QUIET)
        quiet.ask()
        loud.ask(10)
        await until(lambda: len(loud.begun) == MOST)
        await anyio.sleep(0.02)
        assert loud.begun == [0, 1, 2, 3, 4]


async def _before_its_turn(loud: Store) -> None:
    loud.tasks[2].cancel()
    await settle()
    loud.end(0)


async def _in_the_moment_of_its_turn(loud: Store) -> None:
    loud.end(0)
    while len(loud._shares._lines[LOUD].waiting) == 2:
        await asyncio.sleep(0)
    loud.tasks[2].cancel()


async def _in_the_moment_before(loud: Store) -> None:
    loud.end(0)
    loud.tasks[2].cancel()


@pytest.mark.parametrize("leave", [_before_its_turn, _in_the_moment_of_its_turn, _in_the_moment_before])
async def test_a_client_that_goes_away_leaves_the_line(leave: Callable[[Store], Awaitable[None]]) -> None:
    async with stores(Shares(MOST)) as open_store:
        loud, quiet = open_store(LOUD), open_store(QUIET)
        quiet.ask()
        loud.ask(4)
        await settle()
        assert loud.begun == [0, 1]
        await leave(loud)
        await settle()
        assert loud.begun == [0, 1, 3]


async def test_whoever_waits_too_long_is_told_and_holds_nothing() -> None:
    shares = Shares(1)
    await shares.take(LOUD, 1)
    with pytest.raises(TimeoutError):
        await shares.take(LOUD, 0.001)
    shares.give(LOUD)
    await shares.take(LOUD, 0.001)
    shares.give(LOUD)
