"""Made-up products of a building-material store: their daily demand, and how long their suppliers take."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

FIRST_DAY = date(2024, 1, 1)
CLASSES = ("smooth", "seasonal", "lumpy", "slow")
# Monday to Sunday: Saturdays are short, on Sundays the store is closed.
WEEK = (1.15, 1.1, 1.05, 1.1, 1.2, 0.7, 0.0)


@dataclass(frozen=True, slots=True)
class Trace:
    """One product: what is asked for on each day, and how many days an order of that day takes to come."""

    demand_class: str
    cost: float
    mean: float
    lead_time: float
    demand: tuple[int, ...]
    lead_times: tuple[int, ...]


def make_traces(products: int, days: int, seed: int = 1) -> list[Trace]:
    """As many products of each class; a product's numbers depend on its place and the seed only."""
    return [
        _trace(CLASSES[place % len(CLASSES)], days, random.Random(f"{seed}-{place}"))
        for place in range(products)
    ]


def _trace(name: str, days: int, rnd: random.Random) -> Trace:
    lead_time = rnd.uniform(3, 18)
    lead_times = tuple(max(1, round(lead_time * rnd.gammavariate(12.0, 1.0 / 12.0))) for _ in range(days))
    rates = list(_rates(name, days, rnd))
    draw = {"smooth": _steady, "seasonal": _steady, "lumpy": _lumpy, "slow": _slow}[name]
    demand = tuple(draw(rate, rnd) for rate in rates)
    return Trace(
        name, round(rnd.lognormvariate(3.0, 0.8), 2), sum(rates) / days, lead_time, demand, lead_times
    )


def _rates(name: str, days: int, rnd: random.Random) -> Iterator[float]:
    """The expected demand of each day: the week for all, the year for the seasonal, a slow drift for most."""
    mean = {"smooth": 12.0, "seasonal": 12.0, "lumpy": 4.0, "slow": 0.12}[name] * rnd.lognormvariate(0.0, 0.5)
    strength = rnd.uniform(0.3, 0.6) if name == "seasonal" else 0.0
    peak = rnd.uniform(0, 365)
    growth = rnd.uniform(-0.15, 0.15)
    for number in range(days):
        day = FIRST_DAY + timedelta(days=number)
        year = 1.0 + strength * math.cos(2.0 * math.pi * (number - peak) / 365.0)
        yield mean * WEEK[day.weekday()] * year * (1.0 + growth * number / 365.0)


def _steady(rate: float, rnd: random.Random) -> int:
    """Many customers: the deviation of a day is a third of its mean and more."""
    return max(0, round(rnd.gauss(rate, 0.35 * rate + 0.5))) if rate else 0


def _lumpy(rate: float, rnd: random.Random) -> int:
    """A site now and then: one day in six, of very different sizes."""
    chance = 1.0 / 6.0
    if rnd.random() >= chance or not rate:
        return 0
    return max(1, round(rate / chance * rnd.lognormvariate(-0.4, 0.9)))


def _slow(rate: float, rnd: random.Random) -> int:
    """One or a few pieces, seldom."""
    return rnd.choice((1, 1, 1, 2)) if rnd.random() < rate / 1.25 else 0
