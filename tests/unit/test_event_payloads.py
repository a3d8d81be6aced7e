"""Engines of one process share what they read of an event, and only of exactly that event."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from runtime.errors import PoisonError
from runtime.events.event import read_event

NOBODY = UUID(int=1)
ROW = {
    "tenant_id": NOBODY, "tenant_seq": 1, "event_id": NOBODY, "event_type": "quote_sent", "version": 1,
    "occurred_at": datetime(2026, 11, 24, tzinfo=UTC), "payload": f'{{"quote_id": "{NOBODY}"}}',
}  # fmt: skip


def test_a_payload_is_read_once_for_all_engines() -> None:
    assert read_event(ROW).payload is read_event(dict(ROW)).payload


def test_another_type_or_text_with_the_same_id_is_read_by_itself() -> None:
    other_type = read_event({**ROW, "event_type": "quote_approved"})
    other_text = read_event({**ROW, "payload": f'{{"quote_id": "{UUID(int=2)}"}}'})
    assert other_type.payload.event_type == "quote_approved"
    assert other_text.payload != read_event(ROW).payload


def test_a_payload_that_does_not_fit_is_poison_every_time() -> None:
    for _ in range(2):
        with pytest.raises(PoisonError):
            read_event({**ROW, "payload": "{}"})
