"""One product as the stock engine knows it, and the advice that follows from its facts.

Pure: the day and the moment come from the events, so the same events always give the same advice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from actors.stock.demand import mean_and_deviation
from actors.stock.facts import DayDemand, Facts
from actors.stock.learning import learn_day
from actors.stock.model import (
    Risk,
    days_until_stock_out,
    dead_stock_risk,
    excess_risk,
    order_up_to,
    priority,
    reorder_point,
    simple_levels,
    stock_out_risk,
    suggested_quantity,
    xyz_class,
)
from actors.stock.parameters import Policy

__all__ = ["DayDemand", "Product"]

_ONE_DAY = timedelta(days=1)

AlertKind = Literal["stock_out", "excess", "dead_stock"]


@dataclass(slots=True, eq=False)
class Product(Facts):
    """A product's facts with what is advised about it."""

    def close_day(self, today: date, leaving: DayDemand | None, policy: Policy) -> None:
        """Begin the day ``today`` and learn from yesterday; the day ``leaving`` falls out of the window."""
        quantity = self.begin_day(today, leaving)
        if self.known_since is not None and self.known_since < today:
            learn_day(self, today - _ONE_DAY, quantity, policy)

    def watch(self, policy: Policy, today: date, at: datetime) -> bool:
        """Bring the alert up to date after one of many events. True: it goes on as it was, which took no levels to say,
        and ``assess`` is due once the last event is folded."""
        if self.active and self.status == "open" and self.kind == "stock_out":
            mean = self._mean(max(self.measured_days(today), 1))
            days_left = days_until_stock_out(self.available, mean)
            risk = stock_out_risk(
                self.available, days_left, policy.lead_time, policy.review_period, -math.inf
            )
            if risk is not None:
                self.risk = risk
                return True
        self.assess(policy, today, at)
        return False

    def assess(self, policy: Policy, today: date, at: datetime) -> None:
        """Compute demand, levels and alert anew; ``at`` is when an alert that changes now opened or closed."""
        self._measure(today)
        mean = self.mean
        if policy.simple:
            reorder, maximum = simple_levels(mean, policy.lead_time, policy.safety_percent)
        else:
            reorder = reorder_point(
                mean * self.lift,
                self._deviation() if self.weekly_variation else self.deviation,
                policy.lead_time,
                policy.z,
                policy.lead_time_deviation,
            )
            maximum = order_up_to(reorder, mean, policy.review_period)
        if policy.minimum is not None:
            reorder = policy.minimum
        if policy.maximum is not None:
            maximum = policy.maximum
        self.reorder_point = reorder
        self.maximum = max(maximum, reorder)
        self.days_left = days_until_stock_out(self.available, mean)
        kind, risk = self._find_alert(policy, today)
        self._set_alert(kind, risk, at)

    def conclude(self, policy: Policy, today: date) -> None:
        """Compute what to buy now and how urgent that is (nothing while the stock suffices), and the XYZ class."""
        self.xyz_class = xyz_class(self.mean, self.deviation)
        if self.status == "open" and self.kind == "stock_out" and self.risk and self._is_due(policy, today):
            self.suggested_quantity = suggested_quantity(
                self.maximum, self.available, self.on_order, policy.pack_size
            )
            self.priority = priority(self.risk, self.abc_class or "C")
        else:
            self.suggested_quantity = 0.0
            self.priority = None

    def _deviation(self) -> float:
        """Of the scatter of the days, without what comes from the weekday and is known in advance."""
        variance = self.deviation * self.deviation - self.weekly_variation * self.mean * self.mean
        return math.sqrt(variance) if variance > 0.0 else 0.0

    def _is_due(self, policy: Policy, today: date) -> bool:
        """Whether to order: what is there and on order is below the reorder point, or would be gone before an order of
        the next look arrives, and this look is one review period after the last order."""
        position = self.available + self.on_order
        if position < self.reorder_point:
            return True
        if policy.simple or policy.minimum is not None:
            return False
        if self.ordered_on is not None and (today - self.ordered_on).days < policy.review_period:
            return False
        return position < self.mean * (policy.lead_time + policy.review_period)

    def _measure(self, today: date) -> None:
        days = max(self.measured_days(today), 1)
        mean = self._mean(days)
        self.mean = mean if mean > 0.0 else 0.0
        _, self.deviation = mean_and_deviation(self.window_quantity, self.window_squares, days)

    def _mean(self, days: int) -> float:
        """Demand per day as it is believed to be: forecast, or the mean of the window's ``days``."""
        return self.window_quantity / days if self.forecast is None else self.forecast

    def _find_alert(self, policy: Policy, today: date) -> tuple[AlertKind | None, Risk | None]:
        if self.active:
            risk = stock_out_risk(
                self.available, self.days_left, policy.lead_time, policy.review_period, self.reorder_point
            )
            if risk is not None:
                return "stock_out", risk
        if self.on_hand > 0.0 and self.stocked_since is not None:
            since = self.stocked_since
            if self.last_sale_day is not None and self.last_sale_day > since:
                since = self.last_sale_day
            risk = dead_stock_risk((today - since).days)
            if risk is not None:
                return "dead_stock", risk
            if self.mean > 0.0 or policy.maximum is not None:
                risk = excess_risk(self.available, self.maximum)
                if risk is not None:
                    return "excess", risk
        return None, None

    def _set_alert(self, kind: AlertKind | None, risk: Risk | None, at: datetime) -> None:
        if kind is None:
            if self.status == "open":
                self.status = "closed"
                self.closed_at = at
                if self.suggestion_state == "dismissed":
                    self.changed = True
                    self.suggestion_state = self.suggestion_until = None
            return
        if self.status != "open" or kind != self.kind:
            self.status = "open"
            self.kind = kind
            self.opened_at = at
            self.closed_at = None
        self.risk = risk
