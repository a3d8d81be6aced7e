"""Files that come and go with a transaction: written before it, deleted after it, whatever becomes of it.

A file is written under a deletion that is due in an hour. The transaction that names the file takes the deletion back;
one that gives a file up schedules its deletion. So a transaction that fails, or whose end nobody knows, neither loses a
file that a row names nor leaves one that no row does.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from handlers import pictures
from handlers.own_transactions import transaction
from runtime.data.database import Database
from runtime.data.files import Files
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.errors import RetryLaterError
from runtime.events.jobs import each_tenant
from runtime.web.call import Call

ABANDONED_AFTER = timedelta(hours=1)
"""Longer than any request takes from writing its file to its commit."""

STORES_AT_ONCE = 1_000
FILES_AT_ONCE = 100


async def write(call: Call[Any], picture: pictures.Picture) -> str:
    """Write the image's file, which is deleted again unless it is kept; returns its name."""
    name = pictures.file_name(picture)
    async with transaction(call) as tx:
        await tx.execute(sql.schedule_file_deletions, file_names=[name], due_at=tx.now + ABANDONED_AFTER)
    await call.context.files.put(call.tenant.id, name, picture.content, picture.media_type)
    return name


async def keep(tx: TenantTransaction, name: str) -> None:
    """The transaction names the file: it stays. 503 when the file was abandoned already."""
    if not await tx.execute(sql.take_back_file_deletion, file_name=name):
        raise RetryLaterError("the file has been abandoned")


async def give_up(tx: TenantTransaction, names: Sequence[str]) -> None:
    """No row names the files any more: they are deleted once this is committed."""
    if names:
        await tx.execute(sql.schedule_file_deletions, file_names=list(names), due_at=tx.now)


async def delete_due_files(scheduler: Database, api: Database, files: Files) -> int:
    """Delete the files of all stores that are due; returns how many. One that cannot be deleted now stays due."""
    async with scheduler.transaction() as tx:
        due = await tx.fetch_all(sql.find_stores_with_due_files, limit=STORES_AT_ONCE)

    async def delete(tenant_id: UUID) -> int:
        deleted = 0
        while True:
            async with api.tenant(tenant_id) as tx:
                rows = await tx.fetch_all(sql.list_due_files, limit=FILES_AT_ONCE)
            names = [row["file_name"] for row in rows]
            if names:
                await files.delete(tenant_id, names)
                async with api.tenant(tenant_id) as tx:
                    await tx.execute(sql.forget_file_deletions, file_names=names)
            deleted += len(names)
            if len(names) < FILES_AT_ONCE:
                return deleted

    return await each_tenant("file-deletion", [store["tenant_id"] for store in due], delete)
