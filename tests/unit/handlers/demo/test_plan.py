"""The demo store's plan without a database: believable, valid, and the same every time."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

from stdnum import ean
from stdnum.br import cnpj, cpf

from handlers.demo.calendar import is_open, when_open
from handlers.demo.goods import GOODS
from handlers.demo.jobs import JOBS
from handlers.demo.people import make_cnpj, make_cpf, make_people
from handlers.demo.plan import Plan
from handlers.demo.registers import _product

UNTIL = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)
ZONE = ZoneInfo("America/Sao_Paulo")


def plan(seed: str = "a", days: int = 60, size: float = 0.5) -> Plan:
    return Plan(seed=seed, days=days, until=UNTIL, zone=ZONE, size=size)


def told(the_plan: Plan) -> list[object]:
    return [
        the_plan.people,
        the_plan.opening(),
        [
            (
                day.date,
                day.bookings,
                day.prices,
                [(s.at, s.action, s.case.basket, s.reason) for s in day.steps],
            )
            for day in the_plan.run()
        ],
    ]


def test_the_catalogue_is_large_and_every_product_earns_something() -> None:
    assert len(GOODS) >= 150
    assert len({good.sku for good in GOODS}) == len({good.barcode for good in GOODS}) == len(GOODS)
    assert all(0 < good.cost < good.price for good in GOODS)


def test_every_product_is_accepted_by_the_rules_of_the_api() -> None:
    for good in GOODS:
        assert _product(good).barcode == good.barcode


def test_barcodes_are_in_store_numbers_with_a_right_check_digit() -> None:
    assert all(good.barcode.startswith("2") and ean.is_valid(good.barcode) for good in GOODS)


def test_jobs_ask_only_for_things_of_the_catalogue() -> None:
    known = {good.sku for good in GOODS}
    assert {sku for job in JOBS for thing in job.things for sku in thing.skus} <= known
    assert all(job.things[0].chance == 1 for job in JOBS)


def test_generated_documents_have_right_check_digits() -> None:
    dice = random.Random(7)
    assert all(cpf.is_valid(make_cpf(dice)) for _ in range(500))
    assert all(cnpj.is_valid(make_cnpj(dice)) for _ in range(500))


def test_customers_differ_and_are_people_and_companies() -> None:
    people = make_people(random.Random(1), 120)
    assert len({person.document for person in people}) == len({person.name for person in people}) == 120
    kinds = Counter(person.kind for person in people)
    assert min(kinds["person"], kinds["company"]) >= 30


def test_the_same_seed_makes_the_same_business_and_another_seed_another() -> None:
    assert told(plan()) == told(plan())
    assert told(plan()) != told(plan(seed="b"))


def test_nothing_happens_after_the_last_moment_or_on_sundays() -> None:
    steps = [step for day in plan().run() for step in day.steps]
    assert max(step.at for step in steps) <= UNTIL
    assert all(is_open(step.at.astimezone(ZONE).date()) for step in steps)


def test_the_steps_of_a_case_follow_each_other() -> None:
    cases: dict[int, list[datetime]] = {}
    for day in plan().run():
        for step in day.steps:
            cases.setdefault(step.case.number, []).append(step.at)
    assert all(earlier < later for moments in cases.values() for earlier, later in pairwise(moments))


def test_shelves_are_never_below_zero_however_the_cases_of_a_day_are_ordered() -> None:
    the_plan = plan(days=90, size=1)
    there: Counter[str] = Counter()
    for booking in the_plan.opening():
        there[booking.sku] += booking.quantity  # type: ignore[assignment]
    for day in the_plan.run():
        for booking in (booking for lorry in day.bookings for booking in lorry):
            there[booking.sku] += -booking.quantity if booking.kind == "loss" else booking.quantity  # type: ignore[assignment]
        for step in day.steps:
            if step.action in ("order", "convert"):
                there.subtract(step.case.basket)
        # Cancelled goods come back after everything else of the day.
        assert min(there.values()) >= 0
        for step in day.steps:
            if step.action == "cancel_order":
                there.update(step.case.basket)


def test_half_a_year_has_thousands_of_sales_with_strong_saturdays_and_slow_movers() -> None:
    days = list(plan(days=180, size=1).run())
    orders = [step for day in days for step in day.steps if step.action in ("order", "convert")]
    assert 4_000 <= len(orders) <= 5_500
    per_weekday = Counter(step.at.astimezone(ZONE).weekday() for step in orders)
    assert per_weekday[5] == max(per_weekday.values())
    lines = Counter(sku for step in orders for sku in step.case.basket)
    ranked = sorted(lines.values(), reverse=True)
    assert sum(ranked[: len(GOODS) // 5]) > 0.5 * sum(ranked)


def test_a_moment_outside_the_opening_hours_waits_for_the_next_opening() -> None:
    saturday_evening = datetime(2026, 11, 21, 20, 15, tzinfo=ZONE)
    assert when_open(saturday_evening, ZONE).astimezone(ZONE) == datetime(2026, 11, 23, 7, 45, tzinfo=ZONE)
    assert when_open(UNTIL, ZONE) == UNTIL


def test_prices_change_with_the_month_and_never_fall_below_cost() -> None:
    changed = [price for day in plan(days=120).run() for price in day.prices.items()]
    assert changed
    costs = {good.sku: good.cost for good in GOODS}
    assert all(price >= costs[sku] and price.quantize(Decimal("0.01")) == price for sku, price in changed)
