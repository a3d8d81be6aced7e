"""``make mutants``: take every guard away in turn, in a copy of the tree, and see that a test turns red.

A guard that nobody misses fails the run, and so does one whose tests are red before it is taken away.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from runtime.host.embedded import EmbeddedServers, Endpoints
from tests.mutants.guard import ROOT, Guard
from tests.mutants.table import GUARDS

LIMIT_S = 60.0
GREEN, RED, NOTHING_RUN = 0, 1, 5
SPEECH = {GREEN: "SURVIVED", RED: "killed", NOTHING_RUN: "NO TEST RAN", None: "killed (by its time limit)"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="guards whose name or file holds this")
    given = parser.parse_args()
    guards = [guard for guard in GUARDS if given.only in f"{guard.name} {guard.file}"]
    with (
        tempfile.TemporaryDirectory(prefix="basecommerce-mutants-") as directory,
        EmbeddedServers(Path(directory) / "servers", durable=False) as servers,
    ):
        copy = Path(directory) / "tree"
        _copy_tree(copy)
        all_tests = dict.fromkeys(test for guard in guards for test in guard.tests)
        if _outcome(copy, servers, all_tests, LIMIT_S * 8, show=True) != GREEN:
            print("the tests are not green with all guards in place")
            return 1
        survivors = [guard.name for guard in guards if not _is_missed(guard, copy, servers)]
    print(f"{len(guards)} guards, {len(guards) - len(survivors)} missed when taken away")
    return 1 if survivors else 0


def _is_missed(guard: Guard, copy: Path, servers: Endpoints) -> bool:
    path = copy / guard.file
    source = path.read_text()
    began = time.monotonic()
    path.write_text(guard.mutated(source))
    try:
        outcome = _outcome(copy, servers, guard.tests, LIMIT_S)
    finally:
        path.write_text(source)
    verdict = SPEECH.get(outcome, f"BROKEN (pytest exit {outcome})")
    print(f"{verdict:<12} {time.monotonic() - began:6.1f} s  {guard.name}", flush=True)
    return outcome in (RED, None)


def _outcome(
    copy: Path, servers: Endpoints, tests: Iterable[str], limit_s: float, *, show: bool = False
) -> int | None:
    """pytest's exit code over these tests; None when they did not end in time."""
    command: Sequence[str] = [
        *(sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"),
        *("--database-url", servers.database_url, "--redis-url", servers.redis_url),
        *tests,
    ]
    try:
        done = subprocess.run(
            command,
            cwd=copy,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=limit_s,
        )
    except subprocess.TimeoutExpired:
        return None
    if show and done.returncode:
        print(done.stdout[-4000:])
    return done.returncode


def _copy_tree(to: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).exists():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)


if __name__ == "__main__":
    sys.exit(main())
