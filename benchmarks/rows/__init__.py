"""The rows of the table: each prepares an installation, measures, and answers its figures."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from benchmarks.installation import Installation
from benchmarks.results import Result
from benchmarks.rows import (
    catching_up,
    curve,
    documents,
    fairness,
    files,
    history,
    pgbench,
    pipeline,
    processes,
    ratio,
    requests,
    scale,
    sizes,
    soak,
    trickle,
)

Row = Callable[[Installation], Coroutine[Any, Any, list[Result]]]

ROWS: dict[str, Row] = {
    "health": requests.health,
    "quote": requests.quote,
    "pgbench": pgbench.pgbench,
    "list": requests.quote_list,
    "curve": curve.curve,
    "flow": requests.flow,
    "ratio": ratio.ratio,
    "fairness": fairness.fairness,
    "pdf": documents.pdf,
    "two": requests.two_processes,
    "logins": requests.during_logins,
    "log": requests.access_log,
    "relay": pipeline.relay,
    "engines": pipeline.engines,
    "latency": pipeline.latency,
    "emission": pipeline.emission,
    "memory": processes.memory,
    "files": files.files,
}

ON_REQUEST: dict[str, Row] = {
    "growth": catching_up.growth,
    "history": history.history,
    "scale": scale.scale,
    "trickle": trickle.trickle,
    "sizes": sizes.sizes,
    "soak": soak.soak,
}
"""Rows that take minutes; measured only when named."""
