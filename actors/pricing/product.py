"""What the pricing engine knows of one product, and how it changes: offers, costs and alerts. No database here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from actors.pricing.alerts import Alert, AlertKey, margin_alert, variation_alert
from actors.pricing.model import (
    Stability,
    Trend,
    change,
    holding_months,
    landed_cost,
    mean_and_deviation,
    stability,
    trend,
)
from actors.pricing.parameters import Policy
from runtime.data.ids import NIL

NO_END = date.max
"""Infinity in the database."""
_NEVER = NO_END.toordinal()
TREND_MOST_POINTS = 60


@dataclass(frozen=True, slots=True)
class Period:
    """What a supplier asks from a day to a day, both included; of two the later ``seq`` counts."""

    valid_from: date
    valid_to: date
    seq: int
    price: Decimal
    minimum_quantity: Decimal
    payment_days: int
    lead_time_days: int | None


@dataclass(slots=True)
class Offer:
    """One supplier's prices of a product; from ``current`` on computed from the periods."""

    active: bool = True
    """Whether the supplier is in use: what others ask counts, what this one asks is only remembered."""
    registered: int = 0
    lowest: Decimal | None = None
    highest: Decimal | None = None
    known: Decimal | None = None
    """The last price that counted."""
    previous: Decimal | None = None
    changed_on: date | None = None
    periods: dict[tuple[date, date], Period] = field(default_factory=dict)
    new: set[tuple[date, date]] = field(default_factory=set)
    ordered: list[Period] | None = None
    """The periods, the last to begin first; None when they have to be put in order."""
    current: Period | None = None
    reference: Decimal | None = None
    change: float | None = None
    prices: int = 0
    mean: float | None = None
    deviation: float | None = None
    stability: Stability | None = None
    landed: float | None = None
    trend: Trend | None = None

    def register(self, period: Period) -> None:
        """Take a price in; the last one registered for the same days holds."""
        key = period.valid_from, period.valid_to
        self.registered += 1
        self.lowest = period.price if self.lowest is None else min(self.lowest, period.price)
        self.highest = period.price if self.highest is None else max(self.highest, period.price)
        if key not in self.periods or self.periods[key].seq < period.seq:
            self.periods[key] = period
            self.new.add(key)
            self.ordered = None

    def counting(self, day: date) -> Period | None:
        """The price that counts on a day: of those valid then, the last to begin."""
        return next((one for one in self._newest_first() if one.valid_from <= day <= one.valid_to), None)

    def look(self, day: date, variation_days: int) -> None:
        """Bring the current price and its change to this day."""
        self.current = self.counting(day)
        self.reference = self.change = None
        if self.current is None:
            return
        price = self.current.price
        if self.known is not None and self.known != price:
            self.previous, self.changed_on = self.known, day
        self.known = price
        then = day - timedelta(days=variation_days)
        before = self.counting(then)
        if before is None:
            before = [one for one in self._newest_first() if then < one.valid_from <= day][-1]
        if before is not self.current:
            self.reference = before.price
            self.change = change(float(price), float(before.price))

    def points(self, day: date, window_days: int) -> list[tuple[int, float]]:
        """The prices that began in the window and the one that counted when it began: (day, price), days rising."""
        first = day - timedelta(days=window_days)
        inside = [one for one in self._newest_first() if first < one.valid_from <= day]
        if (start := self.counting(first)) is not None:
            inside.append(start)
        inside.reverse()
        return list({one.valid_from.toordinal(): float(one.price) for one in inside}.items())

    def next_turn(self, day: date, policy: Policy) -> date | None:
        """The next day on which something computed from the periods may change by itself."""
        now, spans = day.toordinal(), (0, policy.variation_days, policy.window_days)
        turn = _NEVER
        for one in self.periods.values():
            for edge in (one.valid_from.toordinal(), one.valid_to.toordinal() + 1):
                for span in spans:
                    if now < edge + span < turn:
                        turn = edge + span
        return date.fromordinal(turn) if turn < _NEVER else None

    def _newest_first(self) -> list[Period]:
        if self.ordered is None:
            self.ordered = sorted(
                self.periods.values(), key=lambda one: (one.valid_from, one.seq), reverse=True
            )
        return self.ordered


