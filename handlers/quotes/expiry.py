"""The scheduler's share of quotes: whatever is past its last day expires, store by store."""

from __future__ import annotations

from handlers.quotes.rules import EXPIRED_AT_ONCE, expire_due
from runtime.data.database import Database
from runtime.data.queries import sql

STORES_AT_ONCE = 1_000


async def expire_due_quotes(scheduler: Database, api: Database) -> int:
    """Expire all due quotes; returns how many. Each store's quotes expire in transactions of that store."""
    async with scheduler.transaction() as tx:
        due = await tx.fetch_all(sql.find_stores_with_due_quotes, limit=STORES_AT_ONCE)
    expired = 0
    for store in due:
        while True:
            async with api.tenant(store["tenant_id"]) as tx:
                batch = await expire_due(tx)
            expired += batch
            if batch < EXPIRED_AT_ONCE:
                break
    return expired
