"""The state of the pipeline as metrics: read from the database, so one process is enough to say it for all."""

from __future__ import annotations

from collections.abc import Sequence

from runtime.data.database import Database
from runtime.data.queries import sql
from runtime.events.registry import pipeline_status
from runtime.events.streams import RedisClient, memory_of, stream_lengths
from runtime.host import metrics

_ABSENT = ("retired", "not_deployed")


class PipelineGauges:
    """Depth and age of what is not yet published or applied, dead letters, streams, and how both servers are used.

    ``consumers`` are those of this release; one that does not run in this installation has no lag.
    """

    def __init__(
        self, database: Database, client: RedisClient, consumers: Sequence[str], partitions: int
    ) -> None:
        self._database = database
        self._redis = client
        self._consumers = list(consumers)
        self._partitions = partitions

    async def step(self) -> int:
        """Read everything once; returns 0, for there is nothing to tell of it."""
        await self._read_database()
        await self._read_redis()
        return 0

    async def _read_database(self) -> None:
        async with self._database.transaction() as tx:
            outbox = await tx.fetch_one(sql.select_outbox_depth)
            consumers = await pipeline_status(tx, self._consumers)
            server = await tx.fetch_one(sql.show_server_use)
        if outbox is not None:
            metrics.OUTBOX_EVENTS.set(outbox["events"])
            metrics.OUTBOX_AGE_SECONDS.set(outbox["age_s"])
        # One that is not here, or no longer, has no series at all: nobody waits for it to come back.
        metrics.CONSUMER_RUNNING.clear()
        for row in consumers:
            here = row["state"] not in _ABSENT
            metrics.ENGINE_LAG_EVENTS.labels(row["name"]).set(row["lag_events"] if here else 0)
            metrics.ENGINE_LAG_SECONDS.labels(row["name"]).set(row["lag_seconds"] if here else 0)
            metrics.ENGINE_PARTIAL_TENANTS.labels(row["name"]).set(row["partial_tenants"] if here else 0)
            if here:
                metrics.CONSUMER_RUNNING.labels(row["name"]).set(row["state"] == "running")
            metrics.DEAD_LETTERS.labels(row["name"]).set(row["dead_letters"])
        if server is not None:
            metrics.DATABASE_SIZE_BYTES.set(server["size_bytes"])
            metrics.DATABASE_CONNECTIONS.labels("used").set(server["connections"])
            metrics.DATABASE_CONNECTIONS.labels("limit").set(server["max_connections"])
            metrics.OLDEST_TRANSACTION_SECONDS.set(server["oldest_transaction_s"])
            metrics.LAST_BACKUP_TIMESTAMP_SECONDS.set(server["backed_up_at_s"])

    async def _read_redis(self) -> None:
        for partition, length in (await stream_lengths(self._redis, range(self._partitions))).items():
            metrics.STREAM_ENTRIES.labels(partition).set(length)
        used, limit = await memory_of(self._redis)
        metrics.REDIS_MEMORY_BYTES.set(used)
        metrics.REDIS_MEMORY_LIMIT_BYTES.set(limit)
