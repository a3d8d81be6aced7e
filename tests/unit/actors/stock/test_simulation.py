"""A store that follows the advice for years of made-up demand: the promised service is reached, with less stock."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest

from actors.stock.parameters import policy
from actors.stock.product import Product

WARM_UP_DAYS = 120
DAYS = 2_000


@dataclass(slots=True)
class Outcome:
    """Share of the demand that was served at once, and the average stock at the end of a day."""

    served: float
    stock: float


def follow_advice(parameters: str, *, mean: float, deviation: float, lead_time: int) -> Outcome:
    """Order what the engine suggests whenever it suggests something; orders arrive after ``lead_time`` days."""
    rnd = random.Random(42)
    rules = policy(parameters, None)
    product, today = Product("p", window_days=rules.window_days), date(2020, 1, 1)
    on_hand, asked, served, stock = 10 * mean, 0.0, 0.0, 0.0
    coming: deque[tuple[date, float]] = deque()
    quantities: dict[date, float] = {}
    for number in range(DAYS):
        begins = datetime(today.year, today.month, today.day, tzinfo=UTC)
        leaving = product.sold.get(today - timedelta(days=product.window_days))
        product.close_day(today, leaving, rules)
        while coming and coming[0][0] <= today:
            quantity = coming.popleft()[1]
            on_hand += quantity
            product.receive(quantity)
        demand = float(max(0, round(rnd.gauss(mean, deviation))))
        sold = min(demand, on_hand)
        on_hand -= sold
        product.sell(today, today, demand, 0.0)
        product.move(today, on_hand, on_hand)
        product.assess(rules, today, begins)
        product.conclude(rules, today)
        quantities[today] = demand
        if product.suggested_quantity > 0:
            coming.append((today + timedelta(days=lead_time), product.suggested_quantity))
            product.on_order += product.suggested_quantity
        if number >= WARM_UP_DAYS:
            asked, served, stock = asked + demand, served + sold, stock + on_hand
        today += timedelta(days=1)
    assert product.window_quantity == sum(quantities[today - timedelta(days=age)] for age in range(1, 91))
    return Outcome(served / asked, stock / (DAYS - WARM_UP_DAYS))


@pytest.mark.parametrize(("mean", "deviation"), [(20, 5), (20, 12), (5, 4)])
def test_following_the_advice_serves_almost_all_demand(mean: float, deviation: float) -> None:
    outcome = follow_advice(
        '{"lead_time_days":7,"lead_time_deviation_days":0,"review_period_days":7}',
        mean=mean,
        deviation=deviation,
        lead_time=7,
    )
    assert outcome.served > 0.97


def test_steady_goods_need_less_stock_than_by_the_rule_of_thumb() -> None:
    steady = {"mean": 20.0, "deviation": 3.0, "lead_time": 14}
    advice = follow_advice(
        '{"lead_time_days":14,"lead_time_deviation_days":0,"review_period_days":3,"service_level":0.95}',
        **steady,
    )
    thumb = follow_advice(
        '{"method":"simple","lead_time_days":14,"review_period_days":3,"safety_percent":50}', **steady
    )
    assert advice.served > 0.97
    assert advice.stock < thumb.stock


def test_irregular_goods_are_served_better_than_by_the_rule_of_thumb() -> None:
    irregular = {"mean": 4.0, "deviation": 6.0, "lead_time": 5}
    advice = follow_advice(
        '{"lead_time_days":5,"lead_time_deviation_days":0,"review_period_days":1,"service_level":0.98}',
        **irregular,
    )
    thumb = follow_advice('{"method":"simple","lead_time_days":5,"review_period_days":1}', **irregular)
    assert advice.served > thumb.served
