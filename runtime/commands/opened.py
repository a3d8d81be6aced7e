"""The installation a command is for, and databases opened for one command."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from runtime.data.database import Database, DatabaseRole
from runtime.data.queries import sql
from runtime.errors import NotFoundError
from runtime.settings import Settings, load


def installation() -> Settings:
    """Settings without keys; ``DATABASE_URL`` and ``REDIS_URL`` default to the servers of a running ``dev``."""
    settings = load(servers=False, secrets=False)
    if settings.database_url or settings.redis_url:
        return load(secrets=False)
    from runtime.host.embedded import running_endpoints

    running = running_endpoints(settings.home)
    if running is None:
        return load(secrets=False)
    return settings.having(
        environment="development", database_url=running.database_url, redis_url=running.redis_url
    )


@asynccontextmanager
async def opened(settings: Settings, role: DatabaseRole = "api", *, size: int = 2) -> AsyncIterator[Database]:
    """The database under one role, with a pool of ``size`` connections, closed at the end of the block."""
    database = await Database.open(
        settings.database_url_of(role), role, size=size, pooler=settings.database_pooler
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
