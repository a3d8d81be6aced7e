"""``make faults``: a long run of the fault suite, with its report as text and JSON."""

from __future__ import annotations

import argparse
import logging
import random
import shutil
import signal
import sys
import tempfile
from functools import partial
from pathlib import Path

import anyio

from tests.faults.kinds import load_kinds
from tests.faults.report import Fault
from tests.faults.suite import run_suite


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--json", type=Path, help="where the report goes as JSON")
    parser.add_argument(
        "--kind", action="append", default=[], choices=sorted(load_kinds()), help="only these"
    )
    parser.add_argument("--cluster", action="store_true", help="on a Redis Cluster, with faults of its nodes")
    parser.add_argument("--keep", action="store_true", help="keep the logs of all processes")
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: all that was started is ended
    logging.getLogger("asyncpg.pool").setLevel(
        logging.CRITICAL
    )  # of the judge's own pool, whose server we bring down
    directory = Path(tempfile.mkdtemp(prefix="basecommerce-faults-"))
    run = partial(
        run_suite,
        directory,
        seconds=given.seconds,
        seed=given.seed,
        names=given.kind,
        clustered=given.cluster,
        say=_say,
    )
    try:
        report = anyio.run(run, backend_options={"use_uvloop": True})
    finally:
        if given.keep:
            print(f"logs: {directory}")
        else:
            shutil.rmtree(directory, ignore_errors=True)
    print(report.text())
    if given.json:
        report.write(given.json)
    if not report.control_is_red:
        print("the control is not red: this run proves nothing")
    return 0 if report.control_is_red and not report.violations else 1


def _say(fault: Fault) -> None:
    healed = "never" if fault.healed_s is None else f"{fault.healed_s:.1f} s"
    print(
        f"{fault.at_s:7.1f} s  {fault.kind}{f' ({fault.detail})' if fault.detail else ''}: healed in {healed}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
