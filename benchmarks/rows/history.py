"""What reading costs as the log and the number of stores grow: pages of the database touched, by PostgreSQL's count."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from benchmarks.history import CONSUMERS, LARGE, WEBHOOK, grow
from benchmarks.installation import Installation
from benchmarks.plans import Reading, Role, read_plan
from benchmarks.results import Result
from handlers.events import LAST_SEQ
from handlers.pages import FIRST_MOMENT, LAST_ID, LAST_MOMENT
from runtime.data.ids import NIL
from runtime.data.queries import Query, sql

GROWING = frozenset(
    (
        *("audit_log", "dead_letters", "deliveries", "event_outbox", "orders", "quotes", "stock_movements"),
        "webhook_deliveries",
    )
)
"""Tables that hold the past. No statement of ``PROBES`` may read one from end to end."""

LOOK = 400
"""How many rows a filtered look takes in here: the program looks through more, and that grows with nothing either."""
MANY_PAGES = 400
"""Fewer than these are not told apart: with few rows PostgreSQL reads a small table from end to end, rightly."""
BY_STORES = "visits every store"
BY_QUOTES = "looks through the store's quotes"
BY_DELIVERIES = "looks through the deliveries that are kept"


@dataclass(frozen=True, slots=True)
class Probe:
    """A statement that is sent again and again: as which role, of which store, and with what beside the tenant.

    ``grows`` says with what it grows by design.
    """

    what: str
    query: Query
    parameters: Mapping[str, Any] = field(default_factory=dict)
    role: Role = "api"
    tenant: UUID = LARGE
    grows: str = ""


_NEWEST: dict[str, Any] = {"before_at": LAST_MOMENT, "before_id": LAST_ID, "limit": 51}
_ALLOWED: dict[str, Any] = {"allowed": "{}", **_NEWEST}
_NO_FILTER: dict[str, Any] = {
    "from_at": FIRST_MOMENT,
    "status": None,
    "customer_id": None,
    "q": None,
    "serial": None,
}
_EVENTS: dict[str, Any] = {
    "before_seq": LAST_SEQ,
    "from_seq": 1,
    "thing_id": None,
    "event_type": None,
    "limit": 51,
}
_FILTERED: dict[str, Any] = {**_EVENTS, "before_seq": 501 + LOOK, "from_seq": 501}
_AUDIT_OF: dict[str, Any] = {"action": None, "by_user": None, "before_id": LAST_ID, "limit": 51}
_AUDIT: dict[str, Any] = {"window": 51, **_AUDIT_OF}
_SENT: dict[str, Any] = {"webhook_id": WEBHOOK, "id": None, "state": None, "after": None, "limit": 51}
_LONG_AGO = datetime.now(UTC) - timedelta(days=3650)

PROBES: Sequence[Probe] = (
    Probe("quotes", sql.list_quotes, _ALLOWED),
    Probe("orders", sql.list_orders, _ALLOWED),
    Probe("deliveries", sql.list_newest_deliveries, _ALLOWED),
    Probe("stock movements", sql.list_newest_movements, {**_NEWEST, "costs": True}),
    Probe(
        "products",
        sql.list_products_by_name,
        {"costs": True, "category": None, "active": None, "after_name": None, "after_id": None, "limit": 51},
    ),
    Probe(
        "customers",
        sql.list_customers_by_name,
        {"kind": None, "active": None, "after_name": None, "after_id": None, "limit": 51},
    ),
    Probe("events, the newest", sql.list_events, _EVENTS),
    Probe("events, far back", sql.list_events, {**_EVENTS, "before_seq": 500}),
    Probe("events of one thing", sql.list_events, {**_FILTERED, "thing_id": str(UUID(int=9))}),
    Probe("events of a rare type", sql.list_events, {**_FILTERED, "event_type": "quote_sent"}),
    Probe("events for a stream", sql.list_events_after, {"after_seq": 500, "limit": 51}),
    Probe("bounds of the log", sql.select_log_bounds),
    Probe("audit, the newest", sql.select_audit, _AUDIT),
    Probe("audit, far back", sql.select_audit, {**_AUDIT, "before_id": UUID(int=100)}),
    Probe("audit of one thing", sql.select_audit_of_thing, {**_AUDIT_OF, "thing_id": UUID(int=9)}),
    Probe(
        "audit of a rare action",
        sql.select_audit,
        {**_AUDIT, "action": "quote.none", "window": LOOK},
    ),
    Probe("audit: where to go on", sql.skip_audit, {"before_id": LAST_ID, "window": LOOK}),
    Probe(
        "quotes by search",
        sql.search_quotes,
        {**_ALLOWED, **_NO_FILTER, "discount_approval": None, "q": "customer 7", "serial": None},
        grows=BY_QUOTES,
    ),
    Probe(
        "quotes by a search that finds nothing",
        sql.search_quotes,
        {**_ALLOWED, **_NO_FILTER, "discount_approval": None, "q": "nothing"},
        grows=BY_QUOTES,
    ),
    Probe(
        "dashboard",
        sql.get_dashboard,
        {"engines": list(CONSUMERS)},
        grows="counts a month of sales and 90 days of quotes",
    ),
    Probe("webhooks", sql.list_webhooks, {"id": None, "after": None, "limit": 51}),
    Probe("a webhook's deliveries", sql.list_deliveries_of_webhook, _SENT),
    Probe(
        "a webhook's dead deliveries",
        sql.list_deliveries_of_webhook,
        {**_SENT, "state": "pending"},
        grows="looks through the deliveries that are kept",
    ),
    Probe(
        "dead letters",
        sql.select_dead_letters,
        {"state": None, "consumer": None, "after": None, "limit": 51},
        tenant=NIL,
    ),
    Probe(
        "dead letters that are open",
        sql.select_dead_letters,
        {"state": "parked", "consumer": None, "after": None, "limit": 51},
        tenant=NIL,
        grows="looks through the dead letters there ever were",
    ),
    Probe("one dead letter", sql.select_dead_letter, {"id": UUID(int=9)}, tenant=NIL),
    Probe(
        "relay: sweep", sql.select_relay_lag, {"but_partitions": [], "limit": 500}, "relay", grows=BY_STORES
    ),
    Probe("relay: batch", sql.take_relay_batch, {"tenant_ids": [LARGE], "per_tenant": 500}, "relay"),
    Probe(
        "engine: reconciler",
        sql.select_engine_lag,
        {"consumer": "stock", "grace": "5 s", "limit": 500},
        "engine",
        grows=BY_STORES,
    ),
    Probe(
        "engine: batch",
        sql.read_engine_batch,
        {"tenant_ids": [LARGE], "last_seqs": [500], "subscribed": ["stock_updated"], "per_tenant": 500},
        "engine",
    ),
    Probe(
        "engine: replays asked for", sql.select_replay_requests, {"consumer": "stock", "limit": 50}, "engine"
    ),
    Probe(
        "webhooks: stores with news", sql.find_webhook_tenants, {"limit": 500}, "scheduler", grows=BY_STORES
    ),
    Probe("webhooks: due", sql.find_due_deliveries, {"per_webhook": 8, "limit": 500}, "scheduler"),
    Probe("quotes that have expired", sql.expire_quotes, {"limit": 500}),
    Probe("pipeline: depth", sql.select_outbox_depth, {}, "relay", grows=BY_STORES),
)


SIZES = ((1, 10_000), (1, 100_000), (1, 1_000_000), (100, 1_000_000), (1_000, 1_000_000))
"""Stores and events in all; one store has half of them. ``EVENTS`` adds a thousand stores with that many."""


async def history(made: Installation) -> list[Result]:
    """How many times as many pages each statement reads with a long past and many stores as with little of both."""
    readings: dict[str, list[Reading]] = {probe.what: [] for probe in PROBES}
    asked_for = os.environ.get("EVENTS")
    for stores, events in SIZES if asked_for is None else (*SIZES, (1_000, int(asked_for))):
        await made.fresh()
        connection = await asyncpg.connect(made.database_url)
        try:
            await grow(connection, stores=stores, events=events)
            for probe in PROBES:
                read = await read_plan(connection, probe.role, probe.tenant, probe.query, probe.parameters)
                readings[probe.what].append(read)
        finally:
            await connection.close()
    return [_result(probe, readings[probe.what]) for probe in PROBES]


def _result(probe: Probe, readings: Sequence[Reading]) -> Result:
    factor = max(read.buffers for read in readings) / max(MANY_PAGES, readings[0].buffers)
    pages = ", ".join(f"{read.buffers:,}" for read in readings)
    took = ", ".join(f"{read.milliseconds:.1f}" for read in readings)
    goal = "" if probe.grows else "≤ 1 ×"
    return Result(
        "history", probe.what, max(1.0, factor), "× the pages", goal, factor <= 1 if goal else None,
        note=f"{pages} pages; {took} ms" + (f"; {probe.grows}" if probe.grows else ""), lower_is_better=True,
    )  # fmt: skip
