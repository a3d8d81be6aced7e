"""The end of a process whose event loop never comes back: only a new one can count what it died of, and go on."""

from __future__ import annotations

import faulthandler
import sys

import anyio
from anyio.abc import TaskStatus

LIMIT_S = 60.0
_REARMED_PER_LIMIT = 12


async def watch_loop(
    limit_s: float = LIMIT_S, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
) -> None:
    """Exit with 1, after the tracebacks of all threads on standard error, when the loop is blocked for ``limit_s``.

    The interpreter's own timer does it, from a thread that needs no Python code to run: also code that holds the
    interpreter's lock, such as a regular expression without end, is ended. Runs until cancelled.
    """
    target = sys.__stderr__
    task_status.started()
    try:
        while True:
            if target is not None:
                faulthandler.dump_traceback_later(limit_s, exit=True, file=target)
            await anyio.sleep(limit_s / _REARMED_PER_LIMIT)
    finally:
        faulthandler.cancel_dump_traceback_later()
