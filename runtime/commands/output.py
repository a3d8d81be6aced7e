"""What commands print: plain lines for programs, aligned columns for people."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence


def say(*lines: str) -> None:
    """Print lines on standard output."""
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def say_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under headings in aligned columns, one row a line."""
    texts = [[_one_line(cell) for cell in row] for row in rows]
    widths = [max(len(line[column]) for line in [list(headings), *texts]) for column in range(len(headings))]
    for line in [list(headings), *texts]:
        say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _one_line(cell: object) -> str:
    return "" if cell is None else " ".join(str(cell).split())
