"""Textbook order quantities: economic order quantity, newsvendor, and the exact (s, S) policy.

Costs are in money per order (``fixed``), and per unit and period (``holding``, ``shortage``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import NormalDist


def economic_order_quantity(fixed: float, holding: float, demand: float) -> float:
    """``sqrt(2·K·λ/h)`` (Harris 1913): the order quantity with the least ordering and holding cost."""
    return math.sqrt(2.0 * fixed * demand / holding)


def newsvendor(holding: float, shortage: float, mean: float, deviation: float) -> float:
    """The stock for one period of normal demand with the least expected cost: its ``p/(p+h)`` quantile."""
    return NormalDist(mean, deviation).inv_cdf(shortage / (shortage + holding))


@dataclass(slots=True)
class PoissonPolicyCost:
    """Long-run cost per period of an (s, S) policy: Poisson demand, shortages wait, an order arrives at once.

    Renewal arguments of Zheng and Federgruen (1991), "Finding Optimal (s, S) Policies Is About As Simple As
    Evaluating a Single Policy", Operations Research 39(4).
    """

    fixed: float
    holding: float
    shortage: float
    demand: float
    _visits: list[float] = field(default_factory=list)

    def of_level(self, level: int) -> float:
        """Expected holding and shortage cost of one period that starts with ``level`` units."""
        chance = math.exp(-self.demand)
        below = cost = 0.0
        for quantity in range(max(level, 0)):
            below += chance
            cost += chance * (level - quantity)
            chance *= self.demand / (quantity + 1)
        short = self.demand - level + cost
        return self.holding * cost + self.shortage * short

    def of_policy(self, s: int, up_to: int) -> float:
        """Cost per period when every level at or below ``s`` is filled up to ``up_to``."""
        visits = [self._visits_at(distance) for distance in range(up_to - s)]
        held = sum(count * self.of_level(up_to - distance) for distance, count in enumerate(visits))
        return (self.fixed + held) / sum(visits)

    def _visits_at(self, distance: int) -> float:
        # Expected number of periods of a cycle that start ``distance`` units below S.
        none = math.exp(-self.demand)
        while len(self._visits) <= distance:
            at = len(self._visits)
            chance, total = none, 0.0
            for quantity in range(1, at + 1):
                chance *= self.demand / quantity
                total += chance * self._visits[at - quantity]
            self._visits.append(total / (1.0 - none) if at else 1.0 / (1.0 - none))
        return self._visits[distance]


def optimal_s_s(fixed: float, holding: float, shortage: float, demand: float) -> tuple[int, int, float]:
    """The optimal (s, S) for Poisson demand of mean ``demand`` per period, and its cost per period."""
    cost = PoissonPolicyCost(fixed, holding, shortage, demand)
    best_level = 0
    while cost.of_level(best_level + 1) < cost.of_level(best_level):
        best_level += 1
    s, best = best_level - 1, best_level
    while cost.of_policy(s, best) > cost.of_level(s):
        s -= 1
    least = cost.of_policy(s, best)
    up_to = best + 1
    while cost.of_level(up_to) <= least:
        if cost.of_policy(s, up_to) < least:
            best = up_to
            while cost.of_policy(s, best) <= cost.of_level(s + 1):
                s += 1
            least = cost.of_policy(s, best)
        up_to += 1
    return s, best, least
