"""Series that rows keep: a straight line through them, and the files that they are drawn to."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from benchmarks.plots import draw
from benchmarks.rows.soak import slope

SERIES = {
    "curve": {
        "connections": [1, 2],
        "kinds": {"list": {"per_second": [9, 12], "p50_ms": [1, 2], "p99_ms": [2, 5]}},
    },
    "growth": {"events": [1_000, 10_000], "us_per_event": [300.0, 310.0]},
    "soak": {"seconds": [0.0, 10.0], "MiB": {"program": [100.0, 101.0]}},
}


def test_the_slope_is_that_of_the_straight_line_nearest_to_the_points() -> None:
    assert slope([0, 1, 2, 3], [5, 7, 9, 11]) == pytest.approx(2)
    assert slope([0, 1, 2, 3], [4, 4, 5, 5]) == pytest.approx(0.4)
    assert slope([], []) == slope([1, 1], [2, 3]) == 0


def test_each_series_that_was_kept_is_drawn_the_same_each_time(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    for name, series in SERIES.items():
        (kept / f"{name}.series.json").write_bytes(orjson.dumps(series))
    drawn = draw(tmp_path / "figures", kept)
    first = [path.read_bytes() for path in drawn]
    assert [path.name for path in drawn] == ["curve.svg", "growth.svg", "soak.svg"]
    assert all(content.startswith(b"<?xml") for content in first)
    assert [path.read_bytes() for path in draw(tmp_path / "figures", kept)] == first
    assert draw(tmp_path / "figures", tmp_path / "nothing") == []
