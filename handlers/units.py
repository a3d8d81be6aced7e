"""The units in which goods are counted, and how much of one another holds: rational, so that nothing is lost.

A product is counted in one unit, its own: stock, engines and reports know no other. It may be sold and bought in
others. A quantity in another unit is taken only when it is a whole number of thousandths of the product's own unit:
nothing is rounded on the way, so three thirds are one, and sums of lines are what their sum would be.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StrictBool

from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.errors import FieldProblem, InvalidError
from runtime.web.fields import MAX_QUANTITY, Body, Quantity
from runtime.web.problems import field_refused

# Quantities are numeric(14,3).
_THOUSAND = 1000

Use = Literal["sale", "purchase", "stock"]


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
    """``units`` of ``unit`` hold ``quantity`` of the product's own unit: 1 pallet (PL) = 50 sacks, 3 pieces = 1 m.

    ``sale`` and ``purchase`` say where the unit may be used; the stock may be counted in every one.
    """

    unit: Unit
    quantity: Quantity
    units: Quantity = Decimal(1)
    sale: StrictBool = True
    purchase: StrictBool = True


def _each_unit_once(conversions: list[UnitConversion]) -> list[UnitConversion]:
    if len({conversion.unit for conversion in conversions}) != len(conversions):
        raise ValueError("A unit is converted twice.|Uma unidade é convertida duas vezes.")
    return conversions


UnitConversions = Annotated[
    list[UnitConversion],
    Field(max_length=10, examples=[[{"unit": "PL", "quantity": "50"}]]),
    AfterValidator(_each_unit_once),
]


def check_units(
    unit: str, conversions: Sequence[UnitConversion], sale_pack: str | None, purchase_pack: str | None
) -> None:
    """Refuse (422) a conversion of the product's own unit into itself, and packs in units that it does not have."""
    if any(conversion.unit == unit for conversion in conversions):
        raise field_refused(
            "/unit_conversions",
            "own_unit",
            "The product's own unit is not converted.",
            "A unidade do próprio produto não se converte.",
        )
    sold = {unit, *(conversion.unit for conversion in conversions if conversion.sale)}
    bought = {unit, *(conversion.unit for conversion in conversions if conversion.purchase)}
    for name, pack, known in (("sale_pack", sale_pack, sold), ("purchase_pack", purchase_pack, bought)):
        if pack is not None and pack not in known:
            raise field_refused(
                f"/{name}",
                "unknown_unit",
                f"The product is not traded so in {pack}.",
                f"O produto não é negociado assim em {pack}.",
            )


@dataclass(frozen=True, slots=True)
class Measured:
    """A quantity in the unit it was given in, and exactly the same in the product's own unit."""

    unit: str
    quantity: Decimal
    stock_quantity: Decimal


