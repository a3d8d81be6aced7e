"""Redis Streams as this program uses them: one stream per partition, entries that are claim checks, groups at 0.

Redis is a fast, lossy wake-up: whatever it loses, repeats or invents, the log and the cursors in PostgreSQL decide.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

BLOCK_MS = 5_000
SOCKET_TIMEOUT_S = BLOCK_MS / 1000 + 3

REDIS_ERRORS = (RedisError, OSError, TimeoutError)
"""What a Redis call may raise when Redis is away, full, loading or read-only."""


def open_redis(url: str, *, connections: int = 64, timeout_s: float | None = SOCKET_TIMEOUT_S) -> redis.Redis:
    """A client whose calls are tried once: the driver's default would repeat an XADD.

    The timeout outlasts BLOCK; who does not block takes a short one, so that a server that hangs costs little. None is
    for callers that set a deadline around many replies at once, which is cheaper than one around each.
    """
    client = redis.Redis.from_url(
        url,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=timeout_s,
        socket_connect_timeout=2,
        health_check_interval=0,
        max_connections=connections,
        protocol=2,
    )
    pool: Any = client.connection_pool
    pool.connection_class = _closed_is_an_error_of_redis(pool.connection_class)
    return client


def _closed_is_an_error_of_redis(connection_class: type[Any]) -> type[Any]:
    """uvloop raises a bare RuntimeError for a write to a transport that was closed; the driver lets it pass."""

    class Connection(connection_class):  # type: ignore[misc]
        async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
            try:
                await super().send_packed_command(command, check_health)
            except RuntimeError as error:
                raise redis.ConnectionError(f"connection closed: {error}") from error

    return Connection


def stream_key(partition: int) -> str:
    """The stream of a partition; the braces keep it in one Redis Cluster slot."""
    return f"events:{{{partition}}}"


def wake_channel(partition: int) -> str:
    """The channel on which writers wake the relay for a partition's tenants."""
    return f"wake:{partition}"


def claim_check(row: Any) -> tuple[bytes, ...]:
    """The fields of a stream entry: the envelope without the payload, which is read from the log."""
    return (
        b"event_id",
        str(row["event_id"]).encode(),
        b"event_type",
        row["event_type"].encode(),
        b"tenant_id",
        str(row["tenant_id"]).encode(),
        b"tenant_seq",
        b"%d" % row["tenant_seq"],
        b"version",
        b"%d" % row["version"],
        b"vertical",
        row["vertical"].encode(),
        b"occurred_at",
        row["occurred_at"].isoformat().encode(),
        b"correlation_id",
        (row["correlation_id"] or "").encode(),
    )


async def ensure_group(client: redis.Redis, partition: int, group: str) -> None:
    """Create the consumer group at the start of the stream, so that nothing published before it is passed over."""
    try:
        await client.xgroup_create(stream_key(partition), group, id="0", mkstream=True)
    except ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise


def is_group_gone(error: Exception) -> bool:
    """Whether the stream or its group vanished (FLUSHALL, XGROUP DESTROY); the text differs by server version."""
    text = str(error)
    return "NOGROUP" in text or "no longer exists" in text or "UNBLOCKED" in text


def tenants_of(entries: Iterable[tuple[bytes, dict[bytes, bytes] | None]]) -> set[UUID]:
    """The tenants that entries point to; an entry that is gone or makes no sense points to nobody."""
    tenants = set()
    for _, fields in entries:
        if fields:
            try:
                tenants.add(UUID(fields[b"tenant_id"].decode()))
            except (KeyError, ValueError):
                continue
    return tenants
