"""Redis Streams as this program uses them: one stream per partition, entries that are claim checks, groups at 0.

Redis is a fast, lossy wake-up: whatever it loses, repeats or invents, the log and the cursors in PostgreSQL decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError

from runtime.events.redis_cluster import NODE_ERRORS, ClusterClient
from runtime.setting_types import redis_urls

BLOCK_MS = 5_000
SOCKET_TIMEOUT_S = BLOCK_MS / 1000 + 3

NODE_DEADLINE_S = 1.5

REDIS_ERRORS = NODE_ERRORS
"""What a Redis call may raise when Redis is away, full, loading or read-only."""

RedisClient = redis.Redis | ClusterClient
"""A server, or a cluster of them."""


def open_redis(
    url: str,
    *,
    cluster: bool = False,
    connections: int = 64,
    timeout_s: float | None = SOCKET_TIMEOUT_S,
) -> RedisClient:
    """A client whose calls are tried once: the driver's default would repeat an XADD.

    The timeout outlasts BLOCK; who does not block takes a short one, so that a server that hangs costs little. None is
    for callers that set a deadline around many replies at once, which is cheaper than one around each. For a
    ``cluster``, ``url`` names one or more of its nodes, ``connections`` are those to each node.
    """
    opened = partial(_open_server, connections=connections, timeout_s=timeout_s)
    if not cluster:
        return opened(url)
    urls = redis_urls(url)
    return ClusterClient(
        [opened(seed) for seed in urls],
        lambda host, port: opened(_at(urls[0], host, port)),
        deadline_s=timeout_s or NODE_DEADLINE_S,
    )


def _at(url: str, host: str, port: int) -> str:
    """The URL of another node of the same cluster: its user, its TLS, its options."""
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user}{at}{f'[{host}]' if ':' in host else host}:{port}").geturl()


def _open_server(url: str, *, connections: int, timeout_s: float | None) -> redis.Redis:
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


async def servers_of(client: RedisClient) -> Mapping[str, redis.Redis]:
    """The server, or the primaries of the cluster, by name; raises ``ConnectionError`` where none tells of them."""
    if not isinstance(client, ClusterClient):
        return {"Redis": client}
    await client.know_nodes()
    return client.nodes


async def stream_lengths(client: RedisClient, partitions: Iterable[int]) -> dict[int, int]:
    """Entries per partition, without those whose node of a cluster is away."""
    wanted = list(partitions)
    pipeline = client.pipeline(transaction=False)
    for partition in wanted:
        pipeline.xlen(stream_key(partition))
    lengths = await pipeline.execute(raise_on_error=not isinstance(client, ClusterClient))
    return {
        partition: length
        for partition, length in zip(wanted, lengths, strict=True)
        if not isinstance(length, Exception)
    }


async def memory_of(client: RedisClient) -> tuple[int, int]:
    """Bytes used and ``maxmemory`` (0: none); of a cluster, those of the node that is nearest to its limit."""
    found: list[tuple[int, int]] = []
    failure: Exception | None = None
    for server in (await servers_of(client)).values():
        try:
            told = await server.info("memory")
        except REDIS_ERRORS as error:
            failure = error
        else:
            found.append((told["used_memory"], told["maxmemory"]))
    if not found:
        raise failure or redis.ConnectionError("no node of the cluster answers")
    return max(found, key=lambda memory: (memory[0] / (memory[1] or float("inf")), memory[0]))


async def ensure_group(client: RedisClient, partition: int, group: str) -> None:
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
