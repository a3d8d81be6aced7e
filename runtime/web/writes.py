"""What every write leaves behind in its own transaction: its audit entries and, under its key, its answer."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from aiohttp import web

from runtime.data.errors import LockTimeoutError
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.errors import ConflictError, RefusedError
from runtime.web.call import AuditEntry, Call
from runtime.web.problems import field_refused
from runtime.web.routing import Operation

MAX_KEY = 255


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The answer that the first request with this key got."""

    status: int
    body: str
    headers: dict[str, str]


def idempotency_key(request: web.Request) -> str | None:
    """The request's Idempotency-Key, if it has one; refused when it is not 1 to 255 printable characters."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 1 <= len(key) <= MAX_KEY or not key.isascii() or not key.isprintable():
        raise RefusedError(
            "idempotency_key",
            f"Idempotency-Key has 1 to {MAX_KEY} printable ASCII characters.",
            f"Idempotency-Key deve ter de 1 a {MAX_KEY} caracteres ASCII imprimíveis.",
        )
    return key


async def claim(call: Call[Any], operation: Operation, key: str, data: bytes) -> StoredAnswer | None:
    """Take the key for this request; returns the stored answer when the same request was done before.

    The key's row is the transaction's first write: it goes when the request fails, and a twin waits for it.
    """
    route, digest = _asked(call, operation, data)
    try:
        claimed = await call.tx.fetch_value(
            sql.claim_idempotency_key, key=key, route=route, request_hash=digest
        )
    except LockTimeoutError:
        raise _in_progress() from None
    if claimed:
        return None
    stored = await _stored(call.tx, key, route, digest)
    if stored is None:
        raise _in_progress()
    return stored


async def recall(call: Call[Any], operation: Operation, key: str, data: bytes) -> StoredAnswer | None:
    """The stored answer when the same request was done before; takes nothing, for what is slow to do again."""
    user_id = None if operation.public else call.identity.user_id
    async with call.context.database.tenant(call.tenant.id, user_id=user_id) as tx:
        return await _stored(tx, key, *_asked(call, operation, data))


def _asked(call: Call[Any], operation: Operation, data: bytes) -> tuple[str, bytes]:
    """The operation, and a digest of what it is asked for."""
    target = call.request.path_qs.encode("utf-8", "surrogateescape")
    return f"{operation.method} {operation.path}", hashlib.sha256(target + b"\0" + data).digest()


async def _stored(tx: TenantTransaction, key: str, route: str, digest: bytes) -> StoredAnswer | None:
    """The answer kept under the key; refused when the key was used for another request."""
    row = await tx.fetch_one(sql.get_idempotent_answer, key=key)
    if row is None or row["status"] is None:
        return None
    if (row["user_id"], row["route"], row["request_hash"]) != (tx.user_id, route, digest):
        raise field_refused(
            "/header/Idempotency-Key",
            "idempotency_key_reused",
            "This key was used for another request.",
            "Esta chave já foi usada em outra requisição.",
        )
    return StoredAnswer(row["status"], row["body"], row["headers"] or {})


async def record(
    call: Call[Any],
    operation: Operation,
    key: str | None,
    status: int,
    body: bytes | None,
    headers: dict[str, str],
) -> None:
    """Write the audit entries, and the answer under its key. A write without an entry gets one of its own."""
    entries = call.audited
    if not entries and operation.is_write:
        entries = [AuditEntry(operation.may or operation.name, operation.tag, _thing_id(call), None, None)]
    if not entries and key is None:
        return
    left = {
        "key": key,
        "status": status,
        "body": (body or b"").decode() if key is not None else None,
        "headers": headers if key is not None else None,
        **_audit(call, entries),
    }
    if call.tx.outgoing:
        call.tx.trailing = left  # written with the events, as the last statement before the commit
    else:
        await call.tx.execute(sql.record_write, **left)


async def record_audit(call: Call[Any], tx: TenantTransaction) -> None:
    """Write the call's audit entries in a transaction that the handler has opened itself."""
    nothing = {"key": None, "status": None, "body": None, "headers": None}
    await tx.execute(sql.record_write, **nothing, **_audit(call, call.audited))


def _audit(call: Call[Any], entries: Sequence[AuditEntry]) -> dict[str, Any]:
    return {
        "address": call.address[:64],
        "request_id": call.request_id,
        "entries": [
            {
                "id": str(new_id()),
                "action": entry.action[:100],
                "thing": entry.thing[:100],
                "thing_id": None if entry.thing_id is None else str(entry.thing_id),
                "before": entry.before,
                "after": entry.after,
            }
            for entry in entries
        ],
    }


def _thing_id(call: Call[Any]) -> Any:
    for value in call.arguments.values():
        if isinstance(value, UUID):
            return value
    return None


def _in_progress() -> ConflictError:
    refused = ConflictError(
        "idempotency_in_progress",
        "A request with this key is still being answered.",
        "Uma requisição com esta chave ainda está em andamento.",
    )
    refused.headers = {"Retry-After": "1"}
    return refused
