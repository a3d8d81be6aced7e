"""Amounts are exact and rounded half up; a seller's discount is measured whichever way it is given."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import floor

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handlers.discounts import check_discount, given_discount
from handlers.lines import Line, line_total, round_half_up, total_up
from runtime.data.ids import new_id
from runtime.errors import InvalidError, RefusedError

PRICES = st.decimals("0", "999999999999.99", places=2)
QUANTITIES = st.decimals("0.001", "99999999999.999", places=3)
PERCENTS = st.decimals("0", "100", places=2)
LINE_TOTALS = st.lists(st.decimals("0", "1000000.00", places=2), min_size=1, max_size=30)


def half_up(amount: Fraction) -> Fraction:
    """The definition, in whole numbers: add half a cent and cut."""
    return Fraction(floor(amount * 100 + Fraction(1, 2)), 100)


def line(base: str, price: str, discount: str = "0") -> Line:
    return Line(
        id=new_id(),
        product_id=new_id(),
        unit="UN",
        quantity=Decimal(1),
        sold_unit="UN",
        sold_quantity=Decimal(1),
        base_price=Decimal(base),
        base_price_unit="UN",
        unit_price=Decimal(price),
        price_unit="UN",
        discount_percent=Decimal(discount),
        line_total=Decimal(0),
        price_source="base",
        note=None,
    )


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [("0.005", "0.01"), ("0.0049999", "0.00"), ("1.115", "1.12"), ("2.675", "2.68"), ("10", "10.00")],
)
def test_half_a_cent_goes_up(amount: str, rounded: str) -> None:
    assert str(round_half_up(Decimal(amount))) == rounded


@given(QUANTITIES, PRICES, PERCENTS)
def test_a_line_is_its_exact_product_rounded_half_up(
    quantity: Decimal, price: Decimal, discount: Decimal
) -> None:
    exact = Fraction(quantity) * Fraction(price) * (100 - Fraction(discount)) / 100
    assert Fraction(line_total(quantity, price, discount)) == half_up(exact)


@given(LINE_TOTALS, PERCENTS)
def test_a_total_is_the_subtotal_less_a_discount_rounded_once(
    lines: list[Decimal], discount: Decimal
) -> None:
    totals = total_up(lines, discount)
    assert totals.subtotal == sum(lines)
    assert Fraction(totals.discount_amount) == half_up(Fraction(totals.subtotal) * Fraction(discount) / 100)
    assert totals.total == totals.subtotal - totals.discount_amount
    assert 0 <= totals.total <= totals.subtotal


def test_a_sum_that_no_column_can_hold_is_refused() -> None:
    with pytest.raises(InvalidError) as error:
        total_up([Decimal("999999999999.99"), Decimal("0.01")], Decimal(0))
    assert error.value.fields[0].pointer == "/items"


@example(Decimal("11632245.71"), Decimal("0.01"), Decimal(0), Decimal(0))
@given(PRICES, PRICES, PERCENTS, PERCENTS)
def test_no_way_of_giving_a_discount_hides_another(
    base: Decimal, price: Decimal, own: Decimal, overall: Decimal
) -> None:
    found = given_discount(line(str(base), str(price), str(own)), overall)
    if max(base, price) == 0:
        assert found == 0
        return
    tolerance = Decimal("1e-40")
    assert found >= own - tolerance
    assert found >= overall - tolerance
    assert found <= 100
    if price < base:
        assert Fraction(found) >= 100 * (1 - Fraction(price) / Fraction(base)) - Fraction(tolerance)


@pytest.mark.parametrize(
    ("priced", "overall", "allowed"),
    [
        (line("100", "100", "5"), "0", True),
        (line("100", "100", "5.01"), "0", False),
        (line("100", "100", "3"), "2.06", True),
        (line("100", "100", "3"), "2.07", False),
        (line("100", "95"), "0", True),
        (line("100", "94.99"), "0", False),
        (line("100", "200", "50"), "0", False),
        (line("0", "0", "100"), "0", True),
    ],
)
def test_a_seller_gives_at_most_the_stores_limit(priced: Line, overall: str, allowed: bool) -> None:
    limit = Decimal(5)
    if allowed:
        check_discount("seller", limit, [priced], Decimal(overall))
    else:
        with pytest.raises(RefusedError) as error:
            check_discount("seller", limit, [priced], Decimal(overall))
        assert (error.value.status, error.value.extra) == (403, {"limit_percent": "5", "items": [0]})
    check_discount("owner", limit, [priced], Decimal(overall))
    check_discount("finance", limit, [priced], Decimal(overall))
