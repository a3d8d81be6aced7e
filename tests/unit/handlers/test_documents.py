from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from handlers.customers import CustomerNew
from handlers.documents import Barcode, Phone, PostalCode, normalise_document, number_in


@pytest.mark.parametrize(
    ("kind", "typed", "kept"),
    [
        ("person", "529.982.247-25", "52998224725"),
        ("person", " 52998224725 ", "52998224725"),
        ("company", "11.222.333/0001-81", "11222333000181"),
        ("company", "00.000.000/0001-91", "00000000000191"),
        ("company", "12.ABC.345/01DE-35", "12ABC34501DE35"),
        ("company", "12abc34501de35", "12ABC34501DE35"),
    ],
)
def test_documents_are_kept_without_punctuation_in_upper_case(kind, typed: str, kept: str) -> None:
    assert normalise_document(kind, typed) == kept


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        ("person", "529.982.247-26"),
        ("person", "111.111.111-11"),
        ("person", "000.000.000-00"),
        ("person", "5299822472"),
        ("person", "11.222.333/0001-81"),
        ("person", "٥٢٩٩٨٢٢٤٧٢٥"),
        ("person", ""),
        ("company", "11.222.333/0001-82"),
        ("company", "12.ABC.345/01DE-36"),
        ("company", "00.000.000/0000-00"),
        ("company", "529.982.247-25"),
        ("company", "12ABC34501DEAB"),
        ("company", "1٢ABC34501DE35"),
        ("company", "12ABC34501DE35\n1"),
    ],
)
def test_documents_with_wrong_check_digits_or_of_the_other_kind_are_refused(kind, typed: str) -> None:
    with pytest.raises(ValueError, match=r"not a valid C(PF|NPJ)\.\|.*não é válido"):
        normalise_document(kind, typed)


@pytest.mark.parametrize(
    "typed", ["7891234567895", "789 1234 567895", "96385074", "036000291452", "17891234567892"]
)
def test_barcodes_of_every_length_pass_with_their_check_digit(typed: str) -> None:
    assert TypeAdapter(Barcode).validate_python(typed) == typed.replace(" ", "")


@pytest.mark.parametrize("typed", ["7891234567894", "789123456789", "", "abc", "٧٨٩١٢٣٤٥٦٧٨٩٥", "0"])
def test_barcodes_with_a_wrong_check_digit_are_refused(typed: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Barcode).validate_python(typed)


@pytest.mark.parametrize(
    ("typed", "kept"), [("13010-100", "13010100"), ("13.010-100", "13010100"), ("13010100", "13010100")]
)
def test_postal_codes_are_kept_as_eight_digits(typed: str, kept: str) -> None:
    assert TypeAdapter(PostalCode).validate_python(typed) == kept


@pytest.mark.parametrize("typed", ["1301-100", "130101000", "abcdefgh", "", "١٣٠١٠١٠٠"])
def test_other_postal_codes_are_refused(typed: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(PostalCode).validate_python(typed)


@pytest.mark.parametrize("typed", ["(11) 98765-4321", "+55 11 98765-4321", "32345678"])
def test_telephones_are_kept_as_typed(typed: str) -> None:
    assert TypeAdapter(Phone).validate_python(typed) == typed


@pytest.mark.parametrize("typed", ["1234567", "ligar depois", "(((((((((", "1" * 16, ""])
def test_other_telephones_are_refused(typed: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Phone).validate_python(typed)


@pytest.mark.parametrize(
    ("question", "number"),
    [
        ("529.982.247-25", "52998224725"),
        ("(11) 98765-4321", "11987654321"),
        ("12.abc.345/01de-35", "12ABC34501DE35"),
        ("4321", "4321"),
        ("maria silva", None),
        ("rua 25 de março", None),
        ("12", None),
    ],
)
def test_a_question_that_reads_like_a_number_is_one(question: str, number: str | None) -> None:
    assert number_in(question) == number


def test_a_refused_document_is_reported_on_its_field() -> None:
    with pytest.raises(ValidationError) as refused:
        CustomerNew.model_validate({"kind": "person", "name": "Maria", "document": "529.982.247-26"})
    assert [error["loc"] for error in refused.value.errors()] == [("document",)]


def test_an_unknown_kind_is_reported_alone() -> None:
    with pytest.raises(ValidationError) as refused:
        CustomerNew.model_validate({"kind": "alien", "name": "Maria", "document": "529.982.247-26"})
    assert [error["loc"] for error in refused.value.errors()] == [("kind",)]
