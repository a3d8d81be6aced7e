"""What is deleted when nobody needs it any more: events, sessions with their tokens, and the answers under keys."""

from __future__ import annotations

from datetime import timedelta

from runtime.data.database import Database
from runtime.data.queries import Query, sql
from runtime.events.registry import registered

DELETE_BATCH = 5_000
IDEMPOTENCY_RETENTION = timedelta(hours=24)
SESSION_RETENTION = timedelta(days=1)
"""How long an ended session is remembered, so that a refresh token of it that comes late is still told apart."""


async def delete_old_events(database: Database, retention_days: int) -> int:
    """Delete log rows older than ``retention_days`` that every registered consumer has left behind."""
    deleted = 0
    while True:
        async with database.transaction() as tx:
            await tx.execute(sql.lock_log_beginning)
            batch = await tx.execute(
                sql.delete_old_events,
                consumers=await registered(tx),
                before=tx.now - timedelta(days=retention_days),
                limit=DELETE_BATCH,
            )
        deleted += batch
        if batch < DELETE_BATCH:
            return deleted


async def delete_old_idempotency_keys(database: Database) -> int:
    """Delete the answers that are older than clients may ask for them again."""
    return await _delete(database, sql.delete_old_idempotency_keys, IDEMPOTENCY_RETENTION)


async def delete_ended_sessions(database: Database) -> int:
    """Delete sessions that have run out, and with them their refresh tokens."""
    return await _delete(database, sql.delete_ended_sessions, SESSION_RETENTION)


async def _delete(database: Database, query: Query, age: timedelta) -> int:
    deleted = 0
    while True:
        async with database.transaction() as tx:
            batch = await tx.execute(query, before=tx.now - age, limit=DELETE_BATCH)
        deleted += batch
        if batch < DELETE_BATCH:
            return deleted
