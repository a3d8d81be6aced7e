"""The start-up check of Redis: a server that forgets on its own, or that is spread over a cluster, is refused."""

from __future__ import annotations

from typing import Any

import redis.asyncio as redis

from runtime.errors import StartupError
from runtime.events.streams import REDIS_ERRORS

KEEPS_ALL = "noeviction"


async def check_redis(client: redis.Redis) -> None:
    """Raise ``StartupError`` for a server that this program must not use.

    One that is away, or that lets this user ask nothing, is no reason not to start: the log does without Redis.
    """
    try:
        told: dict[str, Any] = await client.info("everything")
    except REDIS_ERRORS:
        return
    problems = []
    policy = str(told.get("maxmemory_policy", KEEPS_ALL))
    if policy != KEEPS_ALL:
        problems.append(
            f"REDIS_URL: maxmemory-policy is {policy}, which drops entries and sessions without a word; "
            f"set maxmemory-policy {KEEPS_ALL}"
        )
    if int(told.get("cluster_enabled", 0)):
        problems.append(
            "REDIS_URL: the server is part of a Redis Cluster, where a partition's stream may lie on any node; "
            "name a single server (with a replica, if you like)"
        )
    if problems:
        raise StartupError(*problems)
