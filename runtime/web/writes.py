"""What every write leaves behind in its own transaction: its audit entries and, under its key, its answer."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from aiohttp import web
from asyncpg import LockNotAvailableError

from runtime.data.connection import Step
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


def claim(call: Call[Any], operation: Operation, key: str, data: bytes) -> Step:
    """The step that takes the key for this request, as its transaction's first: it changes no row when there is one.

    The key's row goes when the request fails, and a twin waits for it.
    """
    route, digest = _asked(call, operation, data)
    return Step(
        sql.claim_idempotency_key,
        {"key": key, "route": route, "request_hash": digest},
        refused=lambda error: _in_progress() if isinstance(error, LockNotAvailableError) else None,
    )


async def claimed(call: Call[Any], operation: Operation, key: str, data: bytes) -> StoredAnswer | None:
    """The stored answer when the transaction's first step found that the same request was done before."""
    if call.tx.opened:
        return None
    stored = await _stored(call.tx, key, *_asked(call, operation, data))
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


def record(
    call: Call[Any],
    operation: Operation,
    key: str | None,
    status: int,
    body: bytes | None,
    headers: dict[str, str],
) -> None:
    """Have the audit entries, and the answer under its key, written with the commit.

    A write without an entry gets one of its own.
    """
    entries = call.audited
    if not entries and operation.is_write:
        entries = [AuditEntry(operation.may or operation.name, operation.tag, _thing_id(call), None, None)]
    if not entries and key is None:
        return
    left = {
        "key": key,
        "status": status,
        "body": (body or b"").decode() if key is not None else None,
        "headers": orjson.dumps(headers).decode() if key is not None else None,
        **_audit(call, entries),
    }
    if call.tx.outgoing:
        call.tx.trailing = left  # written with the events
    else:
        call.tx.last_before_commit(lambda: Step(sql.record_write, left))


async def record_audit(call: Call[Any], tx: TenantTransaction) -> None:
    """Write the call's audit entries in a transaction that the handler has opened itself."""
    nothing = {"key": None, "status": None, "body": None, "headers": None}
    await tx.execute(sql.record_write, **nothing, **_audit(call, call.audited))


def _audit(call: Call[Any], entries: Sequence[AuditEntry]) -> dict[str, Any]:
    return {
        "address": call.address[:64],
        "request_id": call.request_id,
        "entries": orjson.dumps([_left_by(entry) for entry in entries], default=str).decode(),
    }


def _left_by(entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": new_id(),
        "action": entry.action[:100],
        "thing": entry.thing[:100],
        "thing_id": entry.thing_id,
        "before": entry.before,
        "after": entry.after,
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
