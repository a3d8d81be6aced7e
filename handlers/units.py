"""The units in which products are sold, and how many of them another unit holds."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from runtime.web.fields import Body, Quantity
from runtime.web.problems import field_refused


class Unit(StrEnum):
    """Units of sale, by the abbreviations used on Brazilian invoices."""

    UNIT = "UN"
    PIECE = "PC"
    SACK = "SC"
    KILOGRAM = "KG"
    GRAM = "G"
    TONNE = "T"
    METRE = "M"
    SQUARE_METRE = "M2"
    CUBIC_METRE = "M3"
    LITRE = "L"
    MILLILITRE = "ML"
    BOX = "CX"
    PACKET = "PCT"
    ROLL = "RL"
    BAR = "BR"
    SET = "CJ"
    PAIR = "PAR"
    GALLON = "GL"
    TIN = "LT"
    BUCKET = "BD"
    BALE = "FD"
    THOUSAND = "MIL"
    CARTON = "CT"
    PALLET = "PL"


class UnitConversion(Body):
    """One ``unit`` holds ``quantity`` of the product's own unit: 1 pallet (PL) = 50 sacks."""

    unit: Unit
    quantity: Quantity


def _each_unit_once(conversions: list[UnitConversion]) -> list[UnitConversion]:
    if len({conversion.unit for conversion in conversions}) != len(conversions):
        raise ValueError("A unit is converted twice.|Uma unidade é convertida duas vezes.")
    return conversions


UnitConversions = Annotated[
    list[UnitConversion],
    Field(max_length=10, examples=[[{"unit": "PL", "quantity": "50"}]]),
    AfterValidator(_each_unit_once),
]


def check_conversions(unit: str, conversions: Sequence[UnitConversion]) -> None:
    """Refuse (422) a conversion of the product's own unit into itself."""
    if any(conversion.unit == unit for conversion in conversions):
        raise field_refused(
            "/unit_conversions",
            "own_unit",
            "The product's own unit is not converted.",
            "A unidade do próprio produto não se converte.",
        )
