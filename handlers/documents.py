"""Numbers with check digits or a fixed form: CPF, CNPJ, GTIN, CEP, telephone; kept as they are compared."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints
from stdnum import ean
from stdnum.br import cnpj, cpf
from stdnum.exceptions import ValidationError

CustomerKind = Literal["person", "company"]

_CPF_FORM = re.compile(r"[0-9]{11}")
_CNPJ_FORM = re.compile(r"[0-9A-Z]{12}[0-9]{2}")
_PUNCTUATION = re.compile(r"[\s./-]")
_PHONE_FORM = re.compile(r"\+?[0-9 ().-]{8,29}")


def normalise_document(kind: CustomerKind, document: str) -> str:
    """The CPF of a person or the CNPJ of a company without punctuation, letters in upper case.

    CNPJs have letters from July 2026 on. Raises ``ValueError`` with both languages when it is not one.
    """
    number = _PUNCTUATION.sub("", document).upper()
    if kind == "person":
        # One digit eleven times satisfies the check digits, and no one was ever given it.
        if _CPF_FORM.fullmatch(number) is None or len(set(number)) == 1 or not cpf.is_valid(number):
            raise ValueError("This is not a valid CPF.|Este CPF não é válido.")
    elif _CNPJ_FORM.fullmatch(number) is None or not cnpj.is_valid(number):
        raise ValueError("This is not a valid CNPJ.|Este CNPJ não é válido.")
    return number


def _barcode(given: str) -> str:
    try:
        number: str = ean.validate(given)
    except ValidationError:
        number = ""
    if not (number.isascii() and number.isdigit()):
        raise ValueError(
            "This is not a valid GTIN (EAN) barcode.|Este código de barras (GTIN/EAN) não é válido."
        )
    return number


def _postal_code(given: str) -> str:
    number = given.replace("-", "", 1).replace(".", "", 1)
    if re.fullmatch(r"[0-9]{8}", number) is None:
        raise ValueError("A CEP has 8 digits.|O CEP tem 8 dígitos.")
    return number


def _phone(given: str) -> str:
    if _PHONE_FORM.fullmatch(given) is None or not 8 <= sum(map(str.isdigit, given)) <= 15:
        raise ValueError("A telephone has 8 to 15 digits.|O telefone tem de 8 a 15 dígitos.")
    return given


_TEXT = StringConstraints(strip_whitespace=True, max_length=40)

DocumentText = Annotated[str, _TEXT, Field(examples=["12.ABC.345/01DE-35"])]
"""A document as typed; ``normalise_document`` says whether it is one."""

Barcode = Annotated[str, _TEXT, AfterValidator(_barcode), Field(examples=["7891234567895"])]
PostalCode = Annotated[
    str,
    _TEXT,
    AfterValidator(_postal_code),
    Field(examples=["01310-100"], json_schema_extra={"pattern": r"^[0-9]{2}\.?[0-9]{3}-?[0-9]{3}$"}),
]
Phone = Annotated[
    str,
    _TEXT,
    AfterValidator(_phone),
    Field(
        examples=["(11) 98765-4321"],
        json_schema_extra={"pattern": rf"^(?=([^0-9]*[0-9]){{8,15}}[^0-9]*$){_PHONE_FORM.pattern}$"},
    ),
]


def number_in(question: str) -> str | None:
    """What was typed into a search box, without punctuation, when it reads like a document or a telephone."""
    number = _PUNCTUATION.sub("", question.strip("+")).replace("(", "").replace(")", "").upper()
    if re.fullmatch(r"[0-9]{3,15}", number) or (" " not in question and _CNPJ_FORM.fullmatch(number)):
        return number
    return None
