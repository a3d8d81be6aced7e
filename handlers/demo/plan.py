"""The plan of the demo store's business, day by day; the same for the same seed, size and last moment."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from handlers.demo.calendar import SALES_A_DAY, at, busyness, is_open, moment_of_sale, when_open
from handlers.demo.goods import BY_SKU, GOODS
from handlers.demo.jobs import fill_basket
from handlers.demo.people import Person, make_people
from handlers.demo.supply import Booking, Shelves

CUSTOMERS = 120

_QUOTE_SHARE, _DELIVERY_SHARE, _PICKUP_SHARE = 0.17, 0.07, 0.04
_REASONS = ("Comprou em outro lugar", "Achou o preço alto", "Obra adiada", "Mudou o projeto")
_CANCELLED = ("Cliente desistiu", "Endereço errado", "Pedido em duplicidade")


@dataclass(slots=True)
class Case:
    """One customer's business from the first step to the last; ``basket`` is what was left on the shelves for it."""

    number: int
    customer: int | None
    place: int | None
    fulfilment: str
    basket: Mapping[str, Decimal]
    discount_percent: Decimal = Decimal(0)
    validity_days: int = 7
    expires: date | None = None
    postponed: int = 0


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """Something done for a case: order, quote, send, approve, reject, convert, prepare, dispatch, ready, deliver,
    cancel_quote or cancel_order."""

    at: datetime
    number: int
    action: str = field(compare=False)
    case: Case = field(compare=False)
    reason: str | None = field(default=None, compare=False)


@dataclass(slots=True)
class Day:
    """What happens on one day: first the lorries, then the prices, then the steps, of which those of different
    cases may be written in any order."""

    date: date
    morning: datetime
    bookings: list[list[Booking]]
    prices: dict[str, Decimal]
    steps: list[Step]


