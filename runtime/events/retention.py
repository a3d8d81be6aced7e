"""What is deleted when nobody needs it any more: events, sessions with their tokens, answers under
keys, and deliveries of webhooks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from runtime.data.database import Database
from runtime.data.queries import sql
from runtime.data.transactions import Transaction
from runtime.events.registry import registered

DELETE_BATCH = 5_000
IDEMPOTENCY_RETENTION = timedelta(hours=24)
DELIVERED_RETENTION, DEAD_RETENTION = timedelta(days=7), timedelta(days=30)
SESSION_RETENTION = timedelta(days=1)
"""How long an ended session is remembered, so that a refresh token of it that comes late is still told apart."""


async def delete_old_events(database: Database, retention_days: int) -> int:
    """Delete log rows older than ``retention_days`` that every registered consumer has left behind."""

    async def delete(tx: Transaction) -> int:
        await tx.execute(sql.lock_log_beginning)
        return await tx.execute(
            sql.delete_old_events,
            consumers=await registered(tx),
            before=tx.now - timedelta(days=retention_days),
            limit=DELETE_BATCH,
        )

    return await _in_batches(database, delete)


async def delete_old_idempotency_keys(database: Database) -> int:
    """Delete the answers that are older than clients may ask for them again."""
    return await _in_batches(
        database,
        lambda tx: tx.execute(
            sql.delete_old_idempotency_keys, before=tx.now - IDEMPOTENCY_RETENTION, limit=DELETE_BATCH
        ),
    )


async def delete_ended_sessions(database: Database) -> int:
    """Delete sessions that have run out, and with them their refresh tokens."""
    return await _in_batches(
        database,
        lambda tx: tx.execute(
            sql.delete_ended_sessions, before=tx.now - SESSION_RETENTION, limit=DELETE_BATCH
        ),
    )


async def delete_old_deliveries(database: Database) -> int:
    """Delete webhooks' deliveries that arrived a week ago, and those that were given up a month ago."""
    return await _in_batches(
        database,
        lambda tx: tx.execute(
            sql.delete_old_deliveries,
            delivered_before=tx.now - DELIVERED_RETENTION,
            dead_before=tx.now - DEAD_RETENTION,
            limit=DELETE_BATCH,
        ),
    )


async def _in_batches(database: Database, delete: Callable[[Transaction], Awaitable[int]]) -> int:
    """Delete in transactions of ``DELETE_BATCH`` rows each until there are none left; returns how many it was."""
    deleted = 0
    while True:
        async with database.transaction() as tx:
            batch = await delete(tx)
        deleted += batch
        if batch < DELETE_BATCH:
            return deleted
