"""The program, which writes down how late its event loop runs: ``python -m tests.security.watched run``.

Each line of the file ``LOOP_DELAYS`` is a moment of the system's monotonic clock and a delay, both in seconds.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from runtime.__main__ import main
from runtime.host import loop_delay, metrics

INTERVAL_S = 0.005


class _Written:
    """In place of the histogram, which would keep buckets only."""

    def __init__(self, path: Path) -> None:
        self._lines = path.open("a", buffering=1 << 16)

    def observe(self, delay_s: float) -> None:
        self._lines.write(f"{time.monotonic():.6f} {delay_s:.6f}\n")


if __name__ == "__main__":
    loop_delay._INTERVAL_S = INTERVAL_S
    metrics.EVENT_LOOP_DELAY_SECONDS = _Written(Path(os.environ["LOOP_DELAYS"]))
    sys.exit(main())
