"""Seasons, the methods side by side, and which of them is believed."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import fmean
from zoneinfo import ZoneInfo

import pytest

from actors.stock import demand
from actors.stock.forecast import FADING, METHODS, Forecaster, Method
from actors.stock.parameters import policy
from actors.stock.product import Product
from actors.stock.season import Season, shrunk_factors, yearly_factor

MONDAY = date(2024, 1, 1)
RULES = policy('{"lead_time_days":3}', None)


def live(
    days: int, asked: Callable[[int], float], rules=RULES, stocked: Callable[[int], bool] = bool
) -> Product:
    """A product after so many days of this demand; stock is always there unless ``stocked`` says no."""
    product = Product("p", window_days=rules.window_days)
    product.move(MONDAY, 1000.0, 1000.0)
    for number in range(days):
        today = MONDAY + timedelta(days=number)
        quantity = asked(number)
        if quantity:
            product.sell(today, today, quantity, quantity)
        following = today + timedelta(days=1)
        leaving = product.sold.pop(following - timedelta(days=rules.window_days), None)
        product.close_day(following, leaving, rules)
        product.assess(rules, following, datetime(2024, 1, 1, tzinfo=ZoneInfo("UTC")))
    return product


def test_tsb_smooths_the_chance_every_day_and_the_size_with_each_demand() -> None:
    state = demand.Tsb(alpha=0.2, beta=0.5)
    expected = [(1.0, 4.0), (0.5, 4.0), (0.25, 4.0), (0.625, 5.2)]
    for quantity, (chance, size) in zip((4, 0, 0, 10), expected, strict=True):
        state.add(quantity)
        assert (state.chance, state.size) == pytest.approx((chance, size))
    assert state.forecast == pytest.approx(0.625 * 5.2)


def test_tsb_forgets_what_nobody_asks_for_any_more_and_croston_does_not() -> None:
    series = [0, 0, 5] * 20 + [0] * 120
    tsb, croston = demand.Tsb(), demand.Croston()
    for quantity in series:
        tsb.add(quantity)
        croston.add(quantity)
    assert tsb.forecast < 0.1
    assert croston.corrected_forecast > 1.4


@pytest.mark.parametrize(
    ("series", "pattern"),
    [
        ([5, 6, 5, 4], "smooth"),
        ([1, 1, 30, 1], "erratic"),
        ([5, 0, 5, 0, 5, 0, 0, 5], "intermittent"),
        ([1, 0, 1, 0, 30, 0, 0, 1], "lumpy"),
        ([5, 0, 0, 5], None),
    ],
)
def test_patterns_are_those_of_syntetos_boylan_and_croston(series: list[int], pattern: str | None) -> None:
    asked = [quantity for quantity in series if quantity]
    squares = sum(quantity * quantity for quantity in asked)
    assert demand.demand_pattern(len(series), len(asked), sum(asked), squares) == pattern


def test_factors_are_drawn_to_one_by_as_much_as_chance_explains() -> None:
    means = [8.0, 12.0, 8.0, 12.0]
    raw = pytest.approx([0.8, 1.2, 0.8, 1.2])
    assert shrunk_factors(means, 0.0) == raw
    spread = 4 * 0.2**2 / 3
    half = shrunk_factors(means, 100.0 * spread / 2)
    assert half == pytest.approx([0.9, 1.1, 0.9, 1.1])
    assert shrunk_factors(means, 1000.0) == (1, 1, 1, 1)
    assert shrunk_factors([0.0, 0.0], 1.0) == (1, 1)


def test_a_store_closed_on_sundays_has_a_week_and_chance_alone_makes_none() -> None:
    rnd, closed, even = random.Random(4), Season(), Season()
    for number in range(200):
        day = MONDAY + timedelta(days=number)
        closed.learn(day, 0.0 if day.weekday() == 6 else rnd.uniform(8, 12))
        even.learn(day, float(rnd.randint(0, 20)))
    assert closed.weekly() == pytest.approx([7 / 6] * 6 + [0], abs=0.09)
    assert even.weekly() == pytest.approx([1] * 7, abs=0.12)
    assert Season().weekly() == (1.0,) * 7


def test_the_year_is_known_after_a_year() -> None:
    season = Season()

    def rate(number: int) -> float:
        return 10 + 5 * math.cos(2 * math.pi * number / 365)

    for number in range(366):
        assert season.yearly() is None
        day = MONDAY + timedelta(days=number)
        season.learn(day, rate(number))
        if (day + timedelta(days=1)).month != day.month:
            season.end_month(day.month)
    factors = season.yearly()
    assert factors is not None
    for number in range(0, 365, 20):
        assert yearly_factor(factors, MONDAY + timedelta(days=number)) == pytest.approx(
            rate(number) / 10, abs=0.05
        )


def noisy(mean: Callable[[int], float], seed: int = 1) -> Callable[[int], float]:
    rnd = random.Random(seed)
    return lambda number: max(0.0, float(round(rnd.gauss(mean(number), 1.0))))


@pytest.mark.parametrize(
    ("days", "mean", "method"),
    [
        (200, lambda _: 10.0, "mean"),
        (190, lambda number: 10.0 if number < 100 else 20.0, "recent"),
        (600, lambda number: 12 + 8 * math.sin(number / 58), "seasonal"),
    ],
)
def test_the_method_that_errs_least_is_believed(
    days: int, mean: Callable[[int], float], method: Method
) -> None:
    assert live(days, noisy(mean)).method == method


def test_demand_that_ends_is_believed_to_end() -> None:
    product = live(300, lambda number: 6.0 if number % 4 == 0 and number < 200 else 0.0)
    assert product.method in ("tsb", "recent")
    assert product.mean < 0.1


def test_errors_are_those_of_the_forecasts_made_a_week_before() -> None:
    weeks = [70.0, 77.0, 63.0, 84.0, 70.0, 56.0, 77.0, 70.0, 91.0, 70.0]
    product = live(70, lambda number: weeks[number // 7] / 7)
    assert product.forecaster is not None
    expected = [fmean(weeks[:place]) for place in range(1, 10)]
    errors = [week - forecast for week, forecast in zip(weeks[1:], expected, strict=True)]
    weights = [FADING**age for age in range(8, -1, -1)]

    def faded(values: list[float]) -> float:
        return sum(weight * value for weight, value in zip(weights, values, strict=True))

    wape, mase, week_error = product.forecaster.error("mean") or (0, None, 0)
    assert wape == pytest.approx(faded([abs(error) for error in errors]) / faded(weeks[1:]))
    naive = [abs(after - before) for before, after in pairwise(weeks)]
    assert mase == pytest.approx(faded([abs(error) for error in errors]) / faded(naive))
    assert week_error == pytest.approx(
        math.sqrt(faded([error * error for error in errors]) / faded([1.0] * 9))
    )
    assert live(60, lambda number: weeks[number // 7] / 7).forecaster.error("mean") is None, (
        "seven are too few"
    )


def test_days_without_stock_are_no_error_of_a_forecast() -> None:
    product = Product("p")
    product.move(MONDAY, 10.0, 10.0)
    for number in range(90):
        today = MONDAY + timedelta(days=number)
        if number % 10 < 5:
            product.move(today, 10.0, 10.0)
            product.sell(today, today, 10.0, 1.0)
        else:
            product.move(today, 0.0, 0.0)
        product.close_day(today + timedelta(days=1), None, RULES)
    # The day on which the stock ran out counts: nobody knows when on it.
    assert product.window_stock_out_days == 36
    assert product.forecaster is not None
    wape, _, _ = product.forecaster.error("mean") or (1, None, 0)
    assert wape < 0.35


def test_a_state_comes_back_as_it_was() -> None:
    product = live(500, noisy(lambda number: 5.0 + number / 100))
    assert product.forecaster is not None
    numbers = product.forecaster.to_numbers()
    assert Forecaster.from_numbers(numbers) == product.forecaster
    assert len(numbers) == 36 + 4 * (1 + len(METHODS))
    assert Forecaster.from_numbers(Forecaster().to_numbers()) == Forecaster()


def test_what_the_weekday_explains_needs_no_safety_stock() -> None:
    closed = live(181, lambda number: 0.0 if number % 7 == 6 else 14.0)
    assert closed.deviation > 4
    # Day 182 is a Monday: three days of 14 each. Without the week it would be 36 and 14 more for safety.
    closed = live(182, lambda number: 0.0 if number % 7 == 6 else 14.0, policy(
        '{"lead_time_days":3,"lead_time_deviation_days":0}', None
    ))  # fmt: skip
    assert closed.reorder_point == pytest.approx(42, abs=5)
