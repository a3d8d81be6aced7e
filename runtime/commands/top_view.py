"""How ``basecommerce top`` looks: two readings turned into tables."""

from __future__ import annotations

from collections.abc import Callable

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from runtime.commands.readings import Reading, Samples, quantile, total

_MEGABYTE = 1 << 20
_LATE_S = 60.0
_STATES = {"running": "green", "silent": "red", "retired": "dim", "not_deployed": "dim"}


def view(before: Reading | None, now: Reading) -> RenderableType:
    """All tables; rates and latencies are those between the two readings, and missing on the first."""
    elapsed = now.at - before.at if before is not None else 0.0
    parts: list[RenderableType] = [_servers(before, now, elapsed), _consumers(before, now, elapsed)]
    if now.processes:
        parts.append(_processes(before, now, elapsed))
    parts += [Text(f"{part}: {problem}", style="bold red") for part, problem in now.problems.items()]
    return Group(*parts)


def _servers(before: Reading | None, now: Reading, elapsed: float) -> Table:
    table = _table(
        "PostgreSQL and Redis", "EVENTS/S", "CONNECTIONS", "OLDEST TX", "DATABASE", "STREAMS", "REDIS"
    )
    server = now.server
    table.add_row(
        _rate(before, now, elapsed, "log"),
        f"{server['connections']}/{server['max_connections']}" if server else "-",
        _seconds(server.get("oldest_transaction_s")),
        _megabytes(server.get("size_bytes")),
        f"{sum(now.streams)}" if now.streams else "-",
        _megabytes(now.redis_memory),
    )
    return table


def _consumers(before: Reading | None, now: Reading, elapsed: float) -> Table:
    table = _table("Consumers", "NAME", "STATE", "EVENTS/S", "BEHIND", "FOR", "STAND STILL", "DEAD LETTERS")
    for row in now.consumers:
        late = row["lag_events"] > 0 and row["lag_seconds"] > _LATE_S
        table.add_row(
            row["name"],
            Text(row["state"].replace("_", " "), style=_STATES.get(row["state"], "")),
            _rate(before, now, elapsed, row["name"]),
            Text(str(row["lag_events"]), style="red" if late else ""),
            _seconds(row["lag_seconds"] if row["lag_events"] else 0.0),
            Text(str(row["blocked_tenants"]), style="red" if row["blocked_tenants"] else ""),
            Text(str(row["dead_letters"]), style="red" if row["dead_letters"] else ""),
        )
    return table


def _processes(before: Reading | None, now: Reading, elapsed: float) -> Table:
    table = _table(
        "Processes",
        "ADDRESS",
        "REQUESTS/S",
        "5XX/S",
        "P50",
        "P99",
        "OPEN",
        "APPLIED/S",
        "LOOP P99",
        "MEMORY",
        "CPU",
    )
    for url, after in now.processes.items():
        earlier = before.processes.get(url) if before is not None else None
        table.add_row(url.removeprefix("http://"), *_process(earlier, after, elapsed))
    return table


def _process(earlier: Samples | None, after: Samples, elapsed: float) -> list[str]:
    def per_second(measure: Callable[[Samples], float]) -> str:
        if earlier is None or elapsed <= 0:
            return "-"
        return f"{max(0.0, measure(after) - measure(earlier)) / elapsed:.1f}"

    def milliseconds(name: str, q: float) -> str:
        value = None if earlier is None else quantile(earlier, after, name, q)
        return "-" if value is None else f"{value * 1000:.1f} ms"

    def plain(name: str) -> Callable[[Samples], float]:
        return lambda samples: sum(samples.get(name, {}).values())

    errors = sorted(
        {
            status
            for labels in after.get("basecommerce_http_requests_total", {})
            for status in _statuses(labels)
        }
    )
    return [
        per_second(lambda samples: total(samples, "http_requests_total")),
        per_second(
            lambda samples: sum(total(samples, "http_requests_total", status=status) for status in errors)
        ),
        milliseconds("http_request_seconds", 0.5),
        milliseconds("http_request_seconds", 0.99),
        f"{total(after, 'http_requests_in_flight'):.0f}",
        per_second(lambda samples: total(samples, "engine_events_total")),
        milliseconds("event_loop_delay_seconds", 0.99),
        _megabytes(plain("process_resident_memory_bytes")(after)),
        per_second(plain("process_cpu_seconds_total")),
    ]


def _statuses(labels: frozenset[tuple[str, str]]) -> list[str]:
    return [value for name, value in labels if name == "status" and value.startswith("5")]


def _rate(before: Reading | None, now: Reading, elapsed: float, name: str) -> str:
    if before is None or elapsed <= 0 or name not in now.positions or name not in before.positions:
        return "-"
    return f"{max(0, now.positions[name] - before.positions[name]) / elapsed:.1f}"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} s"


def _megabytes(value: float | None) -> str:
    return "-" if value is None else f"{value / _MEGABYTE:.0f} MiB"


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for number, heading in enumerate(headings):
        is_name = number == 0 and heading in ("NAME", "ADDRESS")
        table.add_column(heading, justify="left" if is_name or heading == "STATE" else "right", no_wrap=True)
    return table
