"""Files of exports: their size takes no memory."""

from __future__ import annotations

import io
import tempfile
import tracemalloc
from collections.abc import Callable
from decimal import Decimal

import pytest

from handlers.exports.formats import Cell, CsvFile, Workbook

HEADINGS = ["SKU", "Nome", "Preço"]
PAGE = 250


def page(start: int) -> list[list[Cell]]:
    return [[f"P-{n}", f"Produto de teste número {n}", Decimal(n) / 100] for n in range(start, start + PAGE)]


def write_csv(pages: int) -> None:
    file = CsvFile(HEADINGS, "pt-BR")
    with tempfile.TemporaryFile() as out:
        out.write(file.start())
        for number in range(pages):
            out.write(file.lines(page(number * PAGE)))


def write_workbook(pages: int) -> None:
    with tempfile.TemporaryFile() as out:
        book = Workbook("produtos", HEADINGS, "pt-BR", out)
        for number in range(pages):
            book.add(page(number * PAGE))
        book.finish()
        book.discard()


def peak_of(write: Callable[[int], None], pages: int) -> int:
    tracemalloc.start()
    try:
        write(pages)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("write", [write_csv, write_workbook])
def test_ten_times_the_rows_take_no_more_memory(write: Callable[[int], None]) -> None:
    write(1)
    assert peak_of(write, 20) < peak_of(write, 2) * 1.3 + 50_000


def test_a_file_given_up_leaves_nothing_on_the_disk(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    book = Workbook("produtos", HEADINGS, "pt-BR", io.BytesIO())
    book.add(page(0))
    assert list(tmp_path.iterdir())
    book.discard()
    assert list(tmp_path.iterdir()) == []


def test_text_that_a_sheet_cannot_hold_is_cut_and_not_lost() -> None:
    from python_calamine import CalamineWorkbook

    out = io.BytesIO()
    book = Workbook("x", ["Texto"], "en", out)
    book.add([["a" * 40_000]])
    book.finish()
    book.discard()
    out.seek(0)
    [_, [text]] = CalamineWorkbook.from_filelike(out).get_sheet_by_index(0).to_python()
    assert text == "a" * 32_767
