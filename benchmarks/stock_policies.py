"""Who decides what to order in the simulation: the rule of thumb, and the stock engine itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from actors.stock.folding import fold
from actors.stock.product import Product
from actors.stock.store import Store
from benchmarks.stock_traces import FIRST_DAY, Trace
from runtime.events.catalogue import (
    Payload,
    PurchaseItem,
    PurchaseOrderReceived,
    PurchaseOrderSent,
    SaleFigures,
    SoldFigures,
    StockUpdated,
)
from runtime.events.event import Event

REVIEW_DAYS = 7
NOBODY = UUID(int=0)


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

    def begins(self, on_hand: Sequence[int]) -> None:
        """The store counts what it has of each product before its first day."""
        ...

    def day_ends(self, day: Day) -> Sequence[float]:
        """The quantities to order, by product."""
        ...

    def arrives(self, arrival: Arrival) -> None:
        """Goods came in, before the day's sales."""
        ...


class RuleOfThumb:
    """Below ``mean × lead time × safety``, counting what is on order: up to that and ``days`` more days of demand, or,
    without ``days``, up to twice the demand of the lead time. The mean is that of what was sold in the last 90 days;
    the true mean lead time is known to it."""

    def __init__(self, traces: Sequence[Trace], safety: float, days: float | None = REVIEW_DAYS) -> None:
        self._traces, self._days, self._safety = traces, days, safety
        self._windows: list[deque[int]] = [deque(maxlen=90) for _ in traces]
        self._coming = [0.0] * len(traces)

    def begins(self, on_hand: Sequence[int]) -> None:
        """See ``Policy``; the rule looks at the stock of the day."""

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
            quantity = float(ceil(up_to - position)) if position < point else 0.0
            self._coming[place] += quantity
            orders.append(quantity)
        return orders

    def arrives(self, arrival: Arrival) -> None:
        """See ``Policy``."""
        self._coming[arrival.place] -= arrival.quantity


class Engine:
    """The stock engine as it runs: events are folded and days closed as its actor does, and what it suggests is
    ordered. It is told the true mean lead times, as the rule is; how they scatter it learns."""

    def __init__(self, traces: Sequence[Trace], service_level: float) -> None:
        parameters = f'{{"service_level":{service_level},"review_period_days":{REVIEW_DAYS}}}'
        self.store = Store(NOBODY, ZoneInfo("UTC"), FIRST_DAY, parameters)
        self._ids = [UUID(int=place + 1) for place in range(len(traces))]
        for product_id, trace in zip(self._ids, traces, strict=True):
            product = Product(str(product_id), f'{{"lead_time_days":{trace.lead_time}}}', window_days=90)
            self.store.products[product_id.int] = product
        self._seq = 0

    def begins(self, on_hand: Sequence[int]) -> None:
        """See ``Policy``."""
        for place, quantity in enumerate(on_hand):
            self._moved(0, place, quantity)

    def day_ends(self, day: Day) -> Sequence[float]:
        """See ``Policy``."""
        store, number, at = self.store, day.number, _moment(day.number)
        items = tuple(
            SoldFigures(product_id=self._ids[place], quantity=quantity, line_total=quantity)
            for place, quantity in enumerate(day.sold)
            if quantity
        )
        if items:
            self._say(number, SaleFigures.model_construct(items=items))
        for place, quantity in enumerate(day.sold):
            if quantity:
                self._moved(number, place, day.on_hand[place])
        orders = []
        for product_id in self._ids:
            product = store.products[product_id.int]
            policy = store.policy_of(product)
            product.assess(policy, store.day, at)
            product.conclude(policy, store.day)
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


def _moment(number: int) -> datetime:
    return datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day, 12, tzinfo=UTC) + timedelta(days=number)
