"""How demand follows the week and the year: factors around 1, drawn towards 1 as far as they may be chance.

A profile of period means is divided by its mean. What the means would differ by chance alone is taken off the spread of
the factors (James and Stein 1961, in the form of Efron and Morris 1975): ``1 + w·(raw - 1)`` with
``w = max(0, 1 - noise/spread)``. A product without a season keeps factors of 1, however its sales scatter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

UNKNOWN = -1.0
"""A period of which nothing is known yet."""

WEEKDAY_ALPHA = 0.1
LEAST_WEEKS = 8
LEAST_MONTH_DAYS = 10
_FLAT_WEEK = (1.0,) * 7
_FLAT_YEAR = (1.0,) * 12


def shrunk_factors(means: Sequence[float], noise: float) -> tuple[float, ...]:
    """The factors of a profile of means; ``noise`` is the variance that one of them has by chance, in squared units."""
    count = len(means)
    centre = sum(means) / count
    if centre <= 0.0:
        return (1.0,) * count
    raw = [mean / centre for mean in means]
    spread = sum((factor - 1.0) ** 2 for factor in raw) / (count - 1)
    if spread <= 0.0:
        return (1.0,) * count
    weight = max(0.0, 1.0 - noise / (centre * centre) / spread)
    return tuple(1.0 + weight * (factor - 1.0) for factor in raw)


@dataclass(slots=True)
class Season:
    """Mean demand by weekday and by month of one product, learnt from days with stock.

    ``weekdays`` weigh the latest weeks most; ``months`` hold the mean per day of each calendar month that is over, half
    of it from the years before. ``spread`` is the variance of a day around its weekday's mean.
    """

    days: int = 0
    spread: float = 0.0
    weekdays: list[float] = field(default_factory=lambda: [0.0] * 7)
    months: list[float] = field(default_factory=lambda: [UNKNOWN] * 12)
    month_quantity: float = 0.0
    month_days: int = 0

    def learn(self, day: date, quantity: float) -> None:
        """Take the demand of a day with stock into account."""
        weeks, place = self.days // 7, day.weekday()
        gain = max(WEEKDAY_ALPHA, 1.0 / (weeks + 1.0))
        step = quantity - self.weekdays[place]
        if weeks:
            self.spread += max(0.02, 1.0 / (self.days - 6.0)) * (step * step - self.spread)
        self.weekdays[place] += gain * step
        self.days += 1
        self.month_quantity += quantity
        self.month_days += 1

    def end_month(self, month: int) -> None:
        """The calendar month ``month`` (1 to 12) is over; one with few days of stock says nothing."""
        if self.month_days >= LEAST_MONTH_DAYS:
            mean, known = self.month_quantity / self.month_days, self.months[month - 1]
            self.months[month - 1] = mean if known == UNKNOWN else (known + mean) / 2.0
        self.month_quantity, self.month_days = 0.0, 0

    def weekly(self) -> tuple[float, ...]:
        """The factors of Monday to Sunday; all 1 before two months are known."""
        weeks = self.days // 7
        if weeks < LEAST_WEEKS:
            return _FLAT_WEEK
        # The variance of an exponentially weighted mean of independent values.
        weight = max(WEEKDAY_ALPHA / (2.0 - WEEKDAY_ALPHA), 1.0 / weeks)
        return shrunk_factors(self.weekdays, self.spread * weight)

    def yearly(self) -> tuple[float, ...] | None:
        """The factors of January to December; None before each month is known."""
        if UNKNOWN in self.months:
            return None
        return shrunk_factors(self.months, self.spread / 30.0)


def yearly_factor(factors: Sequence[float], day: date) -> float:
    """The factor of a day, on the straight line between the middles of two months."""
    place = (day.day - 15) / 30.0
    here = factors[day.month - 1]
    there = factors[day.month % 12] if place > 0.0 else factors[day.month - 2]
    return here + abs(place) * (there - here)