@dataclass(frozen=True, slots=True)
class ProductUnits:
    """A product's own unit, what others hold of it (rows as stored), and of which only whole ones are traded."""

    own: str
    conversions: Sequence[Mapping[str, Any]] = ()
    sale_pack: str | None = None
    purchase_pack: str | None = None

    def factor(self, unit: str) -> Fraction | None:
        """How many of the product's own unit one ``unit`` holds; None for a unit that the product does not have."""
        ratio = self.ratio(unit)
        return None if ratio is None else Fraction(ratio[1]) / Fraction(ratio[0])

    def ratio(self, unit: str) -> tuple[Decimal, Decimal] | None:
        """How many of ``unit`` hold how many of the product's own, as the catalogue writes it."""
        if unit == self.own:
            return Decimal(1), Decimal(1)
        for conversion in self.conversions:
            if conversion["unit"] == unit:
                return Decimal(conversion["units"]), Decimal(conversion["quantity"])
        return None

    def is_for(self, unit: str, use: Use) -> bool:
        """Whether the unit may be used so: the product's own for everything, and the stock is counted in any."""
        return use == "stock" or all(one[use] for one in self.conversions if one["unit"] == unit)

    def measure(
        self,
        quantity: Decimal,
        unit: str | None,
        use: Use,
        at: str,
        *,
        round_up: bool = False,
        field: str = "quantity",
    ) -> Measured:
        """The quantity (negative for what leaves) in the product's own unit, without which it is in that already.

        Refused (422, at ``at``/``field``): a unit that is not for this use, and a quantity that no number of
        thousandths of the own unit equals or that breaks a pack, unless ``round_up`` asks for the next that does not.
        """
        unit = unit or self.own
        pack = {"sale": self.sale_pack, "purchase": self.purchase_pack, "stock": None}[use]
        if unit == self.own and pack is None:
            return Measured(unit, quantity, quantity)
        factor = self._usable_factor(unit, use, at)
        held = self.factor(pack) if pack else None
        step = _step(factor, held)
        thousandths = int(quantity * _THOUSAND)
        steps, rest = divmod(thousandths, step)
        if rest and not round_up:
            raise InvalidError(self._between(steps * step, step, unit, factor, pack, held, f"{at}/{field}"))
        thousandths = (steps + bool(rest)) * step
        given = Decimal(thousandths) / _THOUSAND
        stock = Decimal(int(thousandths * factor)) / _THOUSAND
        if max(abs(given), abs(stock)) > MAX_QUANTITY:
            raise InvalidError(
                FieldProblem(
                    f"{at}/{field}",
                    "too_large",
                    "The quantity is more than 99,999,999,999.999.",
                    "A quantidade passa de 99.999.999.999,999.",
                )
            )
        return Measured(unit, given, stock)

    def in_packs(self, quantity: Decimal, pack: str) -> tuple[Decimal, Decimal] | None:
        """The next quantity of the own unit, from this one up, that is a whole number of packs, and that number.

        None for a unit that the product is not bought in, and for more than can be written down.
        """
        held = self.factor(pack)
        if held is None or not self.is_for(pack, "purchase"):
            return None
        grain = _grain(held)
        thousandths = -(-int(quantity * _THOUSAND) // grain) * grain
        packs = thousandths / (held * _THOUSAND)
        if max(Fraction(thousandths, _THOUSAND), packs) > MAX_QUANTITY:
            return None
        return Decimal(thousandths) / _THOUSAND, Decimal(int(packs))

    def _usable_factor(self, unit: str, use: Use, at: str) -> Fraction:
        factor = self.factor(unit)
        if factor is None:
            raise field_refused(
                f"{at}/unit",
                "unknown_unit",
                f"The product has no conversion of {unit} into {self.own}.",
                f"O produto não tem conversão de {unit} para {self.own}.",
            )
        if not self.is_for(unit, use):
            english, portuguese = ("sold", "vende") if use == "sale" else ("bought", "compra")
            raise field_refused(
                f"{at}/unit",
                f"not_{english}",
                f"The product is not {english} in {unit}.",
                f"O produto não se {portuguese} em {unit}.",
            )
        return factor

    def _between(
        self,
        below: int,
        step: int,
        unit: str,
        factor: Fraction,
        pack: str | None,
        held: Fraction | None,
        at: str,
    ) -> FieldProblem:
        """What could be had instead: the next quantity below, if it is one at all, and the next above."""
        beside, size = (pack, factor / held) if pack and held else (self.own, factor)
        near = [
            _number(Fraction(thousandths, _THOUSAND), unit)
            + ("" if beside == unit else f" ({_number(Fraction(thousandths, _THOUSAND) * size, beside)})")
            for thousandths in (below, below + step)
            if thousandths > 0
        ]
        english = " or ".join(near)
        portuguese = " ou ".join(near).replace(".", ",")
        if pack:
            return FieldProblem(
                at,
                "not_whole",
                f"Only whole {pack}: {english}.",
                f"Somente {pack} inteiros: {portuguese}.",
            )
        return FieldProblem(
            at,
            "inexact",
            f"This is no whole number of thousandths of {self.own}; possible: {english}.",
            f"Não é um número inteiro de milésimos de {self.own}; possível: {portuguese}.",
        )


def line_units(own: str, own_quantity: Decimal, traded: str, traded_quantity: Decimal) -> ProductUnits:
    """The two units of a line as they were when it was written, whatever the catalogue says now."""
    held = {"unit": traded, "quantity": own_quantity, "units": traded_quantity}
    return ProductUnits(own, [] if own == traded else [held])


async def read_units(tx: TenantTransaction, product_ids: Collection[UUID]) -> dict[UUID, ProductUnits]:
    """The units of those of the products that the store has."""
    rows = await tx.fetch_all(sql.find_product_units, product_ids=list(product_ids))
    return {
        row["id"]: ProductUnits(row["unit"], row["unit_conversions"], row["sale_pack"], row["purchase_pack"])
        for row in rows
    }


def _step(factor: Fraction, held: Fraction | None) -> int:
    """Of which number of thousandths of a unit only multiples are whole thousandths of the own one, and whole packs.

    A multiple of a pack p/q (in thousandths, in lowest terms) is whole when it is one of p; n thousandths of a unit
    with factor f are a multiple of p when the lowest denominator of f/p divides n.
    """
    return (factor / (1 if held is None else _grain(held))).denominator


def _grain(held: Fraction) -> int:
    """Of which number of thousandths all whole thousandths in packs that hold ``held`` are multiples."""
    return (held * _THOUSAND).numerator


def _number(amount: Fraction, unit: str) -> str:
    """A quantity as people write it; what has no end as a decimal is cut after three places."""
    shown = Decimal(int(amount * _THOUSAND)) / _THOUSAND
    return f"{shown.normalize():f} {unit}"
