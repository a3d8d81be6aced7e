"""Lines of a table as rows of a register: which column is which field, and what its cells say. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from handlers.tables.cells import (
    Problem,
    UnreadableError,
    has_comma_decimals,
    plain_words,
    read_decimal,
    read_unit,
)
from handlers.tables.files import MAX_PREAMBLE, Line
from runtime.errors import RefusedError

Kind = Literal["text", "decimal", "flag", "unit", "choice"]

_QUOTED = re.compile(r"'[=+\-@]")
_FLAGS = {
    **dict.fromkeys(("sim", "s", "yes", "y", "true", "1", "ativo", "active", "x"), True),
    **dict.fromkeys(("nao", "n", "no", "false", "0", "inativo", "inactive"), False),
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a register: the headings it may have, without accents, case and punctuation, and how it is read."""

    name: str
    headings: tuple[str, ...]
    kind: Kind = "text"
    choices: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GivenRow:
    """What a row says; fields whose cells are empty are not there."""

    number: int
    values: Mapping[str, Any]


def read_rows(
    lines: Sequence[Line], fields: Sequence[Field], needed: Sequence[str]
) -> list[GivenRow | Problem]:
    """Every line below the headings as a row, or as the problem it has; 422 when no line has a heading for each of
    the ``needed`` fields."""
    start, columns = _find_headings(lines, fields, needed)
    body = lines[start + 1 :]
    # One column may be of whole numbers only: the whole file says how its decimals are written.
    told = {has_comma_decimals(body, column) for column, one in columns.items() if one.kind == "decimal"} - {
        None
    }
    comma_decimals = told.pop() if len(told) == 1 else None
    return [_read_row(line, columns, comma_decimals) for line in body]


def _find_headings(
    lines: Sequence[Line], fields: Sequence[Field], needed: Sequence[str]
) -> tuple[int, dict[int, Field]]:
    known = {heading: one for one in fields for heading in one.headings}
    for place, line in enumerate(lines[:MAX_PREAMBLE]):
        columns: dict[int, Field] = {}
        for column, cell in enumerate(line.cells):
            found = known.get(plain_words(cell))
            if found is not None and found not in columns.values():
                columns[column] = found
        if {*needed} <= {one.name for one in columns.values()}:
            return place, columns
    by_name = {one.name: one.headings[0] for one in fields}
    wanted = ", ".join(f"'{by_name[name]}'" for name in needed)
    raise RefusedError(
        "no_headings",
        f"No line has the headings {wanted}.",
        f"Nenhuma linha tem os títulos {wanted}.",
        422,
    )


def _read_row(line: Line, columns: Mapping[int, Field], comma_decimals: bool | None) -> GivenRow | Problem:
    values: dict[str, Any] = {}
    for column, one in columns.items():
        text = line.cells[column] if column < len(line.cells) else ""
        if not text:
            continue
        try:
            values[one.name] = _read_cell(one, text, comma_decimals)
        except UnreadableError as error:
            return Problem(line.number, one.name, error.code, error.en, error.pt)
    return GivenRow(line.number, values)


def _read_cell(one: Field, text: str, comma_decimals: bool | None) -> str | Decimal | bool:
    if one.kind == "decimal":
        return read_decimal(text, comma_decimals)
    if one.kind == "unit":
        return read_unit(text) or ""
    if one.kind == "flag":
        flag = _FLAGS.get(plain_words(text))
        if flag is None:
            raise UnreadableError("boolean", "'yes' or 'no' is expected.", "Espera-se 'sim' ou 'não'.")
        return flag
    if one.kind == "choice":
        return one.choices.get(plain_words(text), text)
    # Exports put an apostrophe before text that spreadsheets would take for a formula.
    return text[1:] if _QUOTED.match(text) else text
