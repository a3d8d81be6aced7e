"""``python -m benchmarks.plots [DIRECTORY]``: what the rows `curve`, `growth` and `soak` kept last, as SVG files."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
from matplotlib import rc_context
from matplotlib.figure import Figure

from benchmarks.results import RESULTS

_STYLE = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.figsize": (9, 3.4),
    "figure.constrained_layout.use": True,
    "font.size": 9,
    "grid.alpha": 0.3,
    "legend.frameon": False,
    # The same figures make the same file.
    "svg.fonttype": "none",
    "svg.hashsalt": "basecommerce",
}


def main() -> int:
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS
    written = draw(directory)
    print("\n".join(str(path) for path in written) or "no row that can be drawn has been run")
    return 0


def draw(directory: Path, kept: Path = RESULTS) -> list[Path]:
    """Draw every series that there is; returns the files."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for name, paint in _PLOTS.items():
        series = kept / f"{name}.series.json"
        if not series.exists():
            continue
        with rc_context(_STYLE):
            figure = Figure()
            paint(figure, orjson.loads(series.read_bytes()))
            path = directory / f"{name}.svg"
            figure.savefig(path, metadata={"Date": None})
            written.append(path)
    return written


def _curve(figure: Figure, series: Mapping[str, Any]) -> None:
    rates, delays = figure.subplots(1, 2)
    connections = series["connections"]
    for place, (what, of_kind) in enumerate(series["kinds"].items()):
        colour = f"C{place}"
        rates.plot(connections, of_kind["per_second"], "o-", color=colour, label=what)
        delays.plot(connections, of_kind["p50_ms"], "o-", color=colour)
        delays.plot(connections, of_kind["p99_ms"], "o:", color=colour)
    for axes in (rates, delays):
        axes.set_xscale("log", base=2)
        axes.set_xticks(connections, [str(count) for count in connections])
        axes.set_xlabel("connections")
    rates.legend()
    rates.set_ylim(bottom=0)
    rates.set_ylabel("requests per second")
    delays.set_yscale("log")
    delays.set_ylabel("ms until the answer: p50, and p99 dotted")


def _growth(figure: Figure, series: Mapping[str, Any]) -> None:
    axes = figure.subplots()
    axes.plot(series["events"], series["us_per_event"], "o-")
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("events in the history")
    axes.set_ylabel("µs per event")


def _soak(figure: Figure, series: Mapping[str, Any]) -> None:
    axes = figure.subplots()
    minutes = [seconds / 60 for seconds in series["seconds"]]
    for name, sizes in series["MiB"].items():
        axes.plot(minutes, sizes, label=name)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("minutes")
    axes.set_ylabel("MiB resident")
    axes.legend(ncols=2)


_PLOTS: dict[str, Callable[[Figure, Mapping[str, Any]], None]] = {
    "curve": _curve,
    "growth": _growth,
    "soak": _soak,
}

if __name__ == "__main__":
    sys.exit(main())
