"""The start-up check of Redis: a server that forgets on its own is refused, and a cluster that is not expected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import redis.asyncio as redis

from runtime.errors import StartupError
from runtime.events.redis_cluster import ClusterClient
from runtime.events.streams import REDIS_ERRORS, RedisClient, servers_of

KEEPS_ALL = "noeviction"


async def check_redis(client: RedisClient) -> None:
    """Raise ``StartupError`` for servers that this program must not use.

    One that is away, or that lets this user ask nothing, is no reason not to start: the log does without Redis.
    """
    if isinstance(client, ClusterClient):
        seeds = await _told({str(number): seed for number, seed in enumerate(client.seeds)})
        if any(not int(told.get("cluster_enabled", 1)) for told in seeds.values()):
            raise StartupError("REDIS_CLUSTER: REDIS_URL names a server that is not part of a Redis Cluster")
    try:
        servers = await _told(await servers_of(client))
    except REDIS_ERRORS:
        return
    problems = []
    for name, told in servers.items():
        policy = str(told.get("maxmemory_policy", KEEPS_ALL))
        if policy != KEEPS_ALL:
            problems.append(
                f"REDIS_URL: maxmemory-policy is {policy} ({name}), which drops entries and sessions without a word; "
                f"set maxmemory-policy {KEEPS_ALL}"
            )
        if int(told.get("cluster_enabled", 0)) and not isinstance(client, ClusterClient):
            problems.append(
                "REDIS_URL: the server is part of a Redis Cluster, where a partition's stream may lie on any node; "
                "set REDIS_CLUSTER=true"
            )
    if problems:
        raise StartupError(*problems)


async def _told(servers: Mapping[str, redis.Redis]) -> dict[str, dict[str, Any]]:
    """What the servers tell of themselves, by name; of those that do."""
    found = {}
    for name, server in servers.items():
        try:
            found[name] = await server.info("everything")
        except REDIS_ERRORS:
            continue
    return found
