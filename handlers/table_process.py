"""Workbooks read in a process of its own, within bounded memory and time.

The library that unpacks them lays a sheet out as a whole, up to the last cell that the file names, and aborts its
process when that is more than there is. A file of a few kilobytes may name a cell a million rows away.
"""

from __future__ import annotations

import os
import resource
from pathlib import Path

import anyio
import anyio.to_process
from anyio import BrokenWorkerProcess

from handlers.tables.files import Line, not_a_table, read_lines

MEMORY_BYTES = 256 * 1024 * 1024
BUDGET_S = 20.0

_READERS = anyio.CapacityLimiter(2)


async def read_workbook(data: bytes) -> list[Line]:
    """All lines of a workbook that are not empty; refused (422) as by ``read_lines``, and when it takes too much."""
    try:
        with anyio.fail_after(BUDGET_S):
            return await anyio.to_process.run_sync(_read_bounded, data, cancellable=True, limiter=_READERS)
    except (BrokenWorkerProcess, TimeoutError):
        raise not_a_table() from None


def _read_bounded(data: bytes) -> list[Line]:
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_in_use() + len(data) + MEMORY_BYTES, hard))
    try:
        return read_lines(data)
    except MemoryError:
        raise not_a_table() from None
    except BaseException as error:
        # A panic of the library is no Exception, and cannot be sent back as it is.
        if isinstance(error, Exception | KeyboardInterrupt | SystemExit):
            raise
        raise not_a_table() from None
    finally:
        # The process is kept for others.
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _in_use() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * os.sysconf("SC_PAGE_SIZE")
