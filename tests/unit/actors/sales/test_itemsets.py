"""Itemsets as such: those of another library, and never more than can be kept in time and memory."""

from __future__ import annotations

import os
import time
from itertools import combinations
from pathlib import Path

import pytest

from actors.sales.itemsets import mine, mine_in_background
from actors.sales.miner import BASKETS_MINED, mining_point
from tests.support.baskets import fp_growth, generated, packed, product_id

BASKETS = Path(__file__).parents[5] / "shared" / "data" / "groceries-sample.basket"


def named(numbers: tuple[int, ...]) -> tuple[bytes, ...]:
    return tuple(product_id(number).bytes for number in numbers)


def ours(baskets: list[list[int]], least_orders: int) -> dict[tuple[bytes, ...], int]:
    return {one.product_ids: one.orders for one in mine([packed(b) for b in baskets], 0.0001, least_orders)}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_bundles_are_those_of_another_library(seed: int) -> None:
    baskets = generated(800, seed=seed)
    theirs = fp_growth(baskets, 12)
    assert len(theirs) > 30
    assert ours(baskets, 12) == {named(numbers): count for numbers, count in theirs.items()}


@pytest.mark.skipif(
    not BASKETS.exists(), reason="the public basket data set does not lie beside the repository"
)
def test_the_bundles_of_real_baskets_are_those_of_another_library() -> None:
    lines = [line.split(",") for line in BASKETS.read_text(encoding="utf-8").splitlines()]
    numbers = {name: number for number, name in enumerate(sorted({name for line in lines for name in line}))}
    baskets = [sorted({numbers[name] for name in line}) for line in lines]
    theirs = fp_growth(baskets, 30)
    assert len(theirs) > 100
    assert ours(baskets, 30) == {named(found): count for found, count in theirs.items()}


def test_support_lift_and_closedness_are_what_the_counts_say() -> None:
    baskets = [[0, 1, 2, 3]] * 6 + [[0, 1, 2]] * 2 + [[0, 4, 5]] * 2 + [[6, 7, 8]] * 10
    found = {one.product_ids: one for one in mine([packed(basket) for basket in baskets], 0.01, 3)}
    triple, whole, part = found[named((0, 1, 2))], found[named((0, 1, 2, 3))], found[named((0, 1, 3))]
    assert (triple.orders, triple.support) == (8, 8 / 20)
    assert triple.lift == pytest.approx(8 / 20 / (10 / 20 * 8 / 20 * 8 / 20))
    assert (whole.orders, part.orders) == (6, 6)
    assert (triple.closed, whole.closed, part.closed) == (True, True, False)
    assert named((0, 4, 5)) not in found, "below the least count"
    assert next(iter(found)) == named((6, 7, 8)), "the highest leverage comes first"


def test_baskets_that_are_all_alike_are_mined_within_bounds() -> None:
    baskets = [packed(list(range(40)))] * 200 + [packed([1, 2, 3])] * 100
    started = time.perf_counter()
    found = mine(baskets, 0.01, 3)
    assert [one.product_ids for one in found] == [named((1, 2, 3))]
    assert time.perf_counter() - started < 10


def test_too_many_sets_leave_the_most_frequent() -> None:
    often, seldom = [packed([0, 1, 2])] * 90, [packed(list(range(60)))] * 20
    assert [one.orders for one in mine(often + seldom, 0.01, 3)] == [110]


def test_no_baskets_have_no_bundles() -> None:
    assert mine([], 0.01, 3) == []


def test_the_point_up_to_which_is_mined_depends_on_the_number_of_baskets_alone() -> None:
    points = [mining_point(n) for n in (0, 9, 10, 19, 99, 100, 149, 150, 999, 1_000, 1_249, 1_250, 9_999)]
    assert points == [0, 0, 10, 10, 90, 100, 100, 150, 950, 1_000, 1_000, 1_250, 9_750]
    assert all(second >= first for first, second in combinations(points, 2))
    assert BASKETS_MINED == 4_000


def test_bundles_are_mined_where_a_sandbox_forbids_to_step_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "setpriority", forbidden)
    monkeypatch.setattr(os, "nice", forbidden)
    assert mine_in_background([packed([1, 2, 3])] * 4, 0.0001, 2)
