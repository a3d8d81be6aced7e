"""One product as the stock engine knows it: facts folded from events one by one, and the advice they lead to.

Pure: the day and the moment come from the events, so the same events always give the same advice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from math import ceil
from typing import Literal

from actors.stock.demand import CROSTON_ALPHA, Croston, ExponentialDemand, is_intermittent, mean_and_deviation
from actors.stock.model import (
    AbcClass,
    Risk,
    XyzClass,
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

AlertKind = Literal["stock_out", "excess", "dead_stock"]
RECENT_ALPHA = 0.1
_ONE_DAY = timedelta(days=1)


@dataclass(slots=True)
class DayDemand:
    """What was sold of a product on one day; ``stock_out``: there was nothing to sell and nothing was sold."""

    quantity: float = 0.0
    revenue: float = 0.0
    stock_out: bool = False


@dataclass(slots=True, eq=False)
class Product:
    """The fields up to ``closed_at`` are read from a row of ``engine_stock_products``, in this order. Those after it
    follow from them: ``assess`` and ``conclude`` compute them before the row is written.

    ``today`` is the store's current day. ``window_*`` are sums over the last ``window_days`` days, today included;
    ``day_quantity`` and ``day_revenue`` are today's, which get a daily row of their own when the day ends. Croston's
    and the recent demand know closed days only. ``ordered`` is the part of ``on_order`` that purchase orders stand for,
    the rest are suggestions that were accepted; ``lead_time_squares`` is the sum of squared deviations from the mean.
    ``*_seq`` is the number of the event that a part of the row goes back to: an older one that comes late is not news.
    """

    product_id: str
    own_parameters: str | None = None
    on_hand: float = 0.0
    available: float = 0.0
    on_order: float = 0.0
    ordered: float = 0.0
    lead_times: int = 0
    lead_time_mean: float = 0.0
    lead_time_squares: float = 0.0
    active: bool = True
    cost: float | None = None
    price: float | None = None
    category: str | None = None
    parameters_seq: int = 0
    described_seq: int = 0
    priced_seq: int = 0
    answered_seq: int = 0
    window_days: int = 90
    first_sale_day: date | None = None
    last_sale_day: date | None = None
    day_quantity: float = 0.0
    day_revenue: float = 0.0
    window_quantity: float = 0.0
    window_squares: float = 0.0
    window_revenue: float = 0.0
    window_demand_days: int = 0
    window_stock_out_days: int = 0
    croston_size: float = 0.0
    croston_interval: float = 0.0
    croston_gap: int = 1
    recent_mean: float | None = None
    recent_variance: float = 0.0
    stocked_since: date | None = None
    out_since: date | None = None
    suggestion_state: str | None = None
    suggestion_until: date | None = None
    accepted_until: date | None = None
    abc_class: AbcClass | None = None
    status: str = "none"
    kind: str | None = None
    risk: Risk | None = None
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    mean: float = 0.0
    deviation: float = 0.0
    reorder_point: float = 0.0
    maximum: float = 0.0
    days_left: float | None = None
    suggested_quantity: float = 0.0
    priority: int | None = None
    xyz_class: XyzClass | None = None
    sold: dict[date, DayDemand] = field(default_factory=dict)
    """Demand of closed days, still to be added to the daily rows."""
    late: dict[date, DayDemand] = field(default_factory=dict)
    """Daily rows of past days that this batch adds to."""
    changed: bool = False
    """More has changed than what sales and stock movements change."""

    def sell(self, day: date, today: date, quantity: float, revenue: float) -> None:
        """Demand of ``quantity`` on ``day`` (negative: goods came back)."""
        if self.first_sale_day is None or day < self.first_sale_day:
            self.first_sale_day = day
        if quantity > 0.0 and (self.last_sale_day is None or day > self.last_sale_day):
            self.last_sale_day = day
        if day == today:
            before = self.day_quantity
            self.day_quantity = after = round(before + quantity, 3)
            self.day_revenue = round(self.day_revenue + revenue, 2)
            self._change_window(before, after, revenue)
        else:
            self._sell_late(day, today, quantity, revenue)

    def _sell_late(self, day: date, today: date, quantity: float, revenue: float) -> None:
        batch = self.sold.setdefault(day, DayDemand())
        batch.quantity += quantity
        batch.revenue += revenue
        known = self.late.setdefault(day, DayDemand())
        before = known.quantity
        known.quantity = round(before + quantity, 3)
        if (today - day).days >= self.window_days:
            return
        if known.stock_out and quantity > 0.0:
            known.stock_out = False
            self.window_stock_out_days -= 1
        self._change_window(before, known.quantity, revenue)

    def _change_window(self, before: float, after: float, revenue: float) -> None:
        self.window_quantity = round(self.window_quantity + after - before, 3)
        # Rounded, so that what is added on one day and taken away on another leaves nothing behind.
        self.window_squares = round(self.window_squares + after * after - before * before, 6)
        self.window_revenue = round(self.window_revenue + revenue, 2)
        self.window_demand_days += (after > 0.0) - (before > 0.0)

    def move(self, today: date, on_hand: float, available: float) -> None:
        """The stock of all locations is now this."""
        self.on_hand = on_hand
        self.available = available
        if on_hand <= 0.0:
            self.stocked_since = None
        elif self.stocked_since is None:
            self.stocked_since = today
        if available > 0.0:
            self.out_since = None
        elif self.out_since is None:
            self.out_since = today

    @property
    def accepted(self) -> float:
        """How much of what is on order stands in no purchase order yet."""
        return round(self.on_order - self.ordered, 3)

    def receive(self, quantity: float) -> None:
        """So much of what was accepted is no longer on order: it came in, or a purchase order stands for it."""
        received = min(self.accepted, quantity)
        if received <= 0.0:
            return
        self.changed = True
        self.on_order = round(self.on_order - received, 3)
        if self.accepted == 0.0:
            self.accepted_until = None
            if self.suggestion_state == "accepted":
                self.suggestion_state = self.suggestion_until = None

    def accept(self, today: date, quantity: float, policy: Policy) -> None:
        """The store orders ``quantity``; forgotten when it is long overdue."""
        self.changed = True
        self.on_order = round(self.on_order + quantity, 3)
        self.suggestion_state = "accepted"
        self.suggestion_until = self.accepted_until = today + timedelta(
            days=1 + ceil(policy.lead_time + 3.0 * policy.lead_time_deviation)
        )

    def dismiss(self, today: date, policy: Policy) -> None:
        """The store does not want the suggestion; it comes back with the next review if its cause remains."""
        self.changed = True
        self.suggestion_state = "dismissed"
        self.suggestion_until = today + timedelta(days=max(1, ceil(policy.review_period)))

    def snooze(self, today: date, until: date) -> None:
        """The store does not want to hear of it before the day ``until``, whatever happens to the alert."""
        self.changed = True
        if until > today:
            self.suggestion_state = "snoozed"
            self.suggestion_until = until - _ONE_DAY

    def close_day(self, today: date, leaving: DayDemand | None) -> None:
        """Begin the day ``today``: yesterday is complete, the day ``leaving`` falls out of the window.

        A yesterday without stock from beginning to end is marked: its missing sales say nothing about demand.
        """
        self.changed = True
        yesterday = today - _ONE_DAY
        out_all_day = (
            self.first_sale_day is not None
            and self.out_since is not None
            and self.out_since < yesterday
            and self.day_quantity <= 0.0
        )
        if out_all_day:
            self.window_stock_out_days += 1
        elif self.first_sale_day is not None:
            self._learn_day(self.day_quantity)
        if out_all_day or self.day_quantity or self.day_revenue:
            self.sold[yesterday] = DayDemand(self.day_quantity, self.day_revenue, out_all_day)
        self.day_quantity = self.day_revenue = 0.0
        leaving = leaving or self.sold.get(today - timedelta(days=self.window_days))
        if leaving is not None:
            if leaving.stock_out:
                self.window_stock_out_days -= 1
            self._change_window(leaving.quantity, 0.0, -leaving.revenue)
        if self.accepted_until is not None and today > self.accepted_until:
            self.on_order, self.accepted_until = self.ordered, None
        if self.suggestion_until is not None and today > self.suggestion_until:
            self.suggestion_state = self.suggestion_until = None

    def _learn_day(self, quantity: float) -> None:
        croston = Croston(CROSTON_ALPHA, self.croston_size, self.croston_interval, self.croston_gap)
        croston.add(quantity)
        self.croston_size, self.croston_interval, self.croston_gap = (
            croston.size,
            croston.interval,
            croston.gap,
        )
        recent = ExponentialDemand(
            RECENT_ALPHA, self.recent_mean or 0.0, self.recent_variance, self.recent_mean is not None
        )
        recent.add(max(quantity, 0.0))
        self.recent_mean, self.recent_variance = recent.mean, recent.variance

    def assess(self, policy: Policy, today: date, at: datetime) -> None:
        """Compute demand, levels and alert anew; ``at`` is when an alert that changes now opened or closed."""
        self._measure(today)
        mean = self.mean
        if policy.simple:
            reorder, maximum = simple_levels(mean, policy.lead_time, policy.safety_percent)
        else:
            reorder = reorder_point(
                mean, self.deviation, policy.lead_time, policy.z, policy.lead_time_deviation
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

    def conclude(self, policy: Policy) -> None:
        """Compute what to buy now and how urgent that is (nothing while the stock suffices), and the XYZ class."""
        self.xyz_class = xyz_class(self.mean, self.deviation)
        if self.status == "open" and self.kind == "stock_out" and self.risk is not None:
            self.suggested_quantity = suggested_quantity(
                self.maximum, self.available, self.on_order, policy.pack_size
            )
            self.priority = priority(self.risk, self.abc_class or "C")
        else:
            self.suggested_quantity = 0.0
            self.priority = None

    def _measure(self, today: date) -> None:
        if self.first_sale_day is None:
            self.mean = self.deviation = 0.0
            return
        days = min(self.window_days, (today - self.first_sale_day).days + 1) - self.window_stock_out_days
        mean, deviation = mean_and_deviation(self.window_quantity, self.window_squares, max(days, 1))
        if self.croston_interval > 0.0 and is_intermittent(days, self.window_demand_days):
            state = Croston(CROSTON_ALPHA, self.croston_size, self.croston_interval, self.croston_gap)
            mean = state.corrected_forecast
        self.mean = mean if mean > 0.0 else 0.0
        self.deviation = deviation

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
