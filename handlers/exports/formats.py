"""Rows as CSV and XLSX, written as the store's country writes numbers and days. Slow: for worker threads."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from tempfile import TemporaryDirectory
from typing import IO, Any

Cell = str | bool | Decimal | int | float | datetime | date | None

MAX_SHEET_ROWS = 1_000_000
MAX_SHEET_CELL = 32_767

_FORMULA = re.compile(r"[=+\-@\t\r]")


class CsvFile:
    """Lines of CSV: semicolons and decimal commas in Portuguese, commas and points in English."""

    def __init__(self, headings: Sequence[str], locale: str) -> None:
        self._headings = headings
        self._portuguese = locale != "en"

    def start(self) -> bytes:
        """The mark by which Excel knows UTF-8, and the headings."""
        return b"\xef\xbb\xbf" + self._lines([self._headings])

    def lines(self, rows: Iterable[Sequence[Cell]]) -> bytes:
        """The rows."""
        return self._lines([self._text(cell) for cell in row] for row in rows)

    def _lines(self, rows: Iterable[Sequence[str]]) -> bytes:
        text = io.StringIO()
        csv.writer(text, delimiter=";" if self._portuguese else ",").writerows(rows)
        return text.getvalue().encode("utf-8", "replace")

    def _text(self, cell: Cell) -> str:
        if cell is None:
            return ""
        if isinstance(cell, str):
            # A spreadsheet takes these for the beginning of a formula, whoever has typed them.
            return f"'{cell}" if _FORMULA.match(cell) else cell
        if isinstance(cell, bool):
            return yes_or_no(cell, self._portuguese)
        if isinstance(cell, datetime):
            return cell.strftime("%d/%m/%Y %H:%M:%S" if self._portuguese else "%Y-%m-%d %H:%M:%S")
        if isinstance(cell, date):
            return cell.strftime("%d/%m/%Y" if self._portuguese else "%Y-%m-%d")
        return str(cell).replace(".", ",") if self._portuguese else str(cell)


class Workbook:
    """An XLSX file in the making; rows go to disk as they come, so its size takes no memory."""

    def __init__(self, title: str, headings: Sequence[str], locale: str, file: IO[bytes]) -> None:
        import xlsxwriter

        self._title = title[:25]
        self._headings = headings
        self._portuguese = locale != "en"
        self._directory = TemporaryDirectory()
        options = {"constant_memory": True, "tmpdir": self._directory.name}
        self._book = xlsxwriter.Workbook(file, options)
        self._bold = self._book.add_format({"bold": True})
        self._quoted = self._book.add_format({"quote_prefix": True})
        day = "dd/mm/yyyy" if self._portuguese else "yyyy-mm-dd"
        self._day = self._book.add_format({"num_format": day})
        self._moment = self._book.add_format({"num_format": f"{day} hh:mm:ss"})
        self._decimals = [
            self._book.add_format({"num_format": "#,##0" + ("." + "0" * places if places else "")})
            for places in range(7)
        ]
        self._sheet: Any = None
        self._sheets = self._next = 0

    def add(self, rows: Iterable[Sequence[Cell]]) -> None:
        """Write the rows below those already there; a full sheet is followed by another."""
        for row in rows:
            if self._sheet is None or self._next > MAX_SHEET_ROWS:
                self._open_sheet()
            for place, cell in enumerate(row):
                if cell is not None:
                    self._write(place, cell)
            self._next += 1

    def finish(self) -> None:
        """Write the file."""
        if self._sheet is None:
            self._open_sheet()
        self._book.close()

    def discard(self) -> None:
        """Remove what lies in between; at the end, whether it was finished or not."""
        if not self._book.fileclosed:
            for sheet in self._book.worksheets():
                sheet.row_data_fh.close()
            self._book.fileclosed = True
        self._directory.cleanup()

    def _open_sheet(self) -> None:
        self._sheets += 1
        self._sheet = self._book.add_worksheet(
            self._title if self._sheets == 1 else f"{self._title} {self._sheets}"
        )
        self._sheet.set_column(0, len(self._headings) - 1, 18)
        self._sheet.freeze_panes(1, 0)
        for place, heading in enumerate(self._headings):
            self._sheet.write_string(0, place, heading, self._bold)
        self._next = 1

    def _write(self, place: int, cell: Cell) -> None:
        sheet, row = self._sheet, self._next
        if isinstance(cell, str):
            # Cells that say they are text are never computed; the mark keeps them so when somebody edits them.
            sheet.write_string(
                row, place, cell[:MAX_SHEET_CELL], self._quoted if _FORMULA.match(cell) else None
            )
        elif isinstance(cell, bool):
            sheet.write_string(row, place, yes_or_no(cell, self._portuguese))
        elif isinstance(cell, Decimal):
            places = min(max(0, -int(cell.as_tuple().exponent)), 6)
            sheet.write_number(row, place, float(cell), self._decimals[places])
        elif isinstance(cell, datetime):
            sheet.write_datetime(row, place, cell, self._moment)
        elif isinstance(cell, date):
            sheet.write_datetime(row, place, cell, self._day)
        elif cell is not None:
            sheet.write_number(row, place, cell)


def yes_or_no(flag: bool, portuguese: bool) -> str:
    """A flag in the store's language."""
    return ("sim" if flag else "não") if portuguese else ("yes" if flag else "no")
