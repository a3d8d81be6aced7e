"""Price lists as suppliers send them: encodings, delimiters, headings, numbers, days."""

from __future__ import annotations

import io
import zipfile
from decimal import Decimal

import pytest
import xlsxwriter

from handlers.suppliers.price_rows import PriceRow, read_day, read_days, read_rows
from handlers.tables import files
from handlers.tables.cells import Problem, UnreadableError, read_decimal
from handlers.tables.files import read_lines
from runtime.errors import RefusedError

LIST = "Código;Descrição;Preço unitário;Qtd. mínima\r\nVT-50;Cimento CP II;1.234,50;10\r\n"


def rows(data: bytes) -> list[PriceRow | Problem]:
    return read_rows(read_lines(data))


def row(data: bytes) -> PriceRow:
    [found] = rows(data)
    assert isinstance(found, PriceRow), found
    return found


def workbook(*lines: list[object]) -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        book.add_worksheet("Capa")
        sheet = book.add_worksheet("Tabela")
        for number, line in enumerate(lines):
            sheet.write_row(number, 0, line)
    return file.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_list_is_read_whatever_its_encoding(encoding: str) -> None:
    found = row(LIST.encode(encoding))
    assert (found.number, found.code, found.price, found.minimum_quantity) == (
        2,
        "VT-50",
        Decimal("1234.50"),
        10,
    )


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_a_list_is_read_whatever_its_delimiter(delimiter: str) -> None:
    text = delimiter.join(["codigo", "preco"]) + "\n" + delimiter.join(["A1", '"12,90"']) + "\n"
    assert row(text.encode()).price == Decimal("12.90")


def test_rows_keep_the_numbers_they_have_in_the_file() -> None:
    text = 'Distribuidora X\n\nTabela de preços\nref;"preço\nlíquido"\n\nA;1,00\nB;x\n;3,00\n'
    first, second, third = rows(text.encode())
    assert isinstance(first, PriceRow)
    assert first.number == 7
    assert isinstance(second, Problem)
    assert (second.row, second.column, second.code) == (8, "price", "not_a_number")
    assert isinstance(third, Problem)
    assert (third.row, third.code) == (9, "missing_code")


def test_a_workbook_is_read_from_its_first_sheet_with_content() -> None:
    data = workbook(
        ["EAN", "Preço", "Prazo de entrega"], [7891234567895, 12.345, 5], [1234, "1.250,00", "3 dias"]
    )
    first, second = rows(data)
    assert isinstance(first, PriceRow)
    assert (first.barcode, first.price, first.lead_time_days) == ("7891234567895", Decimal("12.35"), 5)
    assert isinstance(second, PriceRow)
    assert (second.barcode, second.price, second.lead_time_days) == ("1234", Decimal("1250.00"), 3)


@pytest.mark.parametrize(
    ("text", "comma", "number"),
    [
        ("R$ 1.234,56", None, "1234.56"),
        ("1,234.56", None, "1234.56"),
        ("1.234.567", None, "1234567"),
        ("12,9", None, "12.9"),
        ("12.9", True, "12.9"),
        ("0.125", None, "0.125"),
        ("1.234", True, "1234"),
        ("1.234", False, "1.234"),
        ("1,234", False, "1234"),
        ("45", None, "45"),
    ],
)
def test_numbers_are_read_as_people_write_them(text: str, comma: bool | None, number: str) -> None:
    assert read_decimal(text, comma) == Decimal(number)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1.234", "ambiguous_number"), ("", "missing"), ("consulte", "not_a_number"), ("-5", "not_a_number"),
        ("1,2,3.4.5", "not_a_number"), ("NaN", "not_a_number"), ("1e9", "not_a_number"), ("9" * 31, "not_a_number"),
    ],
)  # fmt: skip
def test_what_is_not_a_clear_number_is_refused(text: str, code: str) -> None:
    with pytest.raises(UnreadableError) as refused:
        read_decimal(text, None)
    assert refused.value.code == code


def test_the_rest_of_a_list_says_what_a_lonely_point_means() -> None:
    brazilian, american = [rows(f"sku;preço\nA;1.250\nB;{other}\n".encode())[0] for other in ("9,90", "9.90")]
    assert isinstance(brazilian, PriceRow)
    assert isinstance(american, PriceRow)
    assert (brazilian.price, american.price) == (Decimal("1250.00"), Decimal("1.25"))


@pytest.mark.parametrize(
    ("text", "days"), [("", None), ("28", 28), ("28 dias", 28), ("28/56 DDL", 42), ("à vista", 0)]
)
def test_days_are_read_as_people_write_them(text: str, days: int | None) -> None:
    assert read_days(text) == days


@pytest.mark.parametrize("text", ["400", "2 semanas", "a combinar"])
def test_what_is_not_a_number_of_days_is_refused(text: str) -> None:
    with pytest.raises(UnreadableError):
        read_days(text)


def test_days_of_the_calendar() -> None:
    assert {str(read_day(text)) for text in ("24/11/2026", "24.11.26", "2026-11-24")} == {"2026-11-24"}
    for text in ("31/02/2026", "amanhã", "01/01/1800"):
        with pytest.raises(UnreadableError):
            read_day(text)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0", "not_a_table"), (b"PK\x03\x04 broken", "not_a_table"),
        (b"\xff\xfea", "not_a_table"), (b"nome;telefone\nRita;123\n", "no_headings"), (b" \n", "no_headings"),
    ],
)  # fmt: skip
def test_what_is_no_price_list_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(RefusedError) as refused:
        rows(data)
    assert (refused.value.code, refused.value.status) == (code, 422)


def test_a_cell_without_end_is_refused_and_not_an_error() -> None:
    with pytest.raises(RefusedError, match="unreadable"):
        rows(b'codigo;preco\n"' + b"x" * 200_000)


def test_a_file_of_too_many_rows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_ROWS", 10)
    with pytest.raises(RefusedError, match="too_many_rows"):
        read_lines(b"x;1\n" * 50)


def test_a_workbook_that_unpacks_to_far_more_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_UNPACKED", 1 << 20)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * (4 << 20))
    # A header that lies about the size changes nothing.
    data = file.getvalue().replace((4 << 20).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    for packed in (file.getvalue(), data):
        with pytest.raises(RefusedError, match="too_large_unpacked"):
            read_lines(packed)


@pytest.mark.parametrize("digits", [13, 27, 29])
def test_a_price_of_any_length_is_a_problem_of_its_row(digits: int) -> None:
    [found] = rows(f"codigo;preco;minimo\nVT-50;{'9' * digits};1\n".encode())
    assert isinstance(found, Problem)
    assert (found.column, found.code) == ("price", "too_large")
