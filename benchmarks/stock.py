"""``python -m benchmarks.stock``: the stock engine's advice against the rule of thumb, over two simulated years.

Two hundred products (smooth, seasonal, lumpy, slow) with the same demand and the same random lead times for every
policy. The engine is the one that runs: its events are folded as its actor folds them, days are closed as its actor
closes them, and what it suggests is ordered; it learns demand and lead times from what it sees. Sales are lost when
there is no stock, so it sees sales and not demand. The rule of thumb is told the true mean lead time; it orders when
stock and orders fall below ``mean of 90 days × lead time × 1.2``.

Two policies are compared where they hold the same average stock (at cost): the engine's service level is searched
until its stock is that of the rule.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from actors.stock.folding import fold
from actors.stock.product import Product
from actors.stock.rows import Store
from benchmarks.stock_traces import FIRST_DAY, Trace
from runtime.events.catalogue import (
    Payload,
    PurchaseItem,
    PurchaseOrderReceived,
    PurchaseOrderSent,
    SaleRecorded,
    SoldItem,
    StockUpdated,
)
from runtime.events.event import Event

PRODUCTS, DAYS, WARM_UP_DAYS = 200, 730, 120
REVIEW_DAYS = 7
NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one product after the warm-up: demand, what was served of it at once, average stock at the end of a day."""

    asked: float
    served: float
    stock: float
    orders: int


@dataclass(frozen=True, slots=True)
class Day:
    """The day ``number`` after its sales: what was sold and what is left, by product."""

    number: int
    sold: Sequence[int]
    on_hand: Sequence[int]


@dataclass(frozen=True, slots=True)
class Arrival:
    """What was ordered of a product on the day ``ordered`` comes on the day ``number``; ``on_hand`` counts it."""

    place: int
    quantity: float
    on_hand: int
    ordered: int
    number: int


class Policy(Protocol):
    """Decides once a day, after the day's sales, how much of each product to order."""

    def day_ends(self, day: Day) -> Sequence[float]:
        """The quantities to order, by product."""
        ...

    def arrives(self, arrival: Arrival) -> None:
        """Goods came in, before the day's sales."""
        ...