@dataclass(slots=True)
class Product:
    """A product's offers and purchases; ``base_cost`` and what follows are computed from them."""

    parameters: str | None = None
    active: bool = True
    price: Decimal | None = None
    cost: Decimal | None = None
    paid: Decimal | None = None
    paid_supplier_id: UUID | None = None
    paid_on: date | None = None
    receipts: int = 0
    used_quantity: Decimal = Decimal(0)
    """What was received before the last receipt, and so used up between the first and the last."""
    last_quantity: Decimal = Decimal(0)
    first_received_on: date | None = None
    last_received_on: date | None = None
    next_day: date | None = None
    base_cost: Decimal | None = None
    base_source: Literal["best", "average", "last", "product"] | None = None
    trend: Trend | None = None
    offers: dict[UUID, Offer] = field(default_factory=dict)
    alerts: dict[AlertKey, Alert] = field(default_factory=dict)
    changed: bool = False

    @property
    def usual_quantity(self) -> float:
        """Mean quantity of a receipt."""
        return float(self.used_quantity + self.last_quantity) / self.receipts if self.receipts else 0.0

    @property
    def daily_use(self) -> float:
        """Units per day, from two receipts on."""
        if self.first_received_on is None or self.last_received_on is None:
            return 0.0
        days = (self.last_received_on - self.first_received_on).days
        return float(self.used_quantity) / days if days else 0.0

    def receive(self, day: date, supplier_id: UUID, quantity: Decimal, unit_cost: Decimal) -> None:
        """Goods came in at this cost; what comes on one day is one receipt."""
        self.paid, self.paid_supplier_id, self.paid_on = unit_cost, supplier_id, day
        if self.last_received_on is None:
            self.first_received_on = day
        elif day <= self.last_received_on:
            self.last_quantity += quantity
            return
        self.receipts += 1
        self.used_quantity += self.last_quantity
        self.last_quantity, self.last_received_on = quantity, day

    def advance(self, today: date, zone: ZoneInfo, policy: Policy) -> None:
        """Let the days up to ``today`` begin on which prices start, end or fall out of a window."""
        while self.next_day is not None and self.next_day <= today:
            day = self.next_day
            self.assess(day, datetime.combine(day, time.min, zone), policy)

    def assess(self, day: date, at: datetime, policy: Policy) -> None:
        """Compute what counts on ``day``: prices, base cost and alerts, which open and close at ``at``."""
        self.changed = True
        turns = []
        usual, use = self.usual_quantity, self.daily_use
        for offer in self.offers.values():
            offer.look(day, policy.variation_days)
            offer.landed = None
            if (now := offer.current) is not None:
                held = holding_months(float(now.minimum_quantity), usual, use)
                offer.landed = landed_cost(float(now.price), now.payment_days, policy.monthly_rate, held)
            turns.append(offer.next_turn(day, policy))
        self.next_day = min(filter(None, turns), default=None)
        self._cost(policy)
        for supplier_id, offer in self.offers.items():
            alert = self.alerts.setdefault(("variation", supplier_id), Alert())
            price = None if offer.current is None else offer.current.price
            shown = self.active and offer.active
            alert.follow(variation_alert(offer.reference, price, offer.change, policy) if shown else None, at)
        margin = self.alerts.setdefault(("margin", NIL), Alert())
        margin.follow(margin_alert(self.price, self.base_cost, policy) if self.active else None, at)

    def conclude(self, day: date, policy: Policy) -> None:
        """Compute statistics and trends of the window that ends on ``day``."""
        series = []
        for _, offer in sorted(self.offers.items()):
            points = offer.points(day, policy.window_days)
            offer.prices, offer.mean, offer.deviation, offer.stability = len(points), None, None, None
            if points:
                offer.mean, offer.deviation = mean_and_deviation([price for _, price in points])
                offer.stability = stability(offer.mean, offer.deviation, len(points))
            points = points[-TREND_MOST_POINTS:]
            offer.trend = trend([points])
            if offer.active:
                series.append(points)
        self.trend = trend(series)

    def best(self) -> Offer | None:
        """The offer in use with the lowest landed cost; the supplier's id decides between equals."""
        offered = [
            (one.landed, key, one)
            for key, one in self.offers.items()
            if one.active and one.landed is not None
        ]
        return min(offered, key=lambda one: one[:2])[2] if offered else None

    def _cost(self, policy: Policy) -> None:
        prices = [one.current.price for one in self.offers.values() if one.active and one.current is not None]
        best = self.best()
        if policy.cost_method == "last" and self.paid is not None:
            self.base_cost, self.base_source = self.paid, "last"
        elif policy.cost_method == "average" and prices:
            self.base_cost, self.base_source = sum(prices, Decimal(0)) / len(prices), "average"
        elif best is not None and best.current is not None:
            self.base_cost, self.base_source = best.current.price, "best"
        elif self.paid is not None:
            self.base_cost, self.base_source = self.paid, "last"
        else:
            self.base_cost, self.base_source = self.cost, None if self.cost is None else "product"
        if self.base_cost is not None:
            self.base_cost = round(self.base_cost, 4)
