"""The committed shares of the limits, and what has moved since. Rates of different machines say nothing; shares do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import orjson

from benchmarks.results import Result

BASELINE = Path(__file__).parent / "baseline.json"
TOLERANCE = 0.2
"""How far a share may move before it is told: a fifth of it, what turns of one run differ by on a busy machine."""


def check(results: Sequence[Result]) -> bool:
    """Print how the shares stand beside the committed ones; True when one got worse."""
    lines, is_worse = compare(results, orjson.loads(BASELINE.read_bytes()))
    print("\n".join(lines) or "none of these rows has a share of a limit")
    return is_worse


def compare(results: Sequence[Result], committed: Mapping[str, float]) -> tuple[list[str], bool]:
    """A line per result that has a limit or had one, and whether any of them got worse."""
    lines, is_worse = [], False
    for result in results:
        if result.share is None:
            continue
        before = committed.get(_name(result))
        if before is None:
            lines.append(f"new      {_name(result)}: {result.share:.2f} of {result.limit_is}")
            continue
        moved = result.share / before - 1
        worse = moved > TOLERANCE if result.lower_is_better else moved < -TOLERANCE
        better = moved < -TOLERANCE if result.lower_is_better else moved > TOLERANCE
        word = "worse" if worse else "better" if better else "same"
        lines.append(
            f"{word:8} {_name(result)}: {result.share:.2f} of {result.limit_is}, committed {before:.2f} ({moved:+.0%})"
        )
        is_worse = is_worse or worse
    run, measured = {result.row for result in results}, {_name(result) for result in results}
    lines += [
        f"gone     {name}, committed {before:.2f}: measured no more"
        for name, before in committed.items()
        if name.split(":", 1)[0] in run and name not in measured
    ]
    return lines, is_worse


def keep_shares(results: Sequence[Result]) -> None:
    """Make these shares the committed ones; those of rows that were not run stay, and what has moved is printed."""
    if BASELINE.exists():
        shares = orjson.loads(BASELINE.read_bytes())
        print("\n".join(compare(results, shares)[0]))
    else:
        shares = {}
    run = {result.row for result in results}
    shares = {name: share for name, share in shares.items() if name.split(":", 1)[0] not in run}
    shares |= {_name(result): round(result.share, 3) for result in results if result.share is not None}
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    BASELINE.write_bytes(orjson.dumps(shares, option=options))


def _name(result: Result) -> str:
    return f"{result.row}: {result.what}"
