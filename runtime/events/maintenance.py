"""Periodic work on the consumers of the log: trimming of the streams, rolling of the engines."""

from __future__ import annotations

from collections.abc import Set
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from redis.exceptions import ResponseError

from runtime.data.database import Database
from runtime.data.queries import sql
from runtime.data.transactions import Record
from runtime.events.cursors import EngineCursors
from runtime.events.jobs import each_tenant
from runtime.events.redis_cluster import ClusterClient
from runtime.events.registry import ABANDONED_AFTER, registered
from runtime.events.streams import REDIS_ERRORS, RedisClient, stream_key
from runtime.host.logs import get_logger

log = get_logger(__name__)


async def trim_streams(database: Database, client: RedisClient, partitions: int) -> int:
    """Trim each stream behind the oldest entry that a consumer has pending or undelivered; returns entries removed.

    Only engines with a recent sign of life count: an entry is a wake-up, and what it points to stays in the log. A
    stream on which the group of one of them does not exist (yet) is left alone. MAXLEN and the server's ``lag`` are
    not used: the one drops what nobody has read, the other is wrong after a trim.
    """
    async with database.transaction() as tx:
        alive = await registered(tx, alive_within=ABANDONED_AFTER)
    groups = {name for name in alive if name != "relay"}
    removed = 0
    for partition in range(partitions):
        try:
            removed += await _trim_stream(client, stream_key(partition), groups)
        except REDIS_ERRORS as error:
            if not isinstance(client, ClusterClient):
                raise
            log.warning("stream not trimmed", partition=partition, error=repr(error))
    return removed


async def _trim_stream(client: RedisClient, key: str, groups: Set[str]) -> int:
    try:
        known: list[dict[str, Any]] = await client.xinfo_groups(key)
        last_id = (await client.xinfo_stream(key))["last-generated-id"]
    except ResponseError:  # no such stream
        return 0
    by_name = {group["name"].decode(): group for group in known}
    if not groups <= by_name.keys():
        return 0
    bounds = [_after(last_id)]
    for name in groups:
        pending: dict[str, Any] = await client.xpending(key, name)
        bounds.append(pending["min"] or _after(by_name[name]["last-delivered-id"]))
    return int(await client.xtrim(key, minid=min(bounds, key=_order), approximate=True))


QUIET = timedelta(seconds=30)
"""How long a tenant's log must rest before its engines are rolled within a day: history that is being written or
applied must not find its tables already in the present."""


class Rolls:
    """Brings every tenant of an engine to its present day, when the day or its tables have changed since."""

    def __init__(self, cursors: EngineCursors) -> None:
        self._cursors = cursors
        self._done: dict[UUID, tuple[date, int]] = {}

    async def step(self) -> int:
        """Roll what needs it; returns how many tenants were rolled."""
        async with self._cursors.database.transaction() as tx:
            rows = await tx.fetch_all(sql.select_positions, consumer=self._cursors.engine.name, quiet=QUIET)
        positions = {row["tenant_id"]: row for row in rows}
        due = [tenant_id for tenant_id, position in positions.items() if self._is_due(position, tx.now)]

        async def roll(tenant_id: UUID) -> int:
            return await self._roll(tenant_id, _day(positions[tenant_id], tx.now))

        return await each_tenant(f"roll-{self._cursors.engine.name}", due, roll)

    def _is_due(self, position: Record, now: datetime) -> bool:
        today = _day(position, now)
        done_on, done_seq = self._done.get(position["tenant_id"], (today, -1))
        return done_on != today or (done_seq != position["last_seq"] and position["is_quiet"])

    async def _roll(self, tenant_id: UUID, today: date) -> int:
        arrived = False
        while not arrived:
            async with self._cursors.transaction([tenant_id]) as tx:
                locked = await self._cursors.lock(tx, [tenant_id])
                if not locked:
                    return 0
                arrived = await self._cursors.engine.roll(tx, tenant_id, today)
        self._done[tenant_id] = (today, locked[0]["last_seq"])
        return 1


def _day(position: Record, now: datetime) -> date:
    return now.astimezone(ZoneInfo(position["time_zone"])).date()


def _order(entry_id: bytes) -> tuple[int, int]:
    milliseconds, _, number = entry_id.partition(b"-")
    return int(milliseconds), int(number or b"0")


def _after(entry_id: bytes) -> bytes:
    milliseconds, number = _order(entry_id)
    return b"%d-%d" % (milliseconds, number + 1)
