"""When to buy, how much, and how urgent it is. Pure arithmetic: no clock, no database.

Quantities are in units of the product, ``mean`` and ``deviation`` of demand in units per day, times in days.
Source: Silver, Pyke and Thomas, "Inventory and Production Management in Supply Chains", chapters 2 and 6.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from functools import lru_cache
from statistics import NormalDist
from typing import Literal, TypeVar

Risk = Literal["high", "medium", "low"]
AbcClass = Literal["A", "B", "C"]
XyzClass = Literal["X", "Y", "Z"]
K = TypeVar("K", bound=Hashable)

ABC_SHARES: tuple[tuple[AbcClass, float], ...] = (("A", 0.80), ("B", 0.95))
DEAD_STOCK_DAYS = 60
XYZ_VARIATIONS: tuple[tuple[XyzClass, float], ...] = (("X", 0.5), ("Y", 1.0))
_RISK_RANK: Mapping[Risk, int] = {"high": 0, "medium": 1, "low": 2}
_CLASS_RANK: Mapping[AbcClass, int] = {"A": 0, "B": 1, "C": 2}


@lru_cache(maxsize=1024)
def safety_factor(service_level: float) -> float:
    """The normal quantile z: z deviations of safety stock let a cycle end without stock-out this often."""
    return NormalDist().inv_cdf(service_level)


def reorder_point(
    mean: float, deviation: float, lead_time: float, z: float, lead_time_deviation: float = 0.0
) -> float:
    """``ROP = d·L + z·sqrt(L·σd² + d²·σL²)``: at this level it is time to order."""
    variance = lead_time * deviation * deviation + (mean * lead_time_deviation) ** 2
    return mean * lead_time + z * math.sqrt(variance)


def order_up_to(reorder: float, mean: float, review_period: float) -> float:
    """``ROP + d·R``: the level an order fills the stock up to, with R days between two looks at it."""
    return reorder + mean * review_period


def simple_levels(mean: float, lead_time: float, safety_percent: float) -> tuple[float, float]:
    """The rule of thumb: minimum ``d·L·(1 + safety %)``, maximum ``2·d·L`` (never below the minimum)."""
    minimum = mean * lead_time * (1.0 + safety_percent / 100.0)
    return minimum, max(2.0 * mean * lead_time, minimum)


def days_until_stock_out(available: float, mean: float) -> float | None:
    """How long the stock lasts at the mean demand; None without demand, 0 when there is nothing left."""
    if mean <= 0.0:
        return None
    return available / mean if available > 0.0 else 0.0


def stock_out_risk(
    available: float, days_left: float | None, lead_time: float, review_period: float, reorder: float
) -> Risk | None:
    """High: gone before an order placed now arrives; medium: before one of the next review; low: below ROP.

    A product without demand has a risk only through a minimum set by hand.
    """
    if days_left is not None:
        if days_left < lead_time:
            return "high"
        if days_left < lead_time + review_period:
            return "medium"
    if available < reorder:
        return "low"
    return None


def excess_risk(available: float, maximum: float) -> Risk | None:
    """Capital tied up: low above the maximum, medium above twice, high above four times the maximum."""
    if available <= maximum:
        return None
    if available > 4.0 * maximum:
        return "high"
    return "medium" if available > 2.0 * maximum else "low"


def dead_stock_risk(idle_days: int) -> Risk | None:
    """Stock that nobody asks for: low after 60 days without a sale, medium after 120, high after 180."""
    if idle_days < DEAD_STOCK_DAYS:
        return None
    if idle_days >= 3 * DEAD_STOCK_DAYS:
        return "high"
    return "medium" if idle_days >= 2 * DEAD_STOCK_DAYS else "low"


def round_to_pack(quantity: float, pack_size: float | None) -> float:
    """The next whole number of packs (of units, without a pack size) that is at least ``quantity``."""
    if quantity <= 0.0:
        return 0.0
    pack = pack_size or 1.0
    # A quotient like 3.0000000000000004 is three packs, not four.
    return math.ceil(round(quantity / pack, 9)) * pack


def suggested_quantity(maximum: float, available: float, on_order: float, pack_size: float | None) -> float:
    """What to buy now: up to ``maximum``, less what is there or already ordered, in whole packs."""
    return round_to_pack(maximum - available - on_order, pack_size)


def abc_classes(values: Mapping[K, float]) -> dict[K, AbcClass]:
    """Class A: the products that make the first 80 % of the value; B: those up to 95 %; C: the rest.

    The product that crosses a limit still belongs to the class before it. Equal values are ordered by key, so
    that the result does not depend on the order of ``values``.
    """
    total = sum(value for value in values.values() if value > 0.0)
    classes: dict[K, AbcClass] = {}
    before = 0.0
    for key, value in sorted(values.items(), key=lambda pair: (-pair[1], str(pair[0]))):
        share = before / total if total > 0.0 else 1.0
        classes[key] = (
            next((name for name, limit in ABC_SHARES if share < limit - 1e-12), "C") if value > 0.0 else "C"
        )
        before += max(value, 0.0)
    return classes


def xyz_class(mean: float, deviation: float) -> XyzClass | None:
    """By the variation coefficient σ/d: X up to 0.5, Y up to 1, Z above; None without demand."""
    if mean <= 0.0:
        return None
    variation = deviation / mean
    return next((name for name, limit in XYZ_VARIATIONS if variation <= limit), "Z")


def priority(risk: Risk, abc: AbcClass) -> int:
    """1 (buy first) to 9: the risk decides, within a risk the class."""
    return 1 + 3 * _RISK_RANK[risk] + _CLASS_RANK[abc]
