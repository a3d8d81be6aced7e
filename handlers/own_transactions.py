"""For operations that open their transactions themselves, because something slow stands between two of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.web.call import Call


@asynccontextmanager
async def transaction(call: Call[Any]) -> AsyncIterator[TenantTransaction]:
    """A transaction as other operations are given one; of nobody when the operation is public."""
    identity = getattr(call, "identity", None)
    user_id = None if identity is None else identity.user_id
    async with call.context.database.tenant(call.tenant.id, user_id=user_id) as tx:
        tx.correlation_id = call.request_id
        tx.wake = call.context.wake
        yield tx


async def write_audit(
    call: Call[Any], tx: TenantTransaction, action: str, thing: str, thing_id: UUID | None, after: Any
) -> None:
    """The audit entry that other operations leave through ``call.audit``."""
    await tx.execute(
        sql.record_write,
        key=None,
        status=None,
        body=None,
        headers=None,
        address=call.address[:64],
        request_id=call.request_id,
        entries=[
            {
                "id": str(new_id()),
                "action": action,
                "thing": thing,
                "thing_id": None if thing_id is None else str(thing_id),
                "before": None,
                "after": after,
            }
        ],
    )
