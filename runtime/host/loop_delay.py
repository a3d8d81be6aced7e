"""How late the event loop runs what is due: the first sign of work that should not be on it."""

from __future__ import annotations

import time

import anyio
from anyio.abc import TaskStatus

from runtime.host import metrics
from runtime.host.logs import get_logger

log = get_logger(__name__)

_INTERVAL_S = 0.5
_WORTH_SAYING_S = 0.5


async def measure_loop_delay(*, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
    """Sleep, and record how much longer than asked that took; runs until cancelled."""
    task_status.started()
    while True:
        began = time.monotonic()
        await anyio.sleep(_INTERVAL_S)
        delay_s = max(0.0, time.monotonic() - began - _INTERVAL_S)
        metrics.EVENT_LOOP_DELAY_SECONDS.observe(delay_s)
        if delay_s > _WORTH_SAYING_S:
            log.warning("event loop was blocked", delay_ms=round(delay_s * 1000))
