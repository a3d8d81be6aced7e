"""The scheduler's share of quotes: whatever is past its last day expires, store by store."""

from __future__ import annotations

from uuid import UUID

from handlers.quotes.rules import EXPIRED_AT_ONCE, expire_due
from runtime.data.database import Database
from runtime.data.queries import sql
from runtime.events.jobs import each_tenant

STORES_AT_ONCE = 1_000


async def expire_due_quotes(scheduler: Database, api: Database) -> int:
    """Expire all due quotes; returns how many. Each store's quotes expire in transactions of that store."""
    async with scheduler.transaction() as tx:
        due = await tx.fetch_all(sql.find_stores_with_due_quotes, limit=STORES_AT_ONCE)

    async def expire(tenant_id: UUID) -> int:
        expired = 0
        while True:
            async with api.tenant(tenant_id) as tx:
                batch = await expire_due(tx)
            expired += batch
            if batch < EXPIRED_AT_ONCE:
                return expired

    return await each_tenant("quote-expiry", [store["tenant_id"] for store in due], expire)
