"""How much of a product is asked for: mean and deviation per day, smoothed demand, intermittent demand.

Demand is in units of the product per day (a day without sales counts as zero), so are deviations.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

# Syntetos, Boylan and Croston (2005): from this mean interval between demands on, Croston-type forecasts win.
INTERMITTENT_INTERVAL_DAYS = 1.32
INTERMITTENT_LEAST_DEMANDS = 4

CROSTON_ALPHA = 0.1
TSB_BETA = 0.03

Pattern = Literal["smooth", "erratic", "intermittent", "lumpy"]
# Syntetos, Boylan and Croston (2005): squared variation of the sizes from which demand is erratic or lumpy.
ERRATIC_VARIATION = 0.49


def mean_and_deviation(total: float, squares: float, days: int) -> tuple[float, float]:
    """Mean and sample standard deviation of ``days`` daily demands, from their sum and their sum of squares.

    Zero days are in ``days`` and add nothing to the sums. One day alone has no deviation (0).
    """
    if days < 1:
        return 0.0, 0.0
    mean = total / days
    if days == 1:
        return mean, 0.0
    variance = (squares - total * mean) / (days - 1)
    return mean, math.sqrt(variance) if variance > 0.0 else 0.0


@dataclass(slots=True)
class ExponentialDemand:
    """Exponentially weighted mean and variance (West 1979; Finch 2009), updated one day at a time.

    ``alpha`` is the weight of the newest day; the weights of older ones fall geometrically.
    """

    alpha: float
    mean: float = 0.0
    variance: float = 0.0
    started: bool = False

    def add(self, demand: float) -> None:
        """Take one day's demand into account."""
        if not self.started:
            self.started = True
            self.mean = demand
            return
        step = self.alpha * (demand - self.mean)
        self.variance = (1.0 - self.alpha) * (self.variance + step * (demand - self.mean))
        self.mean += step


@dataclass(slots=True)
class Croston:
    """Croston's method (1972): size of a demand and days between demands, smoothed apart, updated day by day.

    ``size`` and ``interval`` are 0 until the first demand; ``gap`` counts the days since the last one, the
    current day included.
    """

    alpha: float = CROSTON_ALPHA
    size: float = 0.0
    interval: float = 0.0
    gap: int = 1

    def add(self, demand: float) -> None:
        """Take one day's demand (0 for none) into account."""
        if demand <= 0.0:
            self.gap += 1
            return
        if self.interval == 0.0:
            self.size = demand
            self.interval = float(self.gap)
        else:
            self.size += self.alpha * (demand - self.size)
            self.interval += self.alpha * (self.gap - self.interval)
        self.gap = 1

    @property
    def forecast(self) -> float:
        """Croston's forecast, units per day; known to be biased upwards."""
        return self.size / self.interval if self.interval else 0.0

    @property
    def corrected_forecast(self) -> float:
        """The forecast with the bias correction ``1 - alpha/2`` of Syntetos and Boylan (2005)."""
        return (1.0 - self.alpha / 2.0) * self.forecast


@dataclass(slots=True)
class Tsb:
    """Teunter, Syntetos and Babai (2011): chance of a demand and its size, smoothed apart, the chance every day.

    Other than Croston's, the forecast of a product that nobody asks for any more dies away. The chance begins as a
    plain mean of the days known, until ``beta`` weighs more. ``days`` counts the days taken into account.
    """

    alpha: float = CROSTON_ALPHA
    beta: float = TSB_BETA
    chance: float = 0.0
    size: float = 0.0
    days: int = 0

    def add(self, demand: float) -> None:
        """Take one day's demand (0 for none) into account."""
        self.days += 1
        asked = demand > 0.0
        self.chance += max(self.beta, 1.0 / self.days) * (asked - self.chance)
        if asked:
            self.size = self.size + self.alpha * (demand - self.size) if self.size else demand

    @property
    def forecast(self) -> float:
        """Units per day."""
        return self.chance * self.size


def is_intermittent(days: int, demand_days: int) -> bool:
    """Whether days without demand are so many that a mean over all days misleads."""
    return demand_days >= INTERMITTENT_LEAST_DEMANDS and days > INTERMITTENT_INTERVAL_DAYS * demand_days


def demand_pattern(days: int, demand_days: int, total: float, squares: float) -> Pattern | None:
    """The class of Syntetos, Boylan and Croston (2005), by the mean interval between days of demand (1.32) and the
    squared variation of their sizes (0.49); None while too little is known."""
    if demand_days < INTERMITTENT_LEAST_DEMANDS or total <= 0.0:
        return None
    variation = max(0.0, squares * demand_days / (total * total) - 1.0)
    if is_intermittent(days, demand_days):
        return "lumpy" if variation > ERRATIC_VARIATION else "intermittent"
    return "erratic" if variation > ERRATIC_VARIATION else "smooth"
