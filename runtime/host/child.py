"""Start a server program as a child that dies with us, keeps its own terminal group and may drop root.

Run as a small program of its own (``python -S child.py SIGNAL PARENT UID GID COMMAND...``) that becomes the
command, so that nothing of the parent's threads and event loop is involved. Standard library only.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 47, 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522


def spawn(
    command: Sequence[str | Path],
    *,
    log: Path,
    on_parent_death: signal.Signals,
    owner: tuple[int, int] | None = None,
) -> subprocess.Popen[bytes]:
    """Start ``command`` in a session of its own, output appended to ``log``.

    On Linux it gets ``on_parent_death`` when the calling *thread* ends, so call from the main thread.
    ``owner`` is the (uid, gid) to run as, for a caller that is root.
    """
    uid, gid = owner or (-1, -1)
    launcher = [
        sys.executable,
        "-I",
        "-S",
        __file__,
        str(int(on_parent_death)),
        str(os.getpid()),
        str(uid),
        str(gid),
    ]
    with log.open("ab") as output:
        return subprocess.Popen(
            [*launcher, *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Ctrl-C reaches the whole terminal group; the program must drain before its servers go.
            start_new_session=True,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
        )


def last_line(log: Path) -> str:
    """The last line a server wrote, which is nearly always why it ended."""
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1] if lines else "it wrote nothing"


def roll_over(log: Path, most_bytes: int = 10_000_000) -> None:
    """Put a log that has grown large aside; one former log is kept."""
    if log.exists() and log.stat().st_size > most_bytes:
        log.replace(log.with_suffix(".old.log"))


def main(arguments: Sequence[str]) -> None:
    """Become ``COMMAND``: drop root, ask to be signalled when the parent dies, exec."""
    death_signal, parent, uid, gid = map(int, arguments[:4])
    command = list(arguments[4:])
    if uid >= 0:
        _become(uid, gid)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit("the parent is gone already")
    os.execv(command[0], command)


def _become(uid: int, gid: int) -> None:
    """Drop root but keep passing through closed directories: a home below /root stays as closed as it is."""
    libc = ctypes.CDLL(None, use_errno=True)
    linux = sys.platform == "linux"
    if linux:
        libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if linux:
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        mask = 1 << _CAP_DAC_OVERRIDE
        sets = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
        if libc.capset(header, sets) == 0:
            libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0)


if __name__ == "__main__":
    main(sys.argv[1:])
