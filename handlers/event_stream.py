"""A store's events as they happen, for pages and programs that stay connected (server-sent events)."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from typing import Any

from pydantic import Field

from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.errors import RefusedError, RetryLaterError
from runtime.web.call import Call, Reply
from runtime.web.fields import Body
from runtime.web.routing import Routes
from runtime.web.tenancy import admit

routes = Routes(tag="events")

LOOK_S = 1.0
BEAT_S = 15.0
RECHECK_S = 10.0
LONGEST_S = 3_600.0
AT_ONCE = 200
MEDIA = "text/event-stream"


class StreamQuery(Body):
    """Where to begin and what to send."""

    after: int | None = Field(
        None, ge=0, description="The number of the last event known; the Last-Event-ID header goes before it"
    )
    type: str | None = Field(None, max_length=100, description="Only events of this type")


@routes.get(
    "/events/stream",
    may="events:read",
    transaction=False,
    summary="The store's events as they happen",
    query=StreamQuery,
    media=MEDIA,
    errors=(406, 429),
)
async def stream_events(call: Call[StreamQuery]) -> Reply:
    """Server-sent events: ``id`` is the event's number, ``event`` its type, ``data`` what ``GET /events`` shows of it.

    Without ``Last-Event-ID`` it begins with what happens from now on. An event named ``gap`` says that what was asked
    for is no longer kept. The stream ends with the session, after an hour, or when the server restarts; clients
    connect again with the id of the last event they saw.
    """
    if MEDIA not in call.request.headers.get("Accept", ""):
        raise RefusedError(
            "not_acceptable",
            f"Only {MEDIA} is answered here; ask for it by Accept.",
            f"Aqui só se responde {MEDIA}; peça-o em Accept.",
            406,
        )
    call.context.feeds.check_room(call.tenant.id)
    after = _asked(call)
    async with call.context.database.tenant(call.tenant.id) as tx:
        after, gap = await _beginning(tx, after)
    headers = {"Content-Type": MEDIA, "X-Accel-Buffering": "no", "Cache-Control": "no-store"}
    return Reply(_events(call, after, gap), headers=headers)


def _asked(call: Call[StreamQuery]) -> int | None:
    given = call.request.headers.get("Last-Event-ID", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) <= 18 else call.query.after


async def _beginning(tx: TenantTransaction, after: int | None) -> tuple[int, bool]:
    """The event after which to begin, and whether something between was cut from the log."""
    row = await tx.fetch_one(sql.select_log_bounds)
    head, first = (row["head"], row["first_seq"]) if row is not None else (0, 1)
    if after is None or after >= head:
        return head, False
    return max(after, first - 1), after < first - 1


async def _events(call: Call[StreamQuery], after: int, gap: bool) -> AsyncGenerator[bytes]:
    feeds, began = call.context.feeds, time.monotonic()
    said_at = checked_at = began
    with feeds.opened(call.tenant.id):
        yield b"retry: 2000\n\n"
        if gap:
            yield b'event: gap\ndata: {"after": %d}\n\n' % after
        while time.monotonic() - began < LONGEST_S:
            try:
                if time.monotonic() - checked_at >= RECHECK_S:
                    checked_at = time.monotonic()
                    if not await _may_still(call):
                        return
                async with call.context.database.tenant(call.tenant.id) as tx:
                    rows = await tx.fetch_all(sql.list_events_after, after_seq=after, limit=AT_ONCE)
            except (RetryLaterError, RefusedError):
                return  # the client connects again, and is told what is the matter
            for row in rows:
                after = row["tenant_seq"]
                if call.query.type in (None, row["event_type"]):
                    said_at = time.monotonic()
                    yield f"id: {after}\nevent: {row['event_type']}\ndata: {row['body']}\n\n".encode()
            if len(rows) == AT_ONCE:
                continue
            if time.monotonic() - said_at >= BEAT_S:
                said_at = time.monotonic()
                yield b": still here\n\n"
            if await feeds.rest(LOOK_S):
                return


async def _may_still(call: Call[Any]) -> bool:
    """Whether the session, its user's permission and the store are still what they were."""
    context, identity = call.context, call.identity
    admit(await context.directory.by_id(identity.tenant_id))
    session = await context.sessions.find(identity.tenant_id, identity.session_id)
    return session is not None and "events:read" in context.permissions.get(session.role, frozenset())
