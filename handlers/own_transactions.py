"""For operations that open their transactions themselves, because something slow stands between two of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from runtime.data.transactions import TenantTransaction
from runtime.web.call import Call
from runtime.web.trace import TRACE


@asynccontextmanager
async def transaction(call: Call[Any]) -> AsyncIterator[TenantTransaction]:
    """A transaction as other operations are given one; of nobody when the operation is public."""
    identity = getattr(call, "identity", None)
    user_id = None if identity is None else identity.user_id
    async with call.context.database.tenant(call.tenant.id, user_id=user_id) as tx:
        tx.correlation_id = call.request_id
        if (span := call.request[TRACE].span) is not None:
            tx.traceparent = span.traceparent
        yield tx
