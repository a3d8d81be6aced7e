"""The state of the pipeline as metrics: read from the database, so one process is enough to say it for all."""

from __future__ import annotations

from collections.abc import Sequence

import redis.asyncio as redis

from runtime.data.database import Database
from runtime.data.queries import sql
from runtime.events.streams import stream_key
from runtime.host import metrics


class PipelineGauges:
    """Depth and age of what is not yet published or applied, dead letters, streams, and how both servers are used."""

    def __init__(
        self, database: Database, client: redis.Redis, consumers: Sequence[str], partitions: int
    ) -> None:
        self._database = database
        self._redis = client
        self._consumers = list(consumers)
        self._partitions = partitions

    async def step(self) -> int:
        """Read everything once; returns 0, for there is nothing to tell of it."""
        async with self._database.transaction() as tx:
            outbox = await tx.fetch_one(sql.select_outbox_depth)
            consumers = await tx.fetch_all(sql.select_pipeline_status, consumers=self._consumers)
            server = await tx.fetch_one(sql.show_server_use)
        if outbox is not None:
            metrics.OUTBOX_EVENTS.set(outbox["events"])
            metrics.OUTBOX_AGE_SECONDS.set(outbox["age_s"])
        for row in consumers:
            metrics.ENGINE_LAG_EVENTS.labels(row["name"]).set(row["lag_events"])
            metrics.ENGINE_LAG_SECONDS.labels(row["name"]).set(row["lag_seconds"])
            metrics.DEAD_LETTERS.labels(row["name"]).set(row["dead_letters"])
        if server is not None:
            metrics.DATABASE_SIZE_BYTES.set(server["size_bytes"])
            metrics.DATABASE_CONNECTIONS.labels("used").set(server["connections"])
            metrics.DATABASE_CONNECTIONS.labels("limit").set(server["max_connections"])
            metrics.OLDEST_TRANSACTION_SECONDS.set(server["oldest_transaction_s"])
            metrics.LAST_BACKUP_TIMESTAMP_SECONDS.set(server["backed_up_at_s"])
        pipeline = self._redis.pipeline(transaction=False)
        for partition in range(self._partitions):
            pipeline.xlen(stream_key(partition))
        pipeline.info("memory")
        *lengths, memory = await pipeline.execute()
        for partition, length in enumerate(lengths):
            metrics.STREAM_ENTRIES.labels(partition).set(length)
        metrics.REDIS_MEMORY_BYTES.set(memory["used_memory"])
        metrics.REDIS_MEMORY_LIMIT_BYTES.set(memory["maxmemory"])
        return 0
