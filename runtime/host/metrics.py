"""The one catalogue of metrics; docs/metrics.md is the same list and a test compares the two.

Names end in their unit. Labels have few values: never a tenant, a user or a path with ids in it.
"""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)

_REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)
_BATCH_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_DELAY_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


def _counter(name: str, help_text: str, *labels: str) -> Counter:
    return Counter(f"basecommerce_{name}", help_text, labels, registry=REGISTRY)


def _gauge(name: str, help_text: str, *labels: str) -> Gauge:
    return Gauge(f"basecommerce_{name}", help_text, labels, registry=REGISTRY)


def _histogram(name: str, help_text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
    return Histogram(f"basecommerce_{name}", help_text, labels, registry=REGISTRY, buckets=buckets)


HTTP_REQUESTS = _counter("http_requests_total", "Requests answered", "route", "method", "status")
HTTP_REQUEST_SECONDS = _histogram(
    "http_request_seconds", "Time to answer a request", _REQUEST_BUCKETS, "route", "method"
)
HTTP_REQUESTS_IN_FLIGHT = _gauge("http_requests_in_flight", "Requests being answered now")
SECURITY_EVENTS = _counter(
    "security_events_total", "Refused logins, mismatched tenants, throttling ...", "event"
)

POOL_CONNECTIONS = _gauge("pool_connections", "Database connections", "role", "state")
REPLICA_READS = _counter(
    "replica_reads_total", "Reads that the replica may answer, by why it did or not", "outcome"
)
for _outcome in ("replica", "own_write", "replica_unfit", "replica_lacked", "replica_failed"):
    REPLICA_READS.labels(_outcome)
REPLICA_LAG_SECONDS = _gauge(
    "replica_lag_seconds", "Seconds of writes that the replica may lack at most; 0 without one"
)
DATABASE_SIZE_BYTES = _gauge("database_size_bytes", "Size of the database on disk")
DATABASE_CONNECTIONS = _gauge("database_connections", "Connections of the server, ours and others'", "state")
OLDEST_TRANSACTION_SECONDS = _gauge(
    "oldest_transaction_seconds", "Age of the oldest open transaction of the database"
)
LAST_BACKUP_TIMESTAMP_SECONDS = _gauge(
    "last_backup_timestamp_seconds", "When the last backup was written, Unix time; 0 when none was"
)

OUTBOX_EVENTS = _gauge("outbox_events", "Events in the log that no stream has yet")
OUTBOX_AGE_SECONDS = _gauge("outbox_age_seconds", "Age of the oldest event that no stream has yet")
RELAY_PUBLISHED = _counter("relay_published_total", "Events published to streams", "partition")
RELAY_BATCH_SECONDS = _histogram("relay_batch_seconds", "Time to publish one batch", _BATCH_BUCKETS)
STREAM_ENTRIES = _gauge("stream_entries", "Entries in a stream", "partition")
REDIS_MEMORY_BYTES = _gauge(
    "redis_memory_bytes", "Memory used by Redis; by the node of a cluster nearest to its limit"
)
REDIS_MEMORY_LIMIT_BYTES = _gauge("redis_memory_limit_bytes", "Its maxmemory; 0 when it has none")

ENGINE_EVENTS = _counter("engine_events_total", "Events applied", "engine", "partition")
ENGINE_LAG_EVENTS = _gauge("engine_lag_events", "Events in the log that a consumer has not applied", "engine")
ENGINE_LAG_SECONDS = _gauge("engine_lag_seconds", "Age of the oldest of them", "engine")
ENGINE_BATCH_SECONDS = _histogram("engine_batch_seconds", "Time to apply one batch", _BATCH_BUCKETS, "engine")
ENGINE_FAILURES = _counter("engine_failures_total", "Batches and events that failed", "engine")
ENGINE_PARTIAL_TENANTS = _gauge(
    "engine_partial_tenants", "Stores whose log had been cut before the engine came", "engine"
)
CONSUMER_RUNNING = _gauge(
    "consumer_running", "1 after a sign of life within a minute; only those that run here", "consumer"
)
DEAD_LETTERS = _gauge("dead_letters", "Events waiting for an operator", "engine")

WEBHOOK_ATTEMPTS = _counter("webhook_attempts_total", "Attempts to deliver to a webhook", "outcome")

SCHEDULER_JOB_SECONDS = _histogram("scheduler_job_seconds", "Time of one job", _BATCH_BUCKETS, "job")
SCHEDULER_JOB_FAILURES = _counter("scheduler_job_failures_total", "Jobs that failed", "job")
SCHEDULER_TENANT_FAILURES = _counter(
    "scheduler_tenant_failures_total", "Stores that a job failed for and left for its next turn", "job"
)

ACTOR_RESTARTS = _counter("actor_restarts_total", "Crashes after which an actor was started again", "actor")
EVENT_LOOP_DELAY_SECONDS = _histogram(
    "event_loop_delay_seconds", "How late the event loop runs", _DELAY_BUCKETS
)


def exposition() -> bytes:
    """All metrics in Prometheus' text format."""
    return generate_latest(REGISTRY)


def names() -> list[str]:
    """The names by which this module's metrics are recorded in the code."""
    return [name for name, metric in globals().items() if isinstance(metric, MetricWrapperBase)]


def documented() -> Mapping[str, tuple[str, tuple[str, ...], str]]:
    """Name -> (type, labels, help), in the order of this file."""
    return {
        _full_name(metric): (str(metric._type), tuple(metric._labelnames), metric._documentation)
        for metric in globals().values()
        if isinstance(metric, MetricWrapperBase)
    }


def _full_name(metric: MetricWrapperBase) -> str:
    return f"{metric._name}_total" if isinstance(metric, Counter) else str(metric._name)
