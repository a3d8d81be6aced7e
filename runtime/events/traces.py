"""Spans of events whose request was sampled: what relay and engines did with them, and when."""

from __future__ import annotations

from collections.abc import Iterable

from runtime.data.transactions import Record
from runtime.host.tracing import TRACING


def trace_events(what: str, rows: Iterable[Record], began_ns: int) -> None:
    """A span per traced event of a committed batch, from ``began_ns`` (Unix time) to now, the batch's own time."""
    if not TRACING.is_on:
        return
    for row in rows:
        if (traceparent := row["traceparent"]) is not None:
            attributes = {
                "messaging.message.id": str(row["event_id"]),
                "basecommerce.event.type": row["event_type"],
                "basecommerce.event.seq": row["tenant_seq"],
                "basecommerce.tenant_id": str(row["tenant_id"]),
            }
            TRACING.record(f"{what} {row['event_type']}", traceparent, began_ns, attributes)
