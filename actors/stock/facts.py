"""The facts of one product, folded from events one by one, and what was last advised."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from actors.stock.demand import Pattern
from actors.stock.forecast import Forecaster, Method
from actors.stock.model import AbcClass, Risk, XyzClass
from actors.stock.parameters import Policy

_ONE_DAY = timedelta(days=1)


@dataclass(slots=True)
class DayDemand:
    """What was sold of a product on one day; ``stock_out``: there was nothing to sell and nothing was sold."""

    quantity: float = 0.0
    revenue: float = 0.0
    stock_out: bool = False


@dataclass(slots=True, eq=False)
class Facts:
    """The fields up to ``closed_at`` are read from a row of ``engine_stock_products``, in this order. Those after it
    follow from them: ``Product`` computes them before the row is written.

    ``today`` is the store's current day. ``window_*`` are sums over the last ``window_days`` days, today included;
    ``day_quantity`` and ``day_revenue`` are today's, which get a daily row of their own when the day ends. Croston's
    and the recent demand know closed days only. ``ordered`` is the part of ``on_order`` that purchase orders stand for,
    the rest are suggestions that were accepted; ``lead_time_squares`` is the sum of squared deviations from the mean.
    Demand is known from ``known_since`` on: the first day with stock, or the first sale, which says nothing of how
    long the product had waited for it. ``*_seq`` is the number of the event that a part of the row goes back to: an
    older one that comes late is not news.
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
    known_since: date | None = None
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
    ordered_on: date | None = None
    method: Method = "mean"
    forecast: float | None = None
    lift: float = 1.0
    weekly_variation: float = 0.0
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
    pattern: Pattern | None = None
    forecaster: Forecaster | None = None
    """What each method makes of the demand; it and the pattern are known only while days are closed."""
    changed: bool = False
    """More has changed than what sales and stock movements change."""

    def sell(self, day: date, today: date, quantity: float, revenue: float) -> None:
        """Demand of ``quantity`` on ``day`` (negative: goods came back)."""
        if self.first_sale_day is None or day < self.first_sale_day:
            self.first_sale_day = day
            self._begin(day)
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
            self._begin(today)
        if available > 0.0:
            self.out_since = None
        elif self.out_since is None:
            self.out_since = today

    def _begin(self, day: date) -> None:
        if self.known_since is None or day < self.known_since:
            self.known_since = day
            self.changed = True

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
        self.ordered_on = today
        self.suggestion_state = "accepted"
        self.suggestion_until = self.accepted_until = today + timedelta(
            days=1 + math.ceil(policy.lead_time + 3.0 * policy.lead_time_deviation)
        )

    def dismiss(self, today: date, policy: Policy) -> None:
        """The store does not want the suggestion; it comes back with the next review if its cause remains."""
        self.changed = True
        self.suggestion_state = "dismissed"
        self.suggestion_until = today + timedelta(days=max(1, math.ceil(policy.review_period)))

    def snooze(self, today: date, until: date) -> None:
        """The store does not want to hear of it before the day ``until``, whatever happens to the alert."""
        self.changed = True
        if until > today:
            self.suggestion_state = "snoozed"
            self.suggestion_until = until - _ONE_DAY

    def begin_day(self, today: date, leaving: DayDemand | None) -> float | None:
        """Begin the day ``today``: yesterday is complete, the day ``leaving`` falls out of the window.

        Returns yesterday's demand. A yesterday without stock from beginning to end is marked: its missing sales say
        nothing about demand, which then is None.
        """
        self.changed = True
        yesterday = today - _ONE_DAY
        out_all_day = (
            self.known_since is not None
            and self.out_since is not None
            and self.out_since < yesterday
            and self.day_quantity <= 0.0
        )
        quantity = None if out_all_day else self.day_quantity
        if out_all_day:
            self.window_stock_out_days += 1
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
        return quantity

    def measured_days(self, today: date) -> int:
        """The days of the window, today included, that say something about demand."""
        if self.known_since is None:
            return 0
        return min(self.window_days, (today - self.known_since).days + 1) - self.window_stock_out_days
