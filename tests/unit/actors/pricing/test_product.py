"""One product's prices through the days, without a database."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from actors.pricing.parameters import Policy, policy
from actors.pricing.product import NO_END, Offer, Period, Product
from runtime.data.ids import NIL

FIRST = date(2026, 3, 2)
ZONE = ZoneInfo("America/Sao_Paulo")
NORTH, SOUTH = UUID(int=1), UUID(int=2)
USUAL = policy(None, None)


def on(number: int) -> date:
    return FIRST + timedelta(days=number)


def at(number: int) -> datetime:
    return datetime.combine(on(number), datetime.min.time(), ZONE)


def price(
    product: Product, supplier: UUID, cost: str, first: int = 0, last: int | None = None, **terms
) -> None:
    offer = product.offers.setdefault(supplier, Offer())
    offer.register(
        Period(
            on(first),
            NO_END if last is None else on(last),
            offer.registered + 1,
            Decimal(cost),
            Decimal(terms.get("minimum", 0)),
            terms.get("days", 0),
            None,
        )
    )


def look(product: Product, number: int, by: Policy = USUAL) -> Product:
    product.advance(on(number), ZONE, by)
    product.assess(on(number), at(number), by)
    return product


def test_a_promotion_gives_way_to_the_regular_price_by_itself() -> None:
    product = Product()
    price(product, NORTH, "10")
    price(product, NORTH, "8", first=5, last=9)
    costs = {number: look(product, number).base_cost for number in (0, 4, 5, 9, 10)}
    assert costs == {0: 10, 4: 10, 5: 8, 9: 8, 10: 10}
    offer = product.offers[NORTH]
    assert (offer.previous, offer.changed_on) == (8, on(10))


def test_the_last_price_registered_for_the_same_days_holds() -> None:
    product = Product()
    price(product, NORTH, "10")
    price(product, NORTH, "11")
    assert look(product, 0).base_cost == 11
    offer = product.offers[NORTH]
    assert (offer.registered, offer.lowest, offer.highest, len(offer.periods)) == (2, 10, 11, 1)


def test_a_rise_is_told_at_once_and_forgotten_when_it_is_usual() -> None:
    product = Product()
    price(product, NORTH, "10")
    price(product, NORTH, "11.50", first=40)
    look(product, 39)
    assert product.alerts["variation", NORTH].status == "none"
    alert = look(product, 40).alerts["variation", NORTH]
    assert (alert.status, alert.finding.kind, alert.finding.risk) == ("open", "price_rise", "medium")
    assert alert.opened_at == at(40)
    look(product, 69)
    assert alert.status == "open"
    product.advance(on(90), ZONE, USUAL)
    assert (alert.status, alert.closed_at) == ("closed", at(70))


def test_small_steps_add_up_to_a_rise_and_a_fall_reopens_as_another_kind() -> None:
    product = Product()
    for number, cost in enumerate(("10", "10.40", "10.80", "11.20")):
        price(product, NORTH, cost, first=number * 5)
    alert = look(product, 14).alerts["variation", NORTH]
    assert alert.status == "none"
    look(product, 15)
    assert (alert.status, alert.finding.reference, alert.opened_at) == ("open", 10, at(15))
    price(product, NORTH, "7", first=16)
    look(product, 16)
    assert (alert.finding.kind, alert.finding.risk, alert.opened_at) == ("price_drop", "low", at(16))


def test_the_threshold_itself_is_enough() -> None:
    product = Product()
    price(product, NORTH, "10")
    price(product, NORTH, "11", first=1)
    assert look(product, 1).alerts["variation", NORTH].status == "open"
    wider = policy('{"variation_percent": "10.01"}', None)
    assert look(product, 2, wider).alerts["variation", NORTH].status == "closed"


def test_time_to_pay_decides_between_near_prices() -> None:
    product = Product()
    price(product, NORTH, "10")
    price(product, SOUTH, "10.10", days=60)
    assert look(product, 0).best() is product.offers[SOUTH]
    free = policy('{"monthly_money_percent": 0}', None)
    assert look(product, 0, free).best() is product.offers[NORTH]


def test_a_large_minimum_costs_what_it_binds() -> None:
    product = Product()
    for number in (0, 10, 20):
        product.receive(on(number), NORTH, Decimal(20), Decimal(10))
    assert (product.usual_quantity, product.daily_use) == (20, 2)
    price(product, NORTH, "10")
    price(product, SOUTH, "9.95", minimum=100)
    assert look(product, 20).best() is product.offers[NORTH]
    assert product.offers[SOUTH].landed > 10


def test_receipts_of_one_day_are_one_receipt() -> None:
    product = Product()
    product.receive(on(0), NORTH, Decimal(20), Decimal(10))
    product.receive(on(0), SOUTH, Decimal(10), Decimal(9))
    assert (product.receipts, product.usual_quantity, product.daily_use) == (1, 30, 0)
    assert (product.paid, product.paid_supplier_id) == (9, SOUTH)


def test_the_base_cost_follows_the_method_and_falls_back() -> None:
    product = Product(cost=Decimal("12"))
    best, average, last = (
        policy(f'{{"cost_method": "{name}"}}', None) for name in ("best", "average", "last")
    )

    def cost(by: Policy) -> tuple[Decimal | None, str | None]:
        look(product, 0, by)
        return product.base_cost, product.base_source

    assert cost(best) == cost(average) == cost(last) == (12, "product")
    product.receive(on(0), NORTH, Decimal(1), Decimal("11"))
    assert cost(best) == cost(average) == cost(last) == (11, "last")
    price(product, NORTH, "10")
    price(product, SOUTH, "9")
    assert (cost(best), cost(average), cost(last)) == ((9, "best"), (Decimal("9.5"), "average"), (11, "last"))


def test_a_margin_below_the_floor_is_told_until_the_price_is_right() -> None:
    product = Product(price=Decimal("10"))
    price(product, NORTH, "8.51")
    alert = look(product, 0).alerts["margin", NIL]
    assert (alert.status, alert.finding.kind, alert.finding.risk) == ("open", "margin", "medium")
    product.price = Decimal("8.51")
    assert look(product, 1).alerts["margin", NIL].finding.risk == "high"
    product.price = Decimal("10.02")
    look(product, 2)
    assert (alert.status, alert.opened_at, alert.closed_at) == ("closed", at(0), at(2))


def test_what_is_not_sold_any_more_needs_no_alert() -> None:
    product = Product(price=Decimal("10"))
    price(product, NORTH, "10")
    price(product, NORTH, "20", first=1)
    look(product, 1)
    assert {alert.status for alert in product.alerts.values()} == {"open"}
    product.active = False
    look(product, 2)
    assert {alert.status for alert in product.alerts.values()} == {"closed"}


def test_the_window_holds_what_began_in_it_and_what_counted_before() -> None:
    product = Product()
    for number, cost in ((0, "10"), (50, "12"), (200, "14"), (300, "99")):
        price(product, NORTH, cost, first=number)
    look(product, 229).conclude(on(229), USUAL)
    offer = product.offers[NORTH]
    assert (offer.prices, offer.mean, offer.stability) == (3, 12.0, "volatile"), "10 counted on day 49"
    product.advance(on(230), ZONE, USUAL)
    product.conclude(on(230), USUAL)
    assert (offer.prices, offer.mean, offer.stability) == (2, 13.0, "variable")
