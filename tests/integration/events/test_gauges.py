"""What the scheduler tells of servers and pipeline, for dashboards and alerts."""

from __future__ import annotations

import asyncpg
import pytest
import redis.asyncio as redis

from runtime.data.database import Database
from runtime.events.gauges import PipelineGauges
from runtime.events.registry import Presence
from runtime.host.metrics import REGISTRY
from tests.support.events import PARTITIONS, emit_events


def _value(name: str, **labels: str) -> float:
    value = REGISTRY.get_sample_value(f"basecommerce_{name}", labels)
    assert value is not None
    return value


@pytest.fixture
def gauges(scheduler_database: Database, redis_client: redis.Redis) -> PipelineGauges:
    return PipelineGauges(scheduler_database, redis_client, ["relay", "stock"], PARTITIONS)


async def test_what_waits_is_counted_and_ages(
    gauges: PipelineGauges, database: Database, engine_database: Database, new_tenant
) -> None:
    tenant_id = await new_tenant()
    await emit_events(database, tenant_id, 1, 2, 3)
    await gauges.step()
    # An engine that is not deployed here is no cause for an alarm.
    assert _value("engine_lag_events", engine="stock") == 0
    assert REGISTRY.get_sample_value("basecommerce_consumer_running", {"consumer": "stock"}) is None
    await Presence("stock", engine_database).register()
    await gauges.step()
    assert _value("consumer_running", consumer="stock") == 1
    assert _value("outbox_events") == 3
    assert _value("outbox_age_seconds") > 0
    assert _value("engine_lag_events", engine="stock") == 3
    assert _value("dead_letters", engine="stock") == 0
    assert _value("redis_memory_bytes") > 0
    assert _value("stream_entries", partition="0") == 0


async def test_a_transaction_that_somebody_leaves_open_is_seen_whoever_it_belongs_to(
    gauges: PipelineGauges, owner: asyncpg.Connection
) -> None:
    await gauges.step()
    before = _value("oldest_transaction_seconds")
    async with owner.transaction():
        await owner.execute("select pg_sleep(0.2)")
        await gauges.step()
        assert _value("oldest_transaction_seconds") >= before + 0.2
    assert 0 < _value("database_connections", state="used") < _value("database_connections", state="limit")
    assert _value("database_size_bytes") > 1_000_000


async def test_the_last_backup_is_dated_and_none_counts_as_very_old(
    gauges: PipelineGauges, owner: asyncpg.Connection
) -> None:
    await gauges.step()
    assert _value("last_backup_timestamp_seconds") == 0
    await owner.execute("update installation set backed_up_at = to_timestamp(1700000000)")
    await gauges.step()
    assert _value("last_backup_timestamp_seconds") == 1_700_000_000
