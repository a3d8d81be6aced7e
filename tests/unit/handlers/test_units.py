"""Quantities in other units are exactly the same in the product's own: nothing is rounded, and packs stay whole."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from handlers.units import ProductUnits, Unit, UnitConversion, check_units
from runtime.errors import FieldProblem, InvalidError

QUANTITIES = st.decimals("0.001", "999999.999", places=3)
FACTORS = st.tuples(st.decimals("0.001", "9999.999", places=3), st.decimals("0.001", "9999.999", places=3))

TILE = ProductUnits(
    "M2", [{"unit": "CX", "quantity": "2.320", "units": "1.000", "sale": True, "purchase": True}], "CX"
)
BAR = ProductUnits(
    "M", [{"unit": "PC", "quantity": "1.000", "units": "3.000", "sale": True, "purchase": False}]
)
CEMENT = ProductUnits(
    "SC", [{"unit": "PL", "quantity": "50.000", "units": "1.000", "sale": False, "purchase": True}]
)


def converted(quantity: Decimal, units: Decimal, pack: str | None = None) -> ProductUnits:
    conversion = {
        "unit": "CX",
        "quantity": str(quantity),
        "units": str(units),
        "sale": True,
        "purchase": True,
    }
    return ProductUnits("M2", [conversion], pack)


def refusal(units: ProductUnits, quantity: str, unit: str | None, use: str = "sale") -> FieldProblem:
    with pytest.raises(InvalidError) as error:
        units.measure(Decimal(quantity), unit, use, "/items/0")  # type: ignore[arg-type]
    [problem] = error.value.fields
    return problem


@given(FACTORS, QUANTITIES)
def test_what_is_taken_is_exactly_the_same_in_both_units(
    factor: tuple[Decimal, Decimal], quantity: Decimal
) -> None:
    units = converted(*factor)
    try:
        measured = units.measure(quantity, "CX", "sale", "")
    except InvalidError:
        exact = Fraction(quantity) * Fraction(factor[0]) / Fraction(factor[1])
        assert (exact * 1000).denominator > 1 or exact > Fraction("99999999999.999")
        return
    assert Fraction(measured.stock_quantity) * Fraction(factor[1]) == Fraction(quantity) * Fraction(factor[0])
    assert Fraction(measured.stock_quantity) / (units.factor("CX") or 1) == Fraction(quantity)


@given(FACTORS, st.lists(QUANTITIES, min_size=1, max_size=10))
def test_lines_add_up_to_what_their_sum_is(
    factor: tuple[Decimal, Decimal], quantities: list[Decimal]
) -> None:
    units = converted(*factor)
    try:
        parts = [units.measure(one, "CX", "stock", "", round_up=True) for one in quantities]
        whole = units.measure(sum((part.quantity for part in parts), Decimal(0)), "CX", "stock", "")
    except InvalidError as refused:
        assert refused.fields[0].code == "too_large"  # noqa: PT017
        return
    assert whole.stock_quantity == sum(part.stock_quantity for part in parts)


@given(FACTORS, QUANTITIES, st.sampled_from(["M2", "CX"]))
def test_rounding_up_ends_at_the_next_whole_pack_and_never_below_what_was_asked(
    factor: tuple[Decimal, Decimal], quantity: Decimal, unit: str
) -> None:
    units = converted(*factor, pack="CX")
    pack = units.factor("CX")
    assert pack is not None
    try:
        measured = units.measure(quantity, unit, "sale", "", round_up=True)
    except InvalidError as refused:
        assert refused.fields[0].code == "too_large"  # noqa: PT017
        return
    packs = Fraction(measured.stock_quantity) / pack
    assert packs.denominator == 1
    assert measured.quantity >= quantity
    assert Fraction(measured.stock_quantity) == Fraction(measured.quantity) * (units.factor(unit) or 0)
    assert units.measure(measured.quantity, unit, "sale", "") == measured


@given(FACTORS, QUANTITIES, st.booleans())
def test_the_quantities_named_in_a_refusal_are_the_nearest_that_are_taken(
    factor: tuple[Decimal, Decimal], quantity: Decimal, packed: bool
) -> None:
    units = converted(*factor, pack="CX" if packed else None)
    try:
        above = units.measure(quantity, "CX", "sale", "", round_up=True).quantity
    except InvalidError:
        assume(False)
        return
    thousandth = Decimal("0.001")
    if above == quantity:
        return
    between = [
        quantity,
        above - thousandth,
        *([quantity + thousandth] if quantity + thousandth < above else []),
    ]
    for refused in between:
        with pytest.raises(InvalidError):
            units.measure(refused, "CX", "sale", "")


def test_boxes_of_tiles_are_square_metres() -> None:
    boxes = TILE.measure(Decimal(5), "CX", "sale", "/items/0")
    assert (boxes.unit, boxes.quantity, boxes.stock_quantity) == ("CX", Decimal(5), Decimal("11.6"))


def test_ten_square_metres_of_tiles_in_boxes_are_refused_with_the_next_whole_boxes_named() -> None:
    problem = refusal(TILE, "10", None)
    assert (problem.pointer, problem.code) == ("/items/0/quantity", "not_whole")
    assert problem.en == "Only whole CX: 9.28 M2 (4 CX) or 11.6 M2 (5 CX)."
    assert problem.pt == "Somente CX inteiros: 9,28 M2 (4 CX) ou 11,6 M2 (5 CX)."


def test_less_than_a_box_can_only_become_one() -> None:
    assert refusal(TILE, "0.5", "CX").en == "Only whole CX: 1 CX."


def test_asked_to_round_up_ten_square_metres_become_five_boxes() -> None:
    measured = TILE.measure(Decimal(10), None, "sale", "", round_up=True)
    assert (measured.unit, measured.quantity, measured.stock_quantity) == (
        "M2",
        Decimal("11.6"),
        Decimal("11.6"),
    )


def test_the_stock_may_have_a_broken_box() -> None:
    assert TILE.measure(Decimal("-0.5"), "CX", "stock", "").stock_quantity == Decimal("-1.16")


def test_a_third_of_a_metre_is_not_written_down_as_something_else() -> None:
    problem = refusal(BAR, "1", "PC")
    assert problem.code == "inexact"
    assert (
        problem.en
        == "This is no whole number of thousandths of M; possible: 0.999 PC (0.333 M) or 1.002 PC (0.334 M)."
    )
    assert BAR.measure(Decimal(3), "PC", "sale", "").stock_quantity == 1


def test_units_are_for_what_the_catalogue_says() -> None:
    assert refusal(CEMENT, "1", "PL").code == "not_sold"
    assert refusal(BAR, "3", "PC", "purchase").code == "not_bought"
    assert refusal(CEMENT, "1", "KG").code == "unknown_unit"
    assert CEMENT.measure(Decimal(2), "PL", "purchase", "").stock_quantity == 100
    assert CEMENT.measure(Decimal(2), "PL", "stock", "").stock_quantity == 100


def test_more_than_a_column_holds_is_refused() -> None:
    assert refusal(CEMENT, "99999999999.999", "PL", "purchase").code == "too_large"


def test_a_pack_must_be_a_unit_that_the_product_has() -> None:
    conversions = [UnitConversion(unit=Unit.BOX, quantity=Decimal("2.32"))]
    check_units("M2", conversions, "CX", "M2")
    for packs in (("PL", None), (None, "PL")):
        with pytest.raises(InvalidError):
            check_units("M2", conversions, *packs)
