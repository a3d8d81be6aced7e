"""What the cells of a table say: headings compared, numbers read as people write them. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from handlers.tables.files import Line
from handlers.units import Unit

# What units are called beside their abbreviations, in the singular.
_UNIT_NAMES = {
    "UND": "UN", "UNID": "UN", "UNIDADE": "UN", "UNIT": "UN", "PECA": "PC", "SACO": "SC", "QUILO": "KG",
    "TONELADA": "T", "TON": "T", "METRO": "M", "MT": "M", "LITRO": "L", "CAIXA": "CX", "PACOTE": "PCT", "ROLO": "RL",
    "BARRA": "BR", "CONJUNTO": "CJ", "GALAO": "GL", "LATA": "LT", "BALDE": "BD", "FARDO": "FD", "MILHEIRO": "MIL",
    "PALETE": "PL", "PALLET": "PL", "BOX": "CX", "PIECE": "PC", "SACK": "SC", "BAG": "SC",
}  # fmt: skip
_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)*")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row is not taken, in both languages; ``column`` is the heading's meaning."""

    row: int
    column: str | None
    code: str
    en: str
    pt: str


class UnreadableError(ValueError):
    """A cell that is not what its column says; the code and both sentences."""

    def __init__(self, code: str, en: str, pt: str) -> None:
        super().__init__(en)
        self.code, self.en, self.pt = code, en, pt


def plain_words(heading: str) -> str:
    """Without accents, case and punctuation."""
    letters = unicodedata.normalize("NFKD", heading[:80].lower())
    words = re.sub(r"[^a-z0-9]+", " ", "".join(c for c in letters if not unicodedata.combining(c)))
    return words.strip()


def has_comma_decimals(lines: Sequence[Line], column: int) -> bool | None:
    """Whether the list's prices have decimal commas; None when no price tells."""
    cells = [line.cells[column] for line in lines if column < len(line.cells)]
    if any(re.search(r",[0-9]{1,2}$|,[0-9]{4,}$", cell) for cell in cells):
        return True
    if any(re.search(r"\.[0-9]{1,2}$|\.[0-9]{4,}$", cell) for cell in cells):
        return False
    return None


def read_decimal(text: str, comma_decimals: bool | None) -> Decimal:
    """A number as typed: "R$ 1.234,56", "1,234.56", "12.9". "1.234" alone is read as the rest of the list writes
    numbers (``comma_decimals``), and refused when nothing tells."""
    bare = (
        text.upper().replace("R$", "").replace("BRL", "").replace("\N{NO-BREAK SPACE}", "").replace(" ", "")
    )
    if not bare:
        raise UnreadableError("missing", "The number is missing.", "Falta o número.")
    if _NUMBER.fullmatch(bare) is None or len(bare) > 30:
        raise UnreadableError("not_a_number", "This is not a number.", "Isto não é um número.")
    separators = [c for c in bare if c in ".,"]
    if not separators:
        return Decimal(bare)
    last = separators[-1]
    other = "." if last == "," else ","
    if other in separators:
        # Both: the last one is the decimal separator, and it stands once.
        if separators.count(last) > 1:
            raise UnreadableError("not_a_number", "This is not a number.", "Isto não é um número.")
        return Decimal(bare.replace(other, "").replace(last, "."))
    if len(separators) > 1:
        return Decimal(bare.replace(last, ""))
    if len(bare) - bare.index(last) == 4 and not bare.startswith("0"):
        if comma_decimals is None:
            raise UnreadableError(
                "ambiguous_number",
                f"'{bare}' may be read in two ways; write it with two decimals.",
                f"'{bare}' pode ser lido de duas formas; escreva com duas casas decimais.",
            )
        return Decimal(bare.replace(last, "." if (last == ",") == comma_decimals else ""))
    return Decimal(bare.replace(last, "."))


def read_unit(text: str) -> Unit | None:
    """A unit by its abbreviation or its name, "CX", "caixa" or "m²"; none where nothing stands."""
    plain = plain_words(text.replace("²", "2").replace("³", "3")).replace(" ", "").upper()
    if not plain:
        return None
    singular = plain.removesuffix("S") if len(plain) > 2 else plain
    name = _UNIT_NAMES.get(singular, singular)
    if name not in set(Unit):
        raise UnreadableError(
            "unknown_unit", f"'{text[:20]}' is not a unit.", f"'{text[:20]}' não é uma unidade."
        )
    return Unit(name)
