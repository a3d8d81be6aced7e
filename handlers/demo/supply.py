"""The demo store's shelves: what is there, what is on its way, and when the buyer orders more."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from handlers.demo.calendar import SALES_A_DAY, is_open
from handlers.demo.goods import BY_SKU, GOODS, Good
from handlers.demo.jobs import OUT_OF_FASHION, fill_basket

_SAMPLE = 2_000
_BIG_SHARE = 0.2
_COVER_DAYS = 18
_SAFETY_DAYS = 5
# The buyer has lost sight of some goods by the end, and has bought far too much of some others.
_NEGLECTED, _NEGLECTED_DAYS = 14, 14
_OVERSTOCKED, _OVERSTOCK_DAYS = 8, 260


@dataclass(frozen=True, slots=True)
class Booking:
    """One stock movement by hand."""

    sku: str
    kind: str
    quantity: Decimal
    unit_cost: Decimal | None = None
    reason: str | None = None


class Shelves:
    """What may still be promised of each good. The plan never promises more, so stock never runs negative."""

    def __init__(self, dice: random.Random, size: float, last_day: date) -> None:
        self._dice = dice
        self._last_day = last_day
        self.available: dict[str, Decimal] = defaultdict(Decimal)
        self._coming: dict[date, dict[str, Decimal]] = defaultdict(dict)
        self._on_order: dict[str, Decimal] = defaultdict(Decimal)
        self._back_tomorrow: dict[str, Decimal] = defaultdict(Decimal)
        self._demand = _mean_demand(dice, SALES_A_DAY * size)
        wanted = sorted(self._demand, key=lambda sku: -self._demand[sku] * float(BY_SKU[sku].price))
        self._neglected = set(dice.sample(wanted[:70], _NEGLECTED))
        self._overstocked = set(dice.sample(wanted[60:], _OVERSTOCKED))
        self._lead_days = {good.sku: dice.randint(2, 6) for good in GOODS}

    def opening(self) -> list[Booking]:
        """The stock of the first morning."""
        return [
            self._received(good, self._quantity(good, self._opening_days(good)), Decimal(1)) for good in GOODS
        ]

    def arrivals(self, day: date, months: float) -> list[list[Booking]]:
        """What suppliers bring this morning, a list for each; costs rise by about half a percent a month."""
        for sku, quantity in self._back_tomorrow.items():
            self.available[sku] += quantity
        self._back_tomorrow.clear()
        lorries: dict[str, list[Booking]] = defaultdict(list)
        for sku, quantity in self._coming.pop(day, {}).items():
            good = BY_SKU[sku]
            self._on_order[sku] -= quantity
            factor = Decimal(str(round(self._dice.uniform(0.98, 1.03) * (1 + 0.005 * months), 4)))
            lorries[good.category].append(self._received(good, quantity, factor))
        return list(lorries.values())

    def broken(self) -> Booking | None:
        """Something that fell over this week."""
        good = self._dice.choice([good for good in GOODS if good.category in ("Tijolos e blocos", "Telhas")])
        quantity = Decimal(self._dice.randint(2, 12)) if good.unit == "UN" else Decimal(1)
        if self.available[good.sku] < quantity * 4:
            return None
        self.available[good.sku] -= quantity
        return Booking(good.sku, "loss", quantity, reason="Quebra no pátio")

    def take(self, wanted: Mapping[str, Decimal]) -> dict[str, Decimal]:
        """Promise what there is of each; the customer goes without the rest."""
        taken = {}
        for sku, quantity in wanted.items():
            step = BY_SKU[sku].step
            there = (self.available[sku] / step).to_integral_value(ROUND_FLOOR) * step
            if there > 0:
                taken[sku] = min(quantity, there)
                self.available[sku] -= taken[sku]
        return taken

    def take_all(self, wanted: Mapping[str, Decimal]) -> bool:
        """Promise everything, or nothing when something is short."""
        if any(self.available[sku] < quantity for sku, quantity in wanted.items()):
            return False
        for sku, quantity in wanted.items():
            self.available[sku] -= quantity
        return True

    def give_back(self, basket: Mapping[str, Decimal]) -> None:
        """A cancelled order's goods; promised again from tomorrow on, as today's sales are written in any order."""
        for sku, quantity in basket.items():
            self._back_tomorrow[sku] += quantity

    def reorder(self, day: date) -> None:
        """The buyer's evening: order what will not last until a lorry could come, and some safety."""
        for good in GOODS:
            if good.sku in OUT_OF_FASHION or good.sku in self._overstocked:
                continue
            if good.sku in self._neglected and (self._last_day - day).days < _NEGLECTED_DAYS:
                continue
            lead = self._lead_days[good.sku]
            there = self.available[good.sku] + self._on_order[good.sku]
            if there > self._quantity(good, lead + _SAFETY_DAYS):
                continue
            quantity = self._quantity(good, lead + _SAFETY_DAYS + _COVER_DAYS) - there
            arrives = day + timedelta(days=max(1, lead + self._dice.choice((-1, 0, 0, 0, 1, 2))))
            while not is_open(arrives):
                arrives += timedelta(days=1)
            if quantity > 0:
                coming = self._coming[arrives]
                coming[good.sku] = coming.get(good.sku, Decimal(0)) + quantity
                self._on_order[good.sku] += quantity

    def _received(self, good: Good, quantity: Decimal, factor: Decimal) -> Booking:
        self.available[good.sku] += quantity
        return Booking(good.sku, "receipt", quantity, (good.cost * factor).quantize(Decimal("0.01")))

    def _opening_days(self, good: Good) -> float:
        return _OVERSTOCK_DAYS if good.sku in self._overstocked else self._dice.uniform(14, 30)

    def _quantity(self, good: Good, days: float) -> Decimal:
        """The demand of so many days in whole selling steps, at least a few."""
        steps = Decimal(str(round(self._demand.get(good.sku, 0.0) * days / float(good.step), 2)))
        return max(Decimal(3), steps.to_integral_value(ROUND_CEILING)) * good.step


def _mean_demand(dice: random.Random, sales_a_day: float) -> dict[str, float]:
    """Units a day of each good, from a sample of baskets."""
    total: dict[str, float] = defaultdict(float)
    for number in range(_SAMPLE):
        for sku, quantity in fill_basket(dice, big=number < _SAMPLE * _BIG_SHARE).items():
            total[sku] += float(quantity)
    return {sku: quantity * sales_a_day / _SAMPLE for sku, quantity in total.items()}