class Plan:
    """A store's business over ``days`` days up to ``until``; ``size`` 1 is about 30 sales a day."""

    def __init__(self, *, seed: str, days: int, until: datetime, zone: ZoneInfo, size: float) -> None:
        self._dice = random.Random(f"{seed}/{days}/{size}")
        self._until, self._zone, self._size = until, zone, size
        last_day = until.astimezone(zone).date()
        self.dates = [last_day - timedelta(days=back) for back in reversed(range(days))]
        self.people: list[Person] = make_people(self._dice, CUSTOMERS)
        self._pulls = [person.pull for person in self.people]
        self._shelves = Shelves(self._dice, size, last_day)
        self._prices = {good.sku: good.price for good in GOODS}
        self._agenda: list[Step] = []
        self._cases = 0
        self._steps = 0

    def first_moment(self) -> datetime:
        """When the store began to keep its books with us."""
        return at(self.dates[0], time(6), self._zone)

    def opening(self) -> list[Booking]:
        """The stock it began with; to be called once, before ``run``."""
        return self._shelves.opening()

    def run(self) -> Iterator[Day]:
        """The days in order. What lies after ``until`` has not happened and stays open."""
        for number, today in enumerate(self.dates):
            morning = at(today, time(7), self._zone)
            bookings = self._shelves.arrivals(today, number / 30)
            if today.weekday() == 5 and (loss := self._shelves.broken()) is not None:
                bookings.append([loss])
            prices = self._new_prices() if number and today.day == 1 else {}
            self._open_cases(today)
            steps = list(self._steps_of(today))
            self._shelves.reorder(today)
            if morning <= self._until:
                yield Day(today, morning, bookings, prices, steps)

    def _steps_of(self, today: date) -> Iterator[Step]:
        """Today's steps in order of time; carrying one out may put the next one on the agenda."""
        tomorrow = at(today + timedelta(days=1), time(), self._zone)
        while self._agenda and self._agenda[0].at < tomorrow:
            step = heapq.heappop(self._agenda)
            if self._carry_out(step, today) and step.at <= self._until:
                yield step

    def _open_cases(self, today: date) -> None:
        mean = SALES_A_DAY * self._size * busyness(today)
        for _ in range(round(max(0.0, self._dice.gauss(mean, mean**0.5))) if is_open(today) else 0):
            luck = self._dice.random()
            fulfilment, first = "counter", "order"
            if luck < _QUOTE_SHARE:
                fulfilment, first = self._dice.choice(("delivery", "delivery", "pickup")), "quote"
            elif luck < _QUOTE_SHARE + _DELIVERY_SHARE:
                fulfilment = "delivery"
            elif luck < _QUOTE_SHARE + _DELIVERY_SHARE + _PICKUP_SHARE:
                fulfilment = "pickup"
            named = fulfilment != "counter" or self._dice.random() < 0.5
            self._cases += 1
            case = Case(
                self._cases,
                self._dice.choices(range(CUSTOMERS), self._pulls)[0] if named else None,
                None,
                fulfilment,
                fill_basket(self._dice, big=first == "quote" or fulfilment == "delivery"),
                self._dice.choice((Decimal(0),) * 6 + (Decimal(2), Decimal(3), Decimal(5))),
                self._dice.choice((2, 3, 5, 7, 7, 10)),
            )
            if case.customer is not None and fulfilment == "delivery" and self.people[case.customer].places:
                case.place = self._dice.randrange(len(self.people[case.customer].places))
            self._put(moment_of_sale(self._dice, today, self._zone), first, case)

    def _carry_out(self, step: Step, today: date) -> bool:
        """Whether the step happens; puts what follows from it on the agenda."""
        case, dice = step.case, self._dice
        match step.action:
            case "order":
                case.basket = self._shelves.take(case.basket)
                if not case.basket:
                    return False
                self._after_order(step)
            case "quote":
                luck = dice.random()
                if luck < 0.9:
                    self._later(step, "send", 0.1, 3)
                elif luck < 0.95:
                    self._later(step, "cancel_quote", 4, 40, _REASONS)
            case "send":
                case.expires = today + timedelta(days=case.validity_days)
                luck = dice.random()
                if luck < 0.68:
                    self._later(step, "approve", 0.5, 50)
                elif luck < 0.79:
                    self._later(step, "reject", 3, 60, _REASONS)
                elif luck < 0.83:
                    self._later(step, "cancel_quote", 3, 30, _REASONS)
            case "approve" | "reject" | "cancel_quote" if case.expires is not None and today > case.expires:
                return False
            case "approve":
                if dice.random() < 0.9:
                    self._later(step, "convert", 0.2, 30)
            case "convert":
                return self._convert(step, today)
            case "prepare":
                follows = "ready" if case.fulfilment == "pickup" else "dispatch"
                self._cancel_or(step, follows, 0.02)
            case "dispatch" | "ready":
                self._later(step, "deliver", 0.5, 4 if step.action == "dispatch" else 20)
            case "cancel_order":
                self._shelves.give_back(case.basket)
        return True

    def _convert(self, step: Step, today: date) -> bool:
        """A quote becomes an order as soon as all of it is there, unless it expires before that."""
        if step.case.expires is not None and today > step.case.expires:
            return False
        if self._shelves.take_all(step.case.basket):
            self._after_order(step)
            return True
        if step.case.postponed < 5:
            step.case.postponed += 1
            self._later(step, "convert", 23, 25)
        return False

    def _after_order(self, step: Step) -> None:
        if step.case.fulfilment != "counter":
            self._cancel_or(step, "prepare", 0.03)

    def _cancel_or(self, step: Step, follows: str, chance: float) -> None:
        if self._dice.random() < chance:
            self._later(step, "cancel_order", 0.3, 10, _CANCELLED)
        else:
            self._later(step, follows, 0.3, 12)

    def _later(
        self, step: Step, action: str, from_hours: float, to_hours: float, reasons: tuple[str, ...] = ()
    ) -> None:
        moment = step.at + timedelta(seconds=round(3600 * self._dice.uniform(from_hours, to_hours)))
        reason = self._dice.choice(reasons) if reasons else None
        self._put(when_open(moment, self._zone), action, step.case, reason)

    def _put(self, moment: datetime, action: str, case: Case, reason: str | None = None) -> None:
        self._steps += 1
        heapq.heappush(self._agenda, Step(moment, self._steps, action, case, reason))

    def _new_prices(self) -> dict[str, Decimal]:
        """The month's price changes: a few goods become dearer, seldom one cheaper."""
        changed = {}
        for good in self._dice.sample(GOODS, 9):
            factor = Decimal(str(round(self._dice.uniform(0.98, 1.06), 3)))
            price = (self._prices[good.sku] * factor).quantize(Decimal("0.1")) - Decimal("0.01")
            changed[good.sku] = self._prices[good.sku] = max(price, BY_SKU[good.sku].cost)
        return changed
