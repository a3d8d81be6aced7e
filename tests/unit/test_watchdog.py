"""A loop that never comes back ends its process; one that is only late does not."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import re, time
import anyio
from runtime.host.watchdog import watch_loop

def stuck():
    {work}

async def main():
    async with anyio.create_task_group() as tasks:
        await tasks.start(watch_loop, {limit_s})
        await anyio.sleep(0.01)
        stuck()
        await anyio.sleep(0.01)
        tasks.cancel_scope.cancel()
    time.sleep(1.2)
    print("done")

anyio.run(main)
"""


def ended(work: str, limit_s: float) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(work=work, limit_s=limit_s)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "work",
    [
        "time.sleep(20)",
        "re.match('(a+)+$', 'a' * 60 + 'b')",  # holds the interpreter's lock
    ],
)
def test_a_loop_that_never_comes_back_ends_its_process_and_says_where_it_was(work: str) -> None:
    code, out, err = ended(work, 0.25)
    assert (code, out) == (1, "")
    assert "in stuck" in err


def test_a_loop_that_is_late_goes_on_and_leaves_no_timer_behind() -> None:
    assert ended("time.sleep(0.2)", 1.0)[:2] == (0, "done\n")
