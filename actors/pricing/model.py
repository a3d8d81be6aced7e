"""The mathematics of supplier prices: what a price really costs, how steady it is, and where it is going.

Prices are BRL per unit of the product, shares are fractions (0.1 is 10 %), a month has 30 days.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

MONTH_DAYS = 30.0
TREND_LEAST_POINTS = 3

Stability = Literal["stable", "variable", "volatile"]
_STABLE_UP_TO = 0.05
_VARIABLE_UP_TO = 0.15


def mean_and_deviation(prices: Sequence[float]) -> tuple[float, float]:
    """Mean and sample standard deviation; one price alone has no deviation (0)."""
    mean = math.fsum(prices) / len(prices)
    if len(prices) == 1:
        return mean, 0.0
    return mean, math.sqrt(math.fsum((price - mean) ** 2 for price in prices) / (len(prices) - 1))


def stability(mean: float, deviation: float, prices: int) -> Stability | None:
    """By the variation coefficient: up to 5 % stable, up to 15 % variable, else volatile; unknown from one price."""
    if prices < 2 or mean <= 0.0:
        return None
    variation = deviation / mean
    if variation <= _STABLE_UP_TO:
        return "stable"
    return "variable" if variation <= _VARIABLE_UP_TO else "volatile"


def change(price: float, reference: float) -> float | None:
    """How much dearer a price is than the reference, as a fraction; unknown when that was for free."""
    return price / reference - 1.0 if reference > 0.0 else None


def present_cost(price: float, payment_days: int, monthly_rate: float) -> float:
    """What a price to be paid in ``payment_days`` is worth today, compounding ``monthly_rate``."""
    return float(price / (1.0 + monthly_rate) ** (payment_days / MONTH_DAYS))


def holding_months(minimum: float, usual: float, daily_use: float) -> float:
    """How much longer a unit lies in stock, on average, because ``minimum`` has to be bought instead of ``usual``.

    Half of what is bought lies there on average, so the difference is that of the halves over the use per day.
    """
    if minimum <= usual or daily_use <= 0.0:
        return 0.0
    return (minimum - usual) / 2.0 / daily_use / MONTH_DAYS


def landed_cost(price: float, payment_days: int, monthly_rate: float, held_months: float) -> float:
    """The price at today's value plus the money that lies in stock for ``held_months`` more than usual."""
    return present_cost(price, payment_days, monthly_rate) + price * monthly_rate * held_months


@dataclass(frozen=True, slots=True)
class Trend:
    """BRL per month, and the chance that it is no accident: one minus the p-value of the Mann-Kendall test."""

    slope: float
    confidence: float
    points: int


def trend(series: Sequence[Sequence[tuple[int, float]]]) -> Trend | None:
    """The Theil-Sen slope of (day, price) points, one series per supplier, its days rising.

    Only points of one supplier are compared with each other; slopes, Mann-Kendall sums and variances are pooled
    (Hirsch, Slack and Smith 1982, with suppliers for seasons). None below three points in every series.
    """
    slopes: list[float] = []
    total, variance, count = 0, 0.0, 0
    for points in series:
        if len(points) < TREND_LEAST_POINTS:
            continue
        count += len(points)
        variance += _kendall_variance([price for _, price in points])
        for place, (day, price) in enumerate(points):
            for earlier_day, earlier_price in points[:place]:
                slopes.append((price - earlier_price) / (day - earlier_day))
                total += (price > earlier_price) - (price < earlier_price)
    if not slopes:
        return None
    return Trend(median(slopes) * MONTH_DAYS, _confidence(total, variance), count)


def _kendall_variance(values: Sequence[float]) -> float:
    """Variance of the Mann-Kendall sum when there is no trend, corrected for equal values (Kendall 1975)."""

    def term(n: int) -> int:
        return n * (n - 1) * (2 * n + 5)

    return (term(len(values)) - sum(term(ties) for ties in Counter(values).values())) / 18.0


def _confidence(total: int, variance: float) -> float:
    """1 - p, two-sided, by the normal approximation with continuity correction."""
    if variance <= 0.0 or total == 0:
        return 0.0
    z = (abs(total) - 1) / math.sqrt(variance)
    return math.erf(z / math.sqrt(2.0))
