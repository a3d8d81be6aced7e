"""Tables that are sent to be taken in: the file of a request, and what is said about rows that are not taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from aiohttp import web

from handlers.table_process import read_workbook
from handlers.tables.cells import Problem
from handlers.tables.files import Line, is_workbook, read_lines
from runtime.errors import RefusedError
from runtime.web.call import Call
from runtime.web.fields import View

T = TypeVar("T")

MEDIA_TYPES = ("text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
"""What is meant to be sent; what is there is seen by the content."""

MAX_FILE = 50 * 1024 * 1024

# A file is held in memory as text while it is read; more than two at a time would cost too much.
_READING = anyio.CapacityLimiter(2)


class ImportProblemView(View):
    """A row that was not taken; ``row`` is its number in the file, the heading being row 1 of most files."""

    row: int
    column: str | None
    code: str
    message: str


async def read_table(call: Call[Any], read_rows: Callable[[Sequence[Line]], T]) -> T:
    """The request's body, whatever its type, as rows; read by ``read_rows`` beside the event loop.

    413 above 50 MiB, 422 when there is no file or it is no table.
    """
    async with _READING:
        data = await _read_file(call.request)
        if is_workbook(data):
            lines = await read_workbook(data)
            return await anyio.to_thread.run_sync(read_rows, lines)
        return await anyio.to_thread.run_sync(lambda: read_rows(read_lines(data)))


def shown(problem: Problem, locale: str) -> ImportProblemView:
    """The problem in the reader's language."""
    return ImportProblemView(
        row=problem.row,
        column=problem.column,
        code=problem.code,
        message=problem.pt if locale == "pt-BR" else problem.en,
    )


async def _read_file(request: web.Request) -> bytes:
    data = bytearray()
    async for part in request.content.iter_chunked(1 << 16):
        data += part
        if len(data) > MAX_FILE:
            raise RefusedError(
                "too_large", "The file is larger than 50 MiB.", "O arquivo passa de 50 MiB.", 413
            )
    if not data:
        raise RefusedError("empty", "There is no file in the request.", "Não há arquivo na requisição.", 422)
    return bytes(data)
