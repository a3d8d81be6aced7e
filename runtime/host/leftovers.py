"""Servers left running by a killed program: found by their pid file, ended only when they are ours."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil


def end_leftover(
    pid_file: Path, directory: Path, signals: Sequence[signal.Signals], wait_s: float = 10.0
) -> None:
    """End the server named by ``pid_file`` if its command line names ``directory``; others are left alone.

    ``signals`` are tried in order, each given ``wait_s`` to work. Returns when no such process runs any more.
    """
    import psutil  # of the extra 'embedded', which servers of production do not have

    process = _process_of(pid_file, directory)
    if process is None:
        return
    for number in signals:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
        with suppress(psutil.TimeoutExpired):
            process.wait(wait_s)
            return


def names_a_stranger(pid_file: Path, directory: Path) -> bool:
    """True when the pid in ``pid_file`` is alive but some other program's (the number was used again)."""
    import psutil

    pid = _pid_in(pid_file)
    return pid is not None and psutil.pid_exists(pid) and _process_of(pid_file, directory) is None


def _pid_in(pid_file: Path) -> int | None:
    try:
        return int(pid_file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def _process_of(pid_file: Path, directory: Path) -> psutil.Process | None:
    import psutil

    pid = _pid_in(pid_file)
    if pid is None:
        return None
    try:
        process = psutil.Process(pid)
        is_ours = str(directory) in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None
    return process if is_ours else None
