"""Events over HTTP: a store's own history, the schemas of all events, and the platform's view of the pipeline."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, Field

from handlers import pages
from runtime.data.queries import sql
from runtime.errors import NotFoundError
from runtime.events import dead_letters
from runtime.events.catalogue import json_schemas
from runtime.events.registry import pipeline_status
from runtime.web.fields import View
from runtime.web.pagination import ListQuery, Page, page_reply
from runtime.web.routing import Call, Reply, Routes

routes = Routes(tag="events")

LAST_SEQ = (1 << 63) - 1
CONSUMERS = ("relay", "stock", "sales", "pricing", "delivery")
"""Everything that follows the log in this release."""


class EventView(View):
    """One committed event of the store; ``seq`` is its gapless number."""

    seq: int
    event_id: UUID
    type: str
    version: int
    occurred_at: datetime
    correlation_id: str | None
    payload: dict[str, Any]


class EventList(ListQuery):
    """Filters of a store's history: the newest first."""

    thing_id: UUID | None = Field(None, description="Only events whose payload names this id")
    type: str | None = Field(None, max_length=100, description="Only events of this type")


class ConsumerView(View):
    """Whether a consumer runs here and how far it is behind, over all stores.

    ``partial_tenants`` are stores whose log had been cut before it came.
    """

    name: str
    state: Literal["running", "silent", "retired", "not_deployed"]
    seen_at: datetime | None
    lag_events: int
    lag_seconds: float
    dead_letters: int
    blocked_tenants: int
    partial_tenants: int


class LogView(View):
    """The log as a whole: about how many events it holds, and the age of the oldest."""

    events: int
    oldest_seconds: float


class PipelineView(View):
    """What the platform's administrators see of the event pipeline."""

    consumers: list[ConsumerView]
    log: LogView


class DeadLetterView(View):
    """An event that a consumer could not apply."""

    id: UUID
    tenant_id: UUID
    slug: str
    consumer: str
    tenant_seq: int
    event_type: str
    error: str
    attempts: int
    state: Literal["parked", "replay_requested", "replayed", "discarded"]
    parked_at: datetime


class DeadLetterDetail(DeadLetterView):
    """A dead letter with its traceback; the payload stays with the store."""

    event_id: UUID
    version: int
    occurred_at: datetime
    traceback: str | None
    resolved_at: datetime | None
    resolved_by: str | None


class DeadLetterList(ListQuery):
    """Filters of the dead letters."""

    state: Literal["parked", "replay_requested", "replayed", "discarded"] | None = None
    consumer: str | None = Field(None, max_length=60)


class SchemaView(BaseModel):
    """A payload's newest version and its JSON schema, by event type."""

    model_config = ConfigDict(extra="allow")


@routes.get(
    "/events",
    may="events:read",
    stale=True,
    summary="The store's own events",
    query=EventList,
    answers=Page[EventView],
)
async def list_events(call: Call[EventList]) -> Reply:
    """What happened in the store, or to one thing of it, the newest first. Filtered, a page may hold less than `limit`,
    even nothing, and go on all the same: it looks through ten thousand events at a time."""
    query, tx = call.query, call.tx
    after = call.cursor()
    before_seq, from_seq, beyond = int(after[0]) if after else LAST_SEQ, 1, None
    if query.thing_id is not None or query.type is not None:
        log = await tx.fetch_one(sql.select_log_bounds)
        if log is not None:
            before_seq = min(before_seq, log["head"] + 1)
            from_seq = max(log["first_seq"], before_seq - pages.LOOKED_THROUGH)
            beyond = [from_seq] if from_seq > log["first_seq"] else None
    rows = await tx.fetch_all(
        sql.list_events,
        before_seq=before_seq,
        from_seq=from_seq,
        thing_id=str(query.thing_id) if query.thing_id else None,
        event_type=query.type,
        limit=query.limit + 1,
    )
    return page_reply(call, rows, query.limit, key=lambda row: [row["tenant_seq"]], beyond=beyond)


@routes.get("/events/schemas", summary="JSON schemas of all events", answers=SchemaView)
async def get_event_schemas(call: Call) -> Reply:
    """Every event type with the version this release writes and the JSON schema of its payload."""
    return Reply(json_schemas())


@routes.get(
    "/platform/events",
    may="platform:events_read",
    summary="Lags of all consumers and the size of the log",
    answers=PipelineView,
)
async def get_pipeline(call: Call) -> Reply:
    """How far every consumer has come, over all stores."""
    consumers = await pipeline_status(call.tx, CONSUMERS)
    size = await call.tx.fetch_one(sql.select_log_status)
    return Reply(
        {
            "consumers": [dict(row) for row in consumers],
            "log": dict(size) if size is not None else {"events": 0, "oldest_seconds": 0},
        }
    )


@routes.get(
    "/platform/events/dead-letters",
    may="platform:events_read",
    summary="Events that could not be applied",
    query=DeadLetterList,
    answers=Page[DeadLetterView],
)
async def list_dead_letters(call: Call[DeadLetterList]) -> Reply:
    """The newest dead letters of all stores."""
    after = call.cursor()
    rows = await call.tx.fetch_all(
        sql.select_dead_letters,
        state=call.query.state,
        consumer=call.query.consumer,
        after=UUID(after[0]) if after else None,
        limit=call.query.limit + 1,
    )
    shown = [{"id": row["id"], "body": orjson.dumps(dict(row), default=str).decode()} for row in rows]
    return page_reply(call, shown, call.query.limit, key=lambda row: [row["id"]])


@routes.get(
    "/platform/events/dead-letters/{dead_letter_id}",
    may="platform:events_read",
    summary="One dead letter with its traceback",
    answers=DeadLetterDetail,
)
async def get_dead_letter(call: Call, dead_letter_id: UUID) -> Reply:
    """Everything known of the failure; the event's payload is the store's and is not shown."""
    row = await call.tx.fetch_one(sql.select_dead_letter, id=dead_letter_id)
    if row is None:
        raise NotFoundError
    return Reply(dict(row))


@routes.post(
    "/platform/events/dead-letters/{dead_letter_id}/replay",
    may="platform:events_manage",
    summary="Have a dead letter applied again",
    answers=DeadLetterDetail,
    status=202,
    errors=(409,),
)
async def replay_dead_letter(call: Call, dead_letter_id: UUID) -> Reply:
    """The engine applies the event and closes the letter in one transaction, usually within a second."""
    return await _resolve(call, dead_letter_id, "replay")


@routes.post(
    "/platform/events/dead-letters/{dead_letter_id}/discard",
    may="platform:events_manage",
    summary="Close a dead letter for good",
    answers=DeadLetterDetail,
    errors=(409,),
)
async def discard_dead_letter(call: Call, dead_letter_id: UUID) -> Reply:
    """The event never takes effect in that engine; it stays in the log and in this list."""
    return await _resolve(call, dead_letter_id, "discard")


async def _resolve(call: Call, dead_letter_id: UUID, action: Literal["replay", "discard"]) -> Reply:
    row = await dead_letters.resolve(call.tx, dead_letter_id, action, by=str(call.identity.user_id))
    call.audit(f"dead_letter.{action}", "dead_letter", dead_letter_id)
    return Reply(row)
