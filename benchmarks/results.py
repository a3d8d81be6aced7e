"""What a measurement says, how it is shown and where it is kept."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Result:
    """One figure. ``limit`` is what the machine allows, measured in the same run; ``met`` whether ``goal`` is."""

    row: str
    what: str
    value: float
    unit: str
    goal: str
    met: bool | None
    limit: float | None = None
    limit_is: str = ""
    note: str = ""
    lower_is_better: bool = False

    @property
    def share(self) -> float | None:
        """``value`` as a share of ``limit``."""
        return None if not self.limit else self.value / self.limit


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    model = "unknown"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            line.split(":", 1)[1].strip()
            for line in cpuinfo.read_text().splitlines()
            if line.startswith("model name")
        ]
        model = names[0] if names else model
    return {
        "processors": f"{os.cpu_count()} x {model}",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_before": f"{os.getloadavg()[0]:.1f}",
    }


def show(results: Sequence[Result]) -> None:
    """Print the table."""
    table = Table(title="BaseCommerce benchmarks")
    for heading in ("row", "what", "measured", "limit here", "of limit", "goal", "met", "note"):
        table.add_column(heading, overflow="fold")
    for result in results:
        table.add_row(
            result.row,
            result.what,
            f"{_number(result.value)} {result.unit}",
            "" if result.limit is None else f"{_number(result.limit)} ({result.limit_is})",
            "" if result.share is None else _share(result),
            result.goal,
            "" if result.met is None else "[green]yes" if result.met else "[red]no",
            result.note,
        )
    Console(width=None if os.isatty(1) else 180).print(table)


def _share(result: Result) -> str:
    share = result.share or 0.0
    return f"{share:.1f} ×" if result.lower_is_better else f"{100 * share:.0f} %"


def keep(results: Sequence[Result], described: dict[str, str]) -> Path:
    """Write the results as JSON; returns the file."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    content = {
        "machine": described,
        "results": [{**asdict(result), "share": result.share} for result in results],
    }
    path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))
    return path


def keep_series(name: str, content: Mapping[str, Any]) -> Path:
    """Write what a row measured one after the other, for the plots and whoever looks closer; the last run's stays."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.series.json"
    path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))
    return path


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}"
