"""Tables as people send them: CSV of any make or XLSX, read into rows of cells with their numbers.

Pure and without knowledge of the store; what a row means is decided by those who ask.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from runtime.errors import RefusedError

MAX_ROWS = 50_000
MAX_COLUMNS = 200
MAX_CELL = 4_000
MAX_UNPACKED = 200 * 1024 * 1024
# More lines before the headings than this, and it is not a table.
MAX_PREAMBLE = 30

_CHUNK = 1 << 20
_DELIMITERS = ";\t|,"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file: its number, counted from 1 as spreadsheets do, and its cells as text."""

    number: int
    cells: Sequence[str]


def read_lines(data: bytes) -> list[Line]:
    """All lines that are not empty; refused (422) when this is neither a CSV nor an XLSX file, or a too long one."""
    lines: list[Line] = []
    for number, cells in _read_sheet(data) if is_workbook(data) else _read_csv(data):
        if any(cells):
            lines.append(Line(number, cells))
        if len(lines) > MAX_ROWS + MAX_PREAMBLE:
            raise _refused(
                "too_many_rows",
                f"The file has more than {MAX_ROWS} rows; split it.",
                f"O arquivo tem mais de {MAX_ROWS} linhas; divida-o.",
            )
    return lines


def is_workbook(data: bytes) -> bool:
    """Whether this is to be read as XLSX, which is to be done by ``table_process``."""
    return data.startswith(b"PK\x03\x04")


def not_a_table() -> RefusedError:
    """The refusal (422) of a file that cannot be read at all."""
    return _refused("not_a_table", "The file is neither CSV nor XLSX.", "O arquivo não é CSV nem XLSX.")


def _read_csv(data: bytes) -> Iterator[tuple[int, list[str]]]:
    text = _decode(data)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    number = 1
    try:
        for row in reader:
            yield number, [_clean(cell) for cell in row[:MAX_COLUMNS]]
            number = reader.line_num + 1
    except csv.Error:
        raise _refused(
            "unreadable",
            f"The file cannot be read at line {number}.",
            f"Não foi possível ler a linha {number}.",
        ) from None


def _decode(data: bytes) -> str:
    """The text: by its byte order mark, else UTF-8, else Windows-1252, which older Brazilian systems write."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            text = data.decode("utf-16")
        except UnicodeDecodeError:
            raise not_a_table() from None
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("cp1252", errors="replace")
    if "\0" in text:
        raise not_a_table()
    return text


def _delimiter(text: str) -> str:
    """The delimiter of the first lines that have one; a comma may also stand inside of numbers, so it comes last."""
    best, most = ",", 0
    sample = text[:20_000].splitlines()[:MAX_PREAMBLE]
    for delimiter in _DELIMITERS:
        count = sum(1 for line in sample if delimiter in line)
        if count > most:
            best, most = delimiter, count
    return best


def _read_sheet(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """The first sheet of a workbook that has any content."""
    from python_calamine import CalamineError, CalamineWorkbook

    _check_unpacked_size(data)
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
        for name in workbook.sheet_names:
            sheet = workbook.get_sheet_by_name(name)
            if sheet.height and sheet.width:
                first = (sheet.start or (0, 0))[0]
                for number, row in enumerate(sheet.iter_rows(), first + 1):
                    yield number, [_clean(_cell_text(cell)) for cell in row[:MAX_COLUMNS]]
                return
    except (CalamineError, OSError, ValueError):
        raise not_a_table() from None


def _check_unpacked_size(data: bytes) -> None:
    """Refuse a workbook that unpacks to far more than it is, counting what comes out and not what it claims."""
    unpacked = 0
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                member.file_size = 2 * MAX_UNPACKED + _CHUNK
                with archive.open(member) as content:
                    while chunk := content.read(_CHUNK):
                        unpacked += len(chunk)
                        if unpacked > MAX_UNPACKED:
                            raise _refused(
                                "too_large_unpacked",
                                "The workbook is too large.",
                                "A planilha é grande demais.",
                            )
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError, EOFError):
        raise not_a_table() from None


def _cell_text(cell: object) -> str:
    if isinstance(cell, bool):
        return ""
    if isinstance(cell, float):
        # Codes and barcodes are often typed as numbers.
        if cell.is_integer() and abs(cell) < 1e15:
            return str(int(cell))
        # Three decimals would read like thousands.
        text = repr(cell)
        return text + "0" if text[-4:-3] == "." else text
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    return "" if cell is None else str(cell)


def _clean(cell: str) -> str:
    return " ".join(cell[:MAX_CELL].split())


def _refused(code: str, en: str, pt: str) -> RefusedError:
    return RefusedError(code, en, pt, 422)
