"""The field types of requests and answers: bounded, strict about form, decimals as strings on the wire."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

MAX_MONEY = Decimal("999999999999.99")
MAX_QUANTITY = Decimal("99999999999.999")

_DECIMAL_FORM = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")
_WRITTEN = r"^-?[0-9]{1,15}(\.[0-9]{1,15})?$"
_ONE_LINE = r"^[^\x00-\x1f\x7f]*$"
_MANY_LINES = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_EMAIL = re.compile(rf"[^@\s\x00-\x1f\"(),:;<>\[\]\\]{{1,64}}@(?:{_LABEL}\.)*{_LABEL}")
_EMAIL_AS_TYPED = f"^{_EMAIL.pattern.replace('a-z', 'A-Za-z')}$"


class Body(BaseModel):
    """Base of what clients send: unknown fields are refused, so a typing error never passes silently."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class View(BaseModel):
    """Base of what clients get; describes the JSON that the database builds."""

    model_config = ConfigDict(frozen=True)


def _decimal_reader(low: Decimal, high: Decimal, places: int) -> Callable[[Any], Decimal]:
    def read(value: Any) -> Decimal:
        if isinstance(value, Decimal):
            number = value
        else:
            # bool is an int in Python; floats come from JSON numbers and repr() gives back what was written.
            text = value if isinstance(value, str) else repr(value)
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                raise PydanticCustomError("decimal_type", "A decimal number is expected")
            if _DECIMAL_FORM.fullmatch(text) is None:
                raise PydanticCustomError("decimal_parsing", "A decimal number such as 12.34 is expected")
            number = Decimal(text)
        if not number.is_finite():
            raise PydanticCustomError("finite_number", "A finite number is expected")
        if number < low:
            raise PydanticCustomError("greater_than_equal", "At least {ge} is expected", {"ge": str(low)})
        if number > high:
            raise PydanticCustomError("less_than_equal", "At most {le} is expected", {"le": str(high)})
        exponent = number.as_tuple().exponent
        if isinstance(exponent, int) and -exponent > places:
            short = round(number, places)
            if short != number:
                raise PydanticCustomError(
                    "decimal_max_places",
                    "At most {decimal_places} decimals",
                    {"decimal_places": places},
                )
            return short
        return number

    return read


def decimal_pattern(low: Decimal, high: Decimal, places: int) -> str:
    """A regular expression (ECMA 262) of the texts of such decimals, as far as its words go: it knows no lower bound
    but zero, the smallest step above it, and the negative of ``high``."""
    sign = "-?" if low < 0 else ""
    above_zero = r"(?!0+(\.0+)?$)" if low > 0 else ""
    most = str(int(high))
    below = [f"[0-9]{{1,{len(most) - 1}}}"] if len(most) > 1 else []
    for at, digit in enumerate(most):
        rest = len(most) - at - 1
        if digit != "0" and not (at == 0 and digit == "1" and rest):
            below.append(f"{most[:at]}[0-{int(digit) - 1}]" + (f"[0-9]{{{rest}}}" if rest else ""))
    fraction = rf"(\.[0-9]{{1,{places}}}0*)?"
    last = fraction if high % 1 else r"(\.0+)?"
    if set(most) == {"9"}:
        return rf"^{sign}{above_zero}[0-9]{{1,{len(most)}}}{fraction}$"
    return rf"^{sign}{above_zero}(({'|'.join(below)}){fraction}|{most}{last})$"


def decimal_field(low: str, high: str, places: int, *, pattern: str | None = None) -> Any:
    """The pydantic annotations of a Decimal between ``low`` and ``high`` with at most ``places`` decimals.

    Accepted as a string or a JSON number; written as a string with exactly ``places`` decimals. ``pattern`` describes
    the texts where ``decimal_pattern`` has no words for the bounds.
    """
    unit = Decimal(1).scaleb(-places)
    example = str(min(max(Decimal("12.5"), Decimal(low)), Decimal(high)).quantize(unit))
    described = f"A decimal from {low} to {high} with at most {places} decimals."
    return (
        PlainValidator(_decimal_reader(Decimal(low), Decimal(high), places)),
        PlainSerializer(lambda value: str(value.quantize(unit)), return_type=str),
        WithJsonSchema(
            {
                "anyOf": [
                    {
                        "type": "string",
                        "pattern": pattern or decimal_pattern(Decimal(low), Decimal(high), places),
                    },
                    {"type": "number", "minimum": float(low), "maximum": float(high)},
                ],
                "description": described,
                "examples": [example],
            },
            mode="validation",
        ),
        WithJsonSchema({"type": "string", "pattern": _WRITTEN, "examples": [example]}, mode="serialization"),
    )


def _email(value: str) -> str:
    if _EMAIL.fullmatch(value) is None:
        raise PydanticCustomError("email", "An e-mail address is expected")
    return value


_MONEY = decimal_field("0", str(MAX_MONEY), 2)
_SIGNED_MONEY = decimal_field(f"-{MAX_MONEY}", str(MAX_MONEY), 2)
_QUANTITY = decimal_field("0.001", str(MAX_QUANTITY), 3)
_QUANTITY_OR_ZERO = decimal_field("0", str(MAX_QUANTITY), 3)
_SIGNED_QUANTITY = decimal_field(f"-{MAX_QUANTITY}", str(MAX_QUANTITY), 3)
_PERCENT = decimal_field("0", "100", 2)
_FRACTION = decimal_field("0", "1", 4)

Money = Annotated[Decimal, *_MONEY]
SignedMoney = Annotated[Decimal, *_SIGNED_MONEY]
Quantity = Annotated[Decimal, *_QUANTITY]
QuantityOrZero = Annotated[Decimal, *_QUANTITY_OR_ZERO]
SignedQuantity = Annotated[Decimal, *_SIGNED_QUANTITY]
Percent = Annotated[Decimal, *_PERCENT]
Fraction = Annotated[Decimal, *_FRACTION]

ShortText = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=_ONE_LINE)
]
LongText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000, pattern=_MANY_LINES)]
Slug = Annotated[
    str,
    StringConstraints(min_length=3, max_length=40, pattern=r"^[a-z0-9](-?[a-z0-9])*$"),
    Field(examples=["loja-do-bairro"]),
]
EmailText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_lower=True, min_length=3, max_length=254, pattern=_ONE_LINE),
    AfterValidator(_email),
    Field(
        examples=["maria@example.com"],
        json_schema_extra={"pattern": f"^{_EMAIL.pattern.replace('a-z', 'A-Za-z')}$"},
    ),
]
Version = Annotated[int, Field(ge=1, le=2_147_483_647)]

__all__ = [
    "UUID",
    "Body",
    "EmailText",
    "Fraction",
    "LongText",
    "Money",
    "Percent",
    "Quantity",
    "QuantityOrZero",
    "ShortText",
    "SignedMoney",
    "SignedQuantity",
    "Slug",
    "Version",
    "View",
    "decimal_field",
]
