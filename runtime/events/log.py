"""The event log: written in the transaction of the state change, as its last step before the commit."""

from __future__ import annotations

import asyncpg

from runtime.data.connection import Step
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.events.catalogue import Payload

VERTICAL = "construction"


class MissingHeadError(Exception):
    """The tenant has no counter row, so its events cannot be numbered; nothing may be committed."""


def emit(tx: TenantTransaction, payload: Payload) -> None:
    """Record that something happened. It commits with the transaction, or never was.

    Events of one transaction are numbered in the order they were emitted. They are written together, after
    everything else, because numbering takes the lock that all writes of the tenant queue for.
    """
    if not tx.outgoing:
        tx.last_before_commit(lambda: _append(tx))
        tx.after_commit(lambda: _wake(tx))
    tx.outgoing.append(payload)


def _append(tx: TenantTransaction) -> Step:
    events: list[Payload] = tx.outgoing
    return Step(
        sql.append_events if tx.trailing is None else sql.append_events_and_record_write,
        {
            **(tx.trailing or {}),
            "count": len(events),
            "vertical": VERTICAL,
            "correlation_id": tx.correlation_id,
            "traceparent": tx.traceparent,
            "event_ids": [new_id() for _ in events],
            "event_types": [event.event_type for event in events],
            "versions": [event.version for event in events],
            "payloads": [event.model_dump_json() for event in events],
        },
        refused=lambda error: _missing_head(tx, error),
    )


def _missing_head(tx: TenantTransaction, error: Exception) -> Exception | None:
    """Without the counter's row the events' numbers are null, which the log refuses."""
    if isinstance(error, asyncpg.NotNullViolationError) and error.column_name == "tenant_seq":
        return MissingHeadError(f"tenant {tx.tenant_id} has no event counter")
    return None


def _wake(tx: TenantTransaction) -> None:
    if tx.wake is not None:
        tx.wake(tx.tenant_id)
