"""``python -m benchmarks [ROW ...]``: run the rows (or those of ``ONLY=health,quote``), print a table, keep JSON.

With ``CHECK=1`` the shares of the limits are compared with the committed ones, and what got worse makes it exit with 1;
with ``CHECK=keep`` they become the committed ones. With ``PLOT=1`` the rows that keep series are drawn.
"""

from __future__ import annotations

import os
import sys
import time
import traceback

import uvloop

from benchmarks.baseline import check, keep_shares
from benchmarks.installation import installation
from benchmarks.results import RESULTS, Result, keep, machine, show
from benchmarks.rows import ON_REQUEST, ROWS


def main() -> int:
    only = os.environ.get("ONLY", "")
    chosen = sys.argv[1:] or [name for name in only.split(",") if name] or list(ROWS)
    rows = {**ROWS, **ON_REQUEST}
    if unknown := [name for name in chosen if name not in rows]:
        print(f"no such row: {', '.join(unknown)} (there are {', '.join(rows)})", file=sys.stderr)
        return 2
    described = machine()
    results: list[Result] = []
    failed: list[str] = []
    with installation() as made:
        for name in chosen:
            started = time.perf_counter()
            print(f"{name} ...", end="", flush=True, file=sys.stderr)
            try:
                results += uvloop.run(rows[name](made))
            except Exception:  # the other rows took minutes, and are worth showing without this one
                failed.append(name)
                traceback.print_exc()
            finally:
                made.stop()
            print(f" {time.perf_counter() - started:.0f} s", file=sys.stderr)
    show(results)
    print(f"{described['processors']}, {described['system']}, Python {described['python']}")
    print(keep(results, described))
    if os.environ.get("PLOT"):
        from benchmarks.plots import draw

        print("\n".join(str(path) for path in draw(RESULTS)))
    asked = os.environ.get("CHECK", "")
    if asked == "keep":
        keep_shares(results)
    if failed:
        print(f"not measured: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed or (asked == "1" and check(results)) else 0


if __name__ == "__main__":
    sys.exit(main())
