"""The mathematics of prices against values worked out by hand."""

from __future__ import annotations

import pytest

from actors.pricing.model import (
    change,
    holding_months,
    landed_cost,
    mean_and_deviation,
    present_cost,
    stability,
    trend,
)


def test_mean_and_sample_deviation_of_prices() -> None:
    assert mean_and_deviation([2, 4, 4, 4, 5, 5, 7, 9]) == (5.0, pytest.approx(2.13809, abs=1e-5))
    assert mean_and_deviation([7.5]) == (7.5, 0.0)


@pytest.mark.parametrize(
    ("deviation", "prices", "expected"),
    [
        (0.0, 1, None),
        (0.0, 2, "stable"),
        (5.0, 2, "stable"),
        (5.1, 9, "variable"),
        (15.0, 9, "variable"),
        (15.1, 9, "volatile"),
    ],
)
def test_stability_is_the_class_of_the_variation_coefficient(deviation, prices, expected) -> None:
    assert stability(100.0, deviation, prices) == expected


def test_nothing_is_known_of_prices_that_are_for_free() -> None:
    assert stability(0.0, 0.0, 5) is None
    assert change(10.0, 0.0) is None
    assert change(12.0, 10.0) == pytest.approx(0.2)


def test_a_price_to_be_paid_later_is_worth_less_today() -> None:
    assert present_cost(100, 0, 0.02) == 100
    assert present_cost(100, 30, 0.02) == pytest.approx(98.0392, abs=1e-4)
    assert present_cost(100, 60, 0.02) == pytest.approx(96.1169, abs=1e-4)
    assert present_cost(100, 60, 0.0) == 100


def test_a_minimum_above_what_is_usual_binds_money() -> None:
    months = holding_months(minimum=100, usual=20, daily_use=2)
    assert months == pytest.approx(2 / 3), "40 units more on average, 20 days' use"
    assert landed_cost(10, 0, 0.015, months) == pytest.approx(10.1)
    assert holding_months(minimum=20, usual=20, daily_use=2) == 0
    assert holding_months(minimum=100, usual=0, daily_use=0) == 0, "nothing bought yet, nothing known"


def test_the_slope_is_per_month_and_ignores_one_odd_price() -> None:
    steady = [(day, 10.0 + day * 0.1) for day in range(0, 50, 5)]
    found = trend([steady])
    assert found is not None
    assert (found.slope, found.points) == (pytest.approx(3.0), 10)
    odd = [*steady[:4], (20, 500.0), *steady[5:]]
    assert trend([odd]).slope == pytest.approx(3.0, abs=0.01)


def test_confidence_is_that_of_the_mann_kendall_test() -> None:
    # S = 6, variance 4*3*13/18, z = 5/2.9439; S = 45, variance 125, z = 44/11.1803 (two-sided p 0.0894 and 0.000083).
    assert trend([[(d, float(d)) for d in range(4)]]).confidence == pytest.approx(1 - 0.08943, abs=1e-4)
    assert trend([[(d, -float(d)) for d in range(10)]]).confidence == pytest.approx(1 - 0.0000831, abs=1e-6)
    # With ties: S = 4, variance (156 - 2*18)/18 = 6.6667, z = 3/2.58199, p = 0.2453.
    ties = [(0, 1.0), (1, 1.0), (2, 2.0), (3, 2.0)]
    assert trend([ties]).confidence == pytest.approx(1 - 0.2453, abs=1e-4)


def test_equal_prices_have_no_trend_and_few_prices_none_that_is_known() -> None:
    flat = trend([[(day, 10.0) for day in range(5)]])
    assert (flat.slope, flat.confidence) == (0.0, 0.0)
    assert trend([]) is None
    assert trend([[(0, 1.0), (1, 2.0)]]) is None


def test_suppliers_are_compared_with_themselves_only() -> None:
    cheap = [(day, 10.0 + day) for day in (0, 10, 20)]
    dear = [(day, 50.0 + day) for day in (1, 11, 21)]
    found = trend([cheap, dear, [(0, 1.0)]])
    assert (found.slope, found.points) == (pytest.approx(30.0), 6)
    # Pooled: S = 3 + 3, variance 2 * 3*2*11/18 = 7.3333, z = 5/2.70801, p = 0.0648.
    assert found.confidence == pytest.approx(1 - 0.0648, abs=1e-4)
    assert trend([cheap]).confidence < found.confidence, "two suppliers say more than one"
