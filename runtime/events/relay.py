"""The relay: the consumer whose effect is an XADD.

It publishes claim checks of what lies behind its cursors, then moves them. A crash in between publishes twice, which
no engine minds; the other order would lose entries.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from typing import Any
from uuid import UUID

import anyio
import hiredis
import redis.asyncio as redis
from anyio.abc import TaskStatus
from redis.exceptions import AskError, ResponseError

from runtime.data.database import Database
from runtime.data.ids import partition_of
from runtime.data.queries import sql
from runtime.data.transactions import Record
from runtime.errors import RetryLaterError
from runtime.events.redis_cluster import AWAY_S, ClusterClient
from runtime.events.streams import REDIS_ERRORS, RedisClient, claim_check, stream_key, stream_lengths
from runtime.events.traces import trace_events
from runtime.events.wake import WakeSignal
from runtime.host.logs import get_logger
from runtime.host.pauses import pause

SWEEP_INTERVAL_S = 0.25
TURN_EVENTS = 2_000
TURN_TENANTS = 1_000
GATHER_S = 0.003
REDIS_DEADLINE_S = 2.0
STREAM_LIMIT = 200_000
LENGTH_CHECK_S = 1.0
MAX_PAUSE_S = 5.0
MOVED_PAUSE_S = 0.1

log = get_logger(__name__)


class Relay:
    """Publishes the log of all tenants. Any number may run: each turn locks the cursors it moves."""

    def __init__(
        self,
        database: Database,
        client: RedisClient,
        wake: WakeSignal,
        *,
        partitions: int,
        stream_limit: int = STREAM_LIMIT,
        observe: Callable[[Mapping[int, int], float], None] = lambda _published, _seconds: None,
    ) -> None:
        self._database = database
        self._redis = client
        self._wake = wake
        self._partitions = partitions
        self._stream_limit = stream_limit
        self._observe = observe
        self._known: set[UUID] = set()
        self._full: set[int] = set()
        self._away_until: dict[int, float] = {}
        self._keys = [stream_key(partition).encode() for partition in range(partitions)]
        self._lengths_checked_at = float("-inf")
        self._swept_at = float("-inf")

    async def run(self, stop: anyio.Event, *, task_status: TaskStatus[None]) -> None:
        """Publish until ``stop``; trouble with either server slows the turns down and never ends them."""
        task_status.started()
        pause_s = 0.0
        while not stop.is_set():
            try:
                more = await self.step()
            except (RetryLaterError, *REDIS_ERRORS) as error:
                pause_s = min(MAX_PAUSE_S, max(0.1, 2 * pause_s))
                log.warning("relay waits", error=repr(error), pause_s=pause_s)
                await pause(stop, pause_s)
                continue
            pause_s = 0.0
            if not more:
                # The first event after a quiet moment goes at once; what follows closely goes together.
                await anyio.sleep(GATHER_S)
                await self._wake.wait(SWEEP_INTERVAL_S)

    async def step(self) -> bool:
        """One turn: publish what woken tenants, and from time to time all tenants, have behind their cursor.

        Returns whether there is reason for another turn at once.
        """
        tenants = self._wake.take(TURN_TENANTS)
        now = anyio.current_time()
        if now - self._swept_at >= SWEEP_INTERVAL_S:
            tenants |= await self._sweep()
            self._swept_at = now
        if now - self._lengths_checked_at >= LENGTH_CHECK_S:
            await self._check_lengths()
            self._lengths_checked_at = now
        if waiting := self._waiting():
            tenants = {t for t in tenants if partition_of(t, self._partitions) not in waiting}
        if not tenants:
            return False
        behind = await self._publish_behind(tenants)
        self._wake.put(behind)
        return bool(behind)

    async def _sweep(self) -> set[UUID]:
        async with self._database.transaction() as tx:
            # Those that have to wait must not take the places of those that need not.
            rows = await tx.fetch_all(
                sql.select_relay_lag, but_partitions=list(self._waiting()), limit=TURN_TENANTS
            )
        return {row["tenant_id"] for row in rows}

    async def _publish_behind(self, tenants: Collection[UUID]) -> set[UUID]:
        """Publish a turn's worth of events; returns the tenants that may have more."""
        unknown = set(tenants) - self._known
        if unknown:
            async with self._database.transaction() as tx:
                rows = await tx.fetch_all(sql.create_relay_cursors, tenant_ids=list(unknown))
            self._known.update(row["id"] for row in rows)
        per_tenant = max(1, TURN_EVENTS // len(tenants))
        started, began_ns = time.perf_counter(), time.time_ns()
        async with self._database.transaction() as tx:
            rows = await tx.fetch_all(sql.take_relay_batch, tenant_ids=list(tenants), per_tenant=per_tenant)
            if not rows:
                return set()
            rows = await self._add_to_streams(rows)
            last_seqs = {row["tenant_id"]: row["tenant_seq"] for row in rows}
            await tx.execute(
                sql.move_relay_cursors, tenant_ids=list(last_seqs), last_seqs=list(last_seqs.values())
            )
        trace_events("publish", rows, began_ns)
        self._observe(Counter(row["partition"] for row in rows), time.perf_counter() - started)
        counts = Counter(row["tenant_id"] for row in rows)
        return {tenant_id for tenant_id, count in counts.items() if count >= per_tenant}

    def _waiting(self) -> set[int]:
        """The partitions whose events stay in the log for now."""
        if not self._away_until:
            return self._full
        now = anyio.current_time()
        self._away_until = {partition: until for partition, until in self._away_until.items() if until > now}
        return self._full | self._away_until.keys()

    async def _add_to_streams(self, rows: list[Record]) -> list[Record]:
        """Add an entry for each event; returns the events that have one, and raises when none does."""
        if not isinstance(self._redis, ClusterClient):
            await self._add(self._redis, rows)
            return rows
        return await self._add_to_nodes(self._redis, rows)

    async def _add_to_nodes(self, cluster: ClusterClient, rows: list[Record]) -> list[Record]:
        """To all nodes at once. The partitions of a node that fails wait, and hold no other up."""
        with anyio.fail_after(REDIS_DEADLINE_S):
            await cluster.know_nodes()
        failed: dict[int, Exception] = {}
        parts: dict[redis.Redis, list[Record]] = defaultdict(list)
        for row in rows:
            try:
                parts[cluster.node_of(self._keys[row["partition"]])].append(row)
            except redis.ConnectionError as error:
                failed[row["partition"]] = error

        async def add(node: redis.Redis, part: list[Record]) -> None:
            try:
                await self._add(node, part)
            except REDIS_ERRORS as error:
                cluster.learn(node, error)
                failed.update(dict.fromkeys({row["partition"] for row in part}, error))

        async with anyio.create_task_group() as tasks:
            for node, part in parts.items():
                tasks.start_soon(add, node, part)
        for partition, reason in failed.items():
            pause_s = MOVED_PAUSE_S if isinstance(reason, AskError) else AWAY_S
            self._away_until[partition] = anyio.current_time() + pause_s
            log.warning("partition waits", partition=partition, error=repr(reason), pause_s=pause_s)
        added = [row for row in rows if row["partition"] not in failed]
        if not added:
            raise next(iter(failed.values()))
        return added

    async def _add(self, server: redis.Redis, rows: list[Record]) -> None:
        """One write of all XADD commands packed together, then their replies: any error reply fails the turn."""
        packed = b"".join(
            hiredis.pack_command((b"XADD", self._keys[row["partition"]], b"*", *claim_check(row)))
            for row in rows
        )
        pool: Any = server.connection_pool
        # Connecting is a conversation too, and a server that hangs would hold the cursors with it.
        with anyio.fail_after(REDIS_DEADLINE_S):
            connection = await pool.get_connection()
        try:
            failure: Exception | None = None
            with anyio.fail_after(REDIS_DEADLINE_S):
                await connection.send_packed_command([packed])
                for _ in rows:
                    try:
                        await connection.read_response()
                    except ResponseError as error:
                        # The replies that follow must still be read off the connection.
                        failure = failure or error
            if failure is not None:
                raise failure
        except BaseException as error:
            if not isinstance(error, ResponseError):
                await connection.disconnect(nowait=True)
            raise
        finally:
            await pool.release(connection)

    async def _check_lengths(self) -> None:
        """Note the partitions whose stream is full: their events wait in the log, which is on disk."""
        with anyio.fail_after(REDIS_DEADLINE_S):
            lengths = await stream_lengths(
                self._redis, set(range(self._partitions)) - self._away_until.keys()
            )
        full = {partition for partition, length in lengths.items() if length >= self._stream_limit}
        if full != self._full:
            log.warning("streams at their limit", partitions=sorted(full))
        self._full = full
