"""Databases opened for one command."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from runtime.data.database import Database, DatabaseRole
from runtime.data.queries import sql
from runtime.errors import NotFoundError
from runtime.settings import Settings


@asynccontextmanager
async def opened(settings: Settings, role: DatabaseRole = "api") -> AsyncIterator[Database]:
    """The database under one role, with a pool of two connections, closed at the end of the block."""
    database = await Database.open(
        settings.database_url_of(role), role, size=2, pooler=settings.database_pooler
    )
    try:
        yield database
    finally:
        await database.close()


async def tenant_id_of(database: Database, slug: str) -> UUID:
    """The id of the store with this slug; raises ``NotFoundError`` naming it."""
    async with database.transaction() as tx:
        row = await tx.fetch_one(sql.get_tenant_by_slug, slug=slug)
    if row is None:
        raise NotFoundError("not_found", f"There is no store '{slug}'.", f"Não há loja '{slug}'.")
    found: UUID = row["id"]
    return found
