"""The scheduler's share of lots: what is past its last day is not available any more, store by store."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from runtime.data.database import Database
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.events.catalogue import StockUpdated
from runtime.events.jobs import each_tenant
from runtime.events.log import emit

STORES_AT_ONCE = 1_000
PRODUCTS_AT_ONCE = 200


async def expire_due_lots(scheduler: Database, api: Database) -> int:
    """Expire all due lots; returns at how many levels. Each store's expire in transactions of that store."""
    async with scheduler.transaction() as tx:
        due = await tx.fetch_all(sql.find_stores_with_due_lots, limit=STORES_AT_ONCE)

    async def expire(tenant_id: UUID) -> int:
        expired = 0
        while True:
            async with api.tenant(tenant_id) as tx:
                batch = await expire_due(tx)
            expired += batch
            if not batch:
                return expired

    return await each_tenant("lot-expiry", [store["tenant_id"] for store in due], expire)


async def expire_due(tx: TenantTransaction) -> int:
    """Expire the due lots of some products, and tell what is available now; returns at how many levels."""
    due = await tx.fetch_all(sql.find_due_lots, limit=PRODUCTS_AT_ONCE)
    product_ids = [row["product_id"] for row in due]
    if not product_ids:
        return 0
    await tx.fetch_all(sql.lock_levels, product_ids=product_ids)
    levels = await tx.fetch_all(sql.expire_lots, product_ids=product_ids)
    for level in levels:
        emit(
            tx,
            StockUpdated(
                product_id=level["product_id"],
                location_id=level["location_id"],
                delta=Decimal(0),
                on_hand=level["on_hand"],
                available=level["available"],
                reason="adjustment",
            ),
        )
    return len(levels)
