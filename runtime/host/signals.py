"""SIGTERM and Ctrl-C drain the process; the second of them ends it at once."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

import anyio
from anyio.abc import TaskStatus

from runtime.host.logs import get_logger

log = get_logger(__name__)


async def watch_signals(
    drain: Callable[[], None], *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
) -> None:
    """Call ``drain`` at the first signal, exit with 128 + its number at the second; runs until cancelled."""
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as received:
        task_status.started()
        draining = False
        async for number in received:
            if draining:
                log.warning("exiting at once", signal=signal.Signals(number).name)
                sys.stdout.flush()
                os._exit(128 + number)
            draining = True
            log.info("draining", signal=signal.Signals(number).name)
            drain()
