"""An event as consumers see it: the envelope from the log, and its payload as a model of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from pydantic import ValidationError

from runtime.data.transactions import Record
from runtime.errors import PoisonError
from runtime.events.catalogue import CATALOGUE, Payload

_REMEMBERED = 4096
"""Payloads kept for the other engines of the process, which read the same events at about the same time: two turns of
2,000 events, some 30 MB at most."""


class NewerVersionError(Exception):
    """The event was written by a newer release; this one must wait for its upgrade, never skip it."""


@dataclass(frozen=True, slots=True)
class Event:
    """One committed fact; ``seq`` is its gapless number in its tenant's log."""

    tenant_id: UUID
    seq: int
    event_id: UUID
    type: str
    version: int
    occurred_at: datetime
    payload: Payload


def known_model(row: Record) -> type[Payload]:
    """The model of a log row's payload; raises ``NewerVersionError`` for one of a newer release."""
    model = CATALOGUE.get(row["event_type"])
    if model is None or row["version"] > model.version:
        raise NewerVersionError(f"{row['event_type']} version {row['version']}")
    return model


@lru_cache(maxsize=_REMEMBERED)
def _read_payload(model: type[Payload], text: str) -> Payload:
    """The payload, which nobody can change, so that all engines may share it."""
    return model.model_validate_json(text)


def read_event(row: Record, models: Mapping[str, type[Payload]] = CATALOGUE) -> Event:
    """The event of a log row, its payload as ``models`` has it by type.

    Raises ``NewerVersionError``, or ``PoisonError`` when the payload does not fit.
    """
    known_model(row)
    model = models[row["event_type"]]
    try:
        payload = _read_payload(model, row["payload"])
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, problem["loc"])) for problem in error.errors())
        raise PoisonError(f"{row['event_type']}: payload does not fit its model ({fields})") from error
    return Event(
        row["tenant_id"],
        row["tenant_seq"],
        row["event_id"],
        row["event_type"],
        row["version"],
        row["occurred_at"],
        payload,
    )
