"""The comparison with the committed shares tells what moved, in the direction that is worse."""

from __future__ import annotations

from benchmarks.baseline import compare
from benchmarks.results import Result

RATE = Result("quote", "create quote", 40.0, "quotes/s", "", None, 100.0, "bare")
COST = Result("cost", "create quote", 300.0, "µs", "", None, 100.0, "bare quote", lower_is_better=True)


def test_a_share_within_a_fifth_of_the_committed_one_is_the_same() -> None:
    lines, is_worse = compare([RATE, COST], {"quote: create quote": 0.45, "cost: create quote": 2.6})
    assert [line.split()[0] for line in lines] == ["same", "same"]
    assert not is_worse


def test_a_smaller_share_of_the_limit_is_worse() -> None:
    lines, is_worse = compare([RATE], {"quote: create quote": 0.6})
    assert lines == ["worse    quote: create quote: 0.40 of bare, committed 0.60 (-33%)"]
    assert is_worse


def test_a_larger_cost_is_worse_and_a_smaller_one_better() -> None:
    assert compare([COST], {"cost: create quote": 2.0})[1]
    lines, is_worse = compare([COST], {"cost: create quote": 4.0})
    assert lines[0].startswith("better")
    assert not is_worse


def test_rows_without_a_limit_are_left_out_and_new_ones_named() -> None:
    without = Result("list", "list", 900.0, "req/s", "", None)
    assert compare([without, RATE], {}) == (["new      quote: create quote: 0.40 of bare"], False)


def test_a_committed_share_that_its_row_measures_no_more_is_named() -> None:
    lines, is_worse = compare([RATE], {"quote: create quote": 0.4, "quote: gone": 0.3, "list: not run": 0.2})
    assert lines[1:] == ["gone     quote: gone, committed 0.30: measured no more"]
    assert not is_worse
