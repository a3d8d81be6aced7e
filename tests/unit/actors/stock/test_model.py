"""The stock formulas against textbook numbers and against each other."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.stock import demand, inventory, model

# The demand series of Syntetos and Boylan's example, one value per period.
SERIES = [0, 2, 0, 1, 0, 11, 0, 0, 0, 0, 2, 0, 6, 3, 0, 0, 0, 0]
SERIES += [0, 7, 0, 0, 0, 0, 0, 0, 0, 3, 1, 0, 0, 1, 0, 1, 0, 0]


def test_the_reorder_point_is_that_of_the_textbook() -> None:
    assert model.reorder_point(30, 5, 10, 1.65) == pytest.approx(326.1, abs=0.05)


def test_the_reorder_point_with_an_uncertain_lead_time_is_that_of_the_textbook() -> None:
    assert model.reorder_point(100, 20, 7, 1.65, 2) == pytest.approx(1041.35, abs=0.005)


def test_the_economic_order_quantity_is_that_of_the_textbook() -> None:
    assert inventory.economic_order_quantity(8, 0.225, 1300) == pytest.approx(304.0468, abs=5e-5)


def test_the_newsvendor_quantity_is_that_of_the_textbook() -> None:
    assert inventory.newsvendor(0.18, 0.70, 50, 8) == pytest.approx(56.6040, abs=5e-5)


def test_the_optimal_s_s_policy_is_that_of_the_textbook() -> None:
    s, up_to, cost = inventory.optimal_s_s(fixed=5, holding=1, shortage=4, demand=6)
    assert (s, up_to) == (4, 10)
    assert cost == pytest.approx(8.0341, abs=5e-5)


@pytest.mark.parametrize(("fixed", "mean"), [(0.5, 3), (5, 6), (20, 2.5), (64, 10)])
def test_no_other_s_s_policy_nearby_is_cheaper(fixed: float, mean: float) -> None:
    cost = inventory.PoissonPolicyCost(fixed, 1, 4, mean)
    _, _, least = inventory.optimal_s_s(fixed, 1, 4, mean)
    others = (cost.of_policy(s, up_to) for s in range(-10, 25) for up_to in range(s + 1, 60))
    assert min(others) == pytest.approx(least, abs=1e-9)


def croston(series: list[int]) -> demand.Croston:
    state = demand.Croston(alpha=0.1)
    for quantity in series:
        state.add(quantity)
    return state


def test_croston_and_its_correction_give_the_published_numbers() -> None:
    state = croston(SERIES)
    assert state.size == pytest.approx(2.75025, abs=5e-6)
    assert state.interval == pytest.approx(2.79328, abs=5e-6)
    assert state.forecast == pytest.approx(0.98460, abs=5e-6)
    assert state.corrected_forecast == pytest.approx(0.93537, abs=5e-6)


def test_croston_of_a_product_never_asked_for_forecasts_nothing() -> None:
    assert croston([0, 0, 0]).corrected_forecast == 0.0


@given(st.lists(st.integers(0, 500), min_size=2, max_size=120))
def test_mean_and_deviation_from_sums_are_those_of_the_series(days: list[int]) -> None:
    mean, deviation = demand.mean_and_deviation(sum(days), sum(d * d for d in days), len(days))
    assert mean == pytest.approx(statistics.fmean(days))
    assert deviation == pytest.approx(statistics.stdev(days), abs=1e-6)


def test_one_day_has_a_mean_and_no_deviation() -> None:
    assert demand.mean_and_deviation(7, 49, 1) == (7.0, 0.0)
    assert demand.mean_and_deviation(0, 0, 0) == (0.0, 0.0)


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=60), st.floats(0.01, 0.99))
def test_the_exponential_mean_weighs_days_geometrically(days: list[float], alpha: float) -> None:
    weights = [alpha * (1 - alpha) ** age for age in range(len(days) - 1)] + [(1 - alpha) ** (len(days) - 1)]
    expected = math.fsum(weight * day for weight, day in zip(weights, reversed(days), strict=True))
    recent = demand.ExponentialDemand(alpha)
    for day in days:
        recent.add(day)
    assert recent.mean == pytest.approx(expected, abs=1e-6)
    variance = math.fsum(w * (day - expected) ** 2 for w, day in zip(weights, reversed(days), strict=True))
    assert math.sqrt(recent.variance) == pytest.approx(math.sqrt(variance), abs=1e-4)


def test_demand_is_intermittent_when_most_days_have_none() -> None:
    assert demand.is_intermittent(days=36, demand_days=12)
    assert not demand.is_intermittent(days=36, demand_days=30)
    assert not demand.is_intermittent(days=36, demand_days=3), "three demands are no pattern"


def test_the_simple_rule_is_lead_time_demand_plus_safety() -> None:
    assert model.simple_levels(10, 7, 20) == pytest.approx((84, 140))
    assert model.simple_levels(10, 7, 150) == pytest.approx((175, 175)), "the maximum follows the minimum"


def test_the_maximum_adds_the_demand_of_one_review_period() -> None:
    assert model.order_up_to(326.1, 30, 7) == pytest.approx(536.1)


@pytest.mark.parametrize(
    ("available", "risk"),
    [(69, "high"), (70, "medium"), (139, "medium"), (140, "low"), (159, "low"), (160, None)],
)
def test_the_risk_follows_from_how_long_the_stock_lasts(available: float, risk: str | None) -> None:
    left = model.days_until_stock_out(available, 10)
    assert model.stock_out_risk(available, left, lead_time=7, review_period=7, reorder=160) == risk


def test_without_demand_only_a_minimum_set_by_hand_makes_a_risk() -> None:
    assert model.days_until_stock_out(0, 0) is None
    assert model.stock_out_risk(0, None, 7, 7, reorder=0) is None
    assert model.stock_out_risk(4, None, 7, 7, reorder=5) == "low"


@pytest.mark.parametrize(
    ("quantity", "pack", "rounded"),
    [(101, 50, 150), (150, 50, 150), (0.3, 0.1, 0.3), (2.2, None, 3), (-5, 50, 0), (0, None, 0)],
)
def test_suggestions_come_in_whole_packs(quantity: float, pack: float | None, rounded: float) -> None:
    assert model.round_to_pack(quantity, pack) == pytest.approx(rounded)


@given(st.floats(0, 1e6), st.floats(0.1, 1e3))
def test_a_rounded_quantity_covers_the_need_by_less_than_one_pack(quantity: float, pack: float) -> None:
    rounded = model.round_to_pack(quantity, pack)
    assert quantity - 1e-6 * pack <= rounded < quantity + pack * (1 + 1e-6)


def test_what_is_on_order_is_not_bought_twice() -> None:
    assert model.suggested_quantity(500, 120, 300, 50) == 100
    assert model.suggested_quantity(500, 120, 400, 50) == 0


def test_abc_classes_split_the_value_at_80_and_95_percent() -> None:
    values = {"p1": 500.0, "p2": 300.0, "p3": 100.0, "p4": 50.0, "p5": 30.0, "p6": 20.0, "p7": 0.0}
    assert model.abc_classes(values) == {
        "p1": "A", "p2": "A", "p3": "B", "p4": "B", "p5": "C", "p6": "C", "p7": "C",
    }  # fmt: skip


def test_a_single_seller_is_class_a_and_no_sales_make_class_c() -> None:
    assert model.abc_classes({"only": 10.0}) == {"only": "A"}
    assert model.abc_classes({"a": 0.0, "b": 0.0}) == {"a": "C", "b": "C"}


@given(st.dictionaries(st.integers(0, 1000), st.floats(0.01, 1e6), min_size=1))
def test_class_a_holds_80_percent_of_the_value_and_no_more_products_than_needed(
    values: dict[int, float],
) -> None:
    classes = model.abc_classes(values)
    of_a = sorted(values[key] for key, name in classes.items() if name == "A")
    total = math.fsum(values.values())
    assert math.fsum(of_a) >= 0.8 * total * (1 - 1e-9)
    assert math.fsum(of_a[1:]) <= 0.8 * total * (1 + 1e-9)


def test_xyz_classes_follow_the_variation_coefficient() -> None:
    assert [model.xyz_class(10, sd) for sd in (5, 5.1, 10, 10.1)] == ["X", "Y", "Y", "Z"]
    assert model.xyz_class(0, 0) is None


def test_priorities_go_by_risk_and_then_by_class() -> None:
    assert [model.priority("high", "A"), model.priority("high", "C"), model.priority("medium", "A")] == [
        1,
        3,
        4,
    ]
    assert model.priority("low", "C") == 9


def test_the_safety_factor_is_the_normal_quantile() -> None:
    assert model.safety_factor(0.95) == pytest.approx(1.644854, abs=1e-6)


def test_excess_and_dead_stock_grow_more_urgent() -> None:
    assert [model.excess_risk(stock, 100) for stock in (100, 101, 201, 401)] == [
        None,
        "low",
        "medium",
        "high",
    ]
    assert [model.dead_stock_risk(days) for days in (59, 60, 120, 180)] == [None, "low", "medium", "high"]
