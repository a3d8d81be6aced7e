"""Rates and latencies between two looks."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from runtime.commands.readings import Reading, Samples, parse, quantile, total
from runtime.commands.top_view import view


def _exposed(requests: int, errors: int, fast: int, slow: int) -> Samples:
    return parse(
        f"""# TYPE basecommerce_http_requests_total counter
basecommerce_http_requests_total{{route="/a",method="GET",status="200"}} {requests}
basecommerce_http_requests_total{{route="/b",method="GET",status="503"}} {errors}
# TYPE basecommerce_http_request_seconds histogram
basecommerce_http_request_seconds_bucket{{route="/a",method="GET",le="0.01"}} {fast}
basecommerce_http_request_seconds_bucket{{route="/a",method="GET",le="0.1"}} {fast + slow}
basecommerce_http_request_seconds_bucket{{route="/a",method="GET",le="+Inf"}} {fast + slow}
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 104857600
"""
    )


def test_a_quantile_is_that_of_what_happened_between_the_looks() -> None:
    before, after = _exposed(0, 0, 1000, 0), _exposed(0, 0, 1050, 50)
    assert quantile(before, after, "http_request_seconds", 0.5) == pytest.approx(0.01)
    assert quantile(before, after, "http_request_seconds", 0.75) == pytest.approx(0.055)
    assert quantile(after, after, "http_request_seconds", 0.5) is None
    assert quantile({}, {}, "http_request_seconds", 0.5) is None


def test_samples_are_summed_over_the_labels_that_are_not_asked_for() -> None:
    samples = _exposed(90, 10, 0, 0)
    assert total(samples, "http_requests_total") == 100
    assert total(samples, "http_requests_total", status="503") == 10
    assert total(samples, "unheard_of") == 0


def _shown(before: Reading | None, now: Reading) -> str:
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(view(before, now))
    return console.export_text()


def test_the_view_shows_rates_of_requests_and_events_and_names_what_is_ill() -> None:
    consumer = {
        "name": "stock",
        "state": "silent",
        "lag_events": 7,
        "lag_seconds": 90.0,
        "blocked_tenants": 1,
    }
    row = {**consumer, "dead_letters": 3}
    server = {"connections": 9, "max_connections": 60, "oldest_transaction_s": 1.25, "size_bytes": 50 << 20}
    before = Reading(
        10.0, [row], {"log": 100, "stock": 50}, server, [1, 2], 5 << 20, {"http://a": _exposed(0, 0, 0, 0)}
    )
    now = Reading(
        12.0,
        [row],
        {"log": 300, "stock": 60},
        server,
        [1, 2],
        5 << 20,
        {"http://a": _exposed(40, 2, 9, 1)},
        {"x": "gone"},
    )
    text = _shown(before, now)
    for shown in ("100.0", "5.0", "9/60", "1.2 s", "50 MiB", "silent", "21.0", "1.0", "100 MiB", "x: gone"):
        assert shown in text, shown
    assert "100.0" not in _shown(None, now)


def test_with_everything_away_there_is_still_something_to_see() -> None:
    assert "PostgreSQL: away" in _shown(None, Reading(1.0, problems={"PostgreSQL": "away"}))
