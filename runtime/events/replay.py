"""Second chances: single dead letters applied again on request, and whole tenants rebuilt from the log."""

from __future__ import annotations

import traceback
from uuid import UUID

from runtime.data.queries import sql
from runtime.errors import ConflictError, RetryLaterError
from runtime.events.consumer import Consumer
from runtime.events.cursors import EngineCursors
from runtime.host.logs import get_logger

REQUESTS_PER_TURN = 100

log = get_logger(__name__)


async def replay_requested(cursors: EngineCursors) -> int:
    """Apply the dead letters of this engine whose replay was asked for; returns how many were applied.

    Each is applied and closed in one transaction, under the tenant's cursor lock; one that fails again is parked
    again with its new error.
    """
    async with cursors.database.transaction() as tx:
        requests = await tx.fetch_all(
            sql.select_replay_requests, consumer=cursors.engine.name, limit=REQUESTS_PER_TURN
        )
    applied = 0
    for request in requests:
        tenant_id, letter_id = request["tenant_id"], request["id"]
        try:
            async with cursors.transaction([tenant_id]) as tx:
                await cursors.hold(tx, tenant_id)
                row = await tx.fetch_one(sql.lock_replay_request, tenant_id=tenant_id, id=letter_id)
                if row is None:
                    continue
                await cursors.engine.apply(tx, [cursors.event(row)])
                await tx.execute(sql.close_dead_letter, tenant_id=tenant_id, id=letter_id)
        except RetryLaterError:
            raise
        except Exception as error:  # whatever the engine raises: the letter goes back with its new error
            async with cursors.transaction([tenant_id]) as tx:
                await tx.execute(
                    sql.repark_dead_letter,
                    tenant_id=tenant_id,
                    id=letter_id,
                    error=f"{type(error).__name__}: {error}"[:500],
                    traceback="".join(traceback.format_exception(error))[-20_000:],
                )
            log.warning("replay failed", engine=cursors.engine.name, dead_letter=str(letter_id))
        else:
            applied += 1
            log.info("dead letter replayed", engine=cursors.engine.name, dead_letter=str(letter_id))
    return applied


async def rebuild(consumer: Consumer, tenant_id: UUID) -> int:
    """Delete what the engine knows of a tenant and apply its whole log again; returns the events applied.

    Raises ``ConflictError`` when retention has already cut the beginning of the log.
    """
    cursors = consumer.cursors
    await cursors.ensure([tenant_id])
    async with cursors.transaction([tenant_id]) as tx:
        await cursors.hold(tx, tenant_id)
        first = await tx.fetch_value(sql.select_first_seq, tenant_id=tenant_id)
        if first not in (None, 1):
            raise ConflictError(
                "log_cut",
                f"The log begins with event {first}; what was before it can no longer be applied.",
                f"O registro começa no evento {first}; o que veio antes não pode mais ser aplicado.",
            )
        await cursors.engine.clear(tx, tenant_id)
        await tx.execute(sql.close_dead_letters, consumer=cursors.engine.name, tenant_id=tenant_id)
        await tx.execute(sql.rewind_engine_cursor, consumer=cursors.engine.name, tenant_id=tenant_id)
    applied = 0
    while True:
        progress = await consumer.step([tenant_id])
        applied += progress.events
        if not progress.behind:
            return applied
