"""The units in which products are sold."""

from __future__ import annotations

from enum import StrEnum


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
