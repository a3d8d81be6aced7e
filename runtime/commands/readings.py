"""What ``basecommerce top`` shows, read once: pipeline from PostgreSQL, streams from Redis, processes from metrics."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from runtime.data.database import Database
from runtime.data.queries import sql
from runtime.errors import RetryLaterError

_TIMEOUT = aiohttp.ClientTimeout(total=2)

Labels = frozenset[tuple[str, str]]
Samples = Mapping[str, Mapping[Labels, float]]


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at everything; ``problems`` says by part what could not be read. ``at`` is monotonic seconds."""

    at: float
    consumers: Sequence[Mapping[str, Any]] = ()
    positions: Mapping[str, int] = field(default_factory=dict)
    server: Mapping[str, Any] = field(default_factory=dict)
    streams: Sequence[int] = ()
    redis_memory: int | None = None
    processes: Mapping[str, Samples] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)


async def read(database: Database, client: Any, partitions: int, ops_urls: Sequence[str]) -> Reading:
    """Look at everything once; a part that does not answer is named in ``problems``, and the rest is there."""
    found: dict[str, Any] = {"at": time.monotonic()}
    problems: dict[str, str] = {}
    try:
        found |= await _read_database(database)
    except RetryLaterError as error:
        problems["PostgreSQL"] = error.reason
    try:
        found |= await _read_redis(client, partitions)
    except _redis_errors() as error:
        problems["Redis"] = type(error).__name__
    processes = {}
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as http:
        for url in ops_urls:
            try:
                async with http.get(f"{url.rstrip('/')}/metrics") as answer:
                    answer.raise_for_status()
                    processes[url] = parse(await answer.text())
            except (aiohttp.ClientError, TimeoutError) as error:
                problems[url] = f"no metrics ({type(error).__name__})"
    return Reading(**found, processes=processes, problems=problems)


def parse(text: str) -> Samples:
    """Prometheus' text format as sample name -> labels -> value."""
    samples: dict[str, dict[Labels, float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples.setdefault(sample.name, {})[frozenset(sample.labels.items())] = float(sample.value)
    return samples


def total(samples: Samples, name: str, **labels: str) -> float:
    """The sum of all samples of a name that carry these labels."""
    wanted = set(labels.items())
    return sum(value for own, value in samples.get(f"basecommerce_{name}", {}).items() if wanted <= own)


def quantile(before: Samples, after: Samples, name: str, q: float) -> float | None:
    """The ``q`` quantile of a histogram between two readings in its unit; None when nothing was observed.

    Linear within its bucket, as Prometheus' ``histogram_quantile`` does; in the last bucket, its lower bound.
    """
    counts: dict[float, float] = {}
    for samples, sign in ((after, 1), (before, -1)):
        for labels, value in samples.get(f"basecommerce_{name}_bucket", {}).items():
            bound = float(dict(labels)["le"])
            counts[bound] = counts.get(bound, 0.0) + sign * value
    bounds = sorted(counts)
    if not bounds or counts[bounds[-1]] <= 0:
        return None
    rank = q * counts[bounds[-1]]
    lower, below = 0.0, 0.0
    for bound in bounds:
        if counts[bound] >= rank:
            if math.isinf(bound):
                return lower
            inside = counts[bound] - below
            return lower + (bound - lower) * ((rank - below) / inside if inside else 1.0)
        lower, below = bound, counts[bound]
    return lower


async def _read_database(database: Database) -> dict[str, Any]:
    from runtime.app import consumers
    from runtime.events.registry import pipeline_status

    async with database.transaction() as tx:
        return {
            "consumers": [dict(row) for row in await pipeline_status(tx, consumers())],
            "positions": {row["name"]: row["taken"] for row in await tx.fetch_all(sql.select_log_positions)},
            "server": dict(await tx.fetch_one(sql.show_server_use) or {}),
        }


async def _read_redis(client: Any, partitions: int) -> dict[str, Any]:
    from runtime.events.streams import memory_of, stream_lengths

    lengths = await stream_lengths(client, range(partitions))
    return {"streams": list(lengths.values()), "redis_memory": (await memory_of(client))[0]}


def _redis_errors() -> tuple[type[Exception], ...]:
    from runtime.events.streams import REDIS_ERRORS

    return REDIS_ERRORS