class RuleOfThumb:
    """Below ``mean × lead time × safety``, counting what is on order: up to that and ``days`` more days of demand, or,
    without ``days``, up to twice the demand of the lead time."""

    def __init__(
        self, traces: Sequence[Trace], days: float | None = REVIEW_DAYS, safety: float = 1.2
    ) -> None:
        self._traces, self._days, self._safety = traces, days, safety
        self._windows: list[deque[int]] = [deque(maxlen=90) for _ in traces]
        self._coming = [0.0] * len(traces)

    def day_ends(self, day: Day) -> Sequence[float]:
        """See ``Policy``."""
        orders = []
        for place, trace in enumerate(self._traces):
            window = self._windows[place]
            window.append(day.sold[place])
            lead_demand = sum(window) / len(window) * trace.lead_time
            point, position = self._safety * lead_demand, day.on_hand[place] + self._coming[place]
            up_to = 2.0 * lead_demand
            if self._days is not None:
                up_to = point + self._days * lead_demand / trace.lead_time
            quantity = float(max(0, -int(-(up_to - position) // 1))) if position < point else 0.0
            self._coming[place] += quantity
            orders.append(quantity)
        return orders

    def arrives(self, arrival: Arrival) -> None:
        """See ``Policy``."""
        self._coming[arrival.place] -= arrival.quantity


class Engine:
    """The stock engine, fed by events; the store orders what it suggests."""

    def __init__(self, products: int, service_level: float) -> None:
        parameters = f'{{"service_level":{service_level},"review_period_days":{REVIEW_DAYS}}}'
        self.store = Store(NOBODY, ZoneInfo("UTC"), FIRST_DAY, parameters)
        self._ids = [UUID(int=place + 1) for place in range(products)]
        for product_id in self._ids:
            self.store.products[product_id.int] = Product(str(product_id), window_days=90)
        self._seq = 0

    def day_ends(self, day: Day) -> Sequence[float]:
        """See ``Policy``."""
        store, number, at = self.store, day.number, _moment(day.number)
        items = tuple(
            SoldItem.model_construct(
                product_id=self._ids[place], quantity=quantity, unit_price=Decimal(1), line_total=quantity
            )
            for place, quantity in enumerate(day.sold)
            if quantity
        )
        if items:
            self._say(number, SaleRecorded.model_construct(order_id=NOBODY, items=items, total=Decimal(0)))
        for place, quantity in enumerate(day.sold):
            if quantity:
                self._moved(number, place, day.on_hand[place])
        orders = []
        for product_id in self._ids:
            product = store.products[product_id.int]
            policy = store.policy_of(product)
            product.assess(policy, store.day, at)
            product.conclude(policy)
            orders.append(product.suggested_quantity)
        for place, quantity in enumerate(orders):
            if quantity:
                self._say(number, PurchaseOrderSent.model_construct(items=self._line(place, quantity)))
        self._close_day(number + 1)
        return orders

    def arrives(self, arrival: Arrival) -> None:
        """See ``Policy``."""
        self._moved(arrival.number, arrival.place, arrival.on_hand)
        received = PurchaseOrderReceived.model_construct(
            items=self._line(arrival.place, arrival.quantity), sent_at=_moment(arrival.ordered)
        )
        self._say(arrival.number, received)

    def _close_day(self, number: int) -> None:
        today = FIRST_DAY + timedelta(days=number)
        for product in self.store.products.values():
            leaving = product.sold.pop(today - timedelta(days=product.window_days), None)
            policy = self.store.policy_of(product)
            product.close_day(today, leaving, policy)
            product.assess(policy, today, _moment(number))
        self.store.today = today

    def _moved(self, number: int, place: int, on_hand: int) -> None:
        moved = StockUpdated.model_construct(
            product_id=self._ids[place], location_id=NOBODY, delta=0, on_hand=on_hand, available=on_hand,
            reason="sale", purchase_order_id=None,
        )  # fmt: skip
        self._say(number, moved)

    def _say(self, number: int, payload: Payload) -> None:
        self._seq += 1
        event = Event(NOBODY, self._seq, NOBODY, payload.event_type, 1, _moment(number), payload)
        for _ in fold(self.store, event, self.store.day):
            pass

    def _line(self, place: int, quantity: float) -> tuple[PurchaseItem, ...]:
        item = PurchaseItem.model_construct(product_id=self._ids[place], quantity=quantity, ordered=None)
        return (item,)


def simulate(traces: Sequence[Trace], policy: Policy, warm_up: int = WARM_UP_DAYS) -> list[Outcome]:
    """Live through all days of the traces; what happens before ``warm_up`` days is not counted."""
    count, days = len(traces), len(traces[0].demand)
    on_hand = [round(1.5 * trace.mean * (trace.lead_time + REVIEW_DAYS)) + 1 for trace in traces]
    asked, served, stock, placed = [0] * count, [0] * count, [0] * count, [0] * count
    coming: list[tuple[int, int, int, float]] = []
    for number in range(days):
        while coming and coming[0][0] <= number:
            _, place, ordered, quantity = heapq.heappop(coming)
            on_hand[place] += int(quantity)
            policy.arrives(Arrival(place, quantity, on_hand[place], ordered, number))
        sold = [min(trace.demand[number], on_hand[place]) for place, trace in enumerate(traces)]
        for place, trace in enumerate(traces):
            on_hand[place] -= sold[place]
            if number >= warm_up:
                asked[place] += trace.demand[number]
                served[place] += sold[place]
                stock[place] += on_hand[place]
        for place, quantity in enumerate(policy.day_ends(Day(number, sold, on_hand))):
            if quantity:
                heapq.heappush(coming, (number + traces[place].lead_times[number], place, number, quantity))
                placed[place] += number >= warm_up
    return [
        Outcome(asked[place], served[place], stock[place] / (days - warm_up), placed[place])
        for place in range(count)
    ]


def service(outcomes: Sequence[Outcome], places: Sequence[int] | None = None) -> float:
    """The share of the demand that was served at once, each product counting the same."""
    chosen = [outcomes[place] for place in (range(len(outcomes)) if places is None else places)]
    shares = [outcome.served / outcome.asked for outcome in chosen if outcome.asked]
    return sum(shares) / len(shares)


def stock_value(
    traces: Sequence[Trace], outcomes: Sequence[Outcome], places: Sequence[int] | None = None
) -> float:
    """Average stock at cost."""
    chosen = range(len(outcomes)) if places is None else places
    return sum(traces[place].cost * outcomes[place].stock for place in chosen)


def level_of_equal_stock(
    traces: Sequence[Trace], value: float, warm_up: int = WARM_UP_DAYS, steps: int = 6
) -> tuple[float, list[Outcome]]:
    """The engine's highest service level (of those tried) that holds no more stock than ``value``, and its outcome."""
    low, high = 0.5, 0.9999
    best: tuple[float, list[Outcome]] | None = None
    for step in range(steps):
        # Between the first two in the middle of what they mean for the safety stock, not of the figures.
        level = 1.0 - ((1.0 - low) * (1.0 - high)) ** 0.5 if step else 0.95
        outcomes = simulate(traces, Engine(len(traces), round(level, 4)), warm_up)
        if stock_value(traces, outcomes) <= value:
            low, best = level, (round(level, 4), outcomes)
        else:
            high = level
    if best is None:
        raise AssertionError("the engine holds more stock at every service level")
    return best


def _moment(number: int) -> datetime:
    return datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day, 12, tzinfo=UTC) + timedelta(days=number)
