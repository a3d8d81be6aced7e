"""A trace follows a request through the log: what relay and engines did with its events belongs to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis.asyncio as redis
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from runtime.data.database import Database
from runtime.events.consumer import Consumer
from runtime.events.relay import Relay
from runtime.events.wake import WakeSignal
from runtime.host.tracing import TRACING
from tests.support.events import PARTITIONS, LedgerEngine
from tests.support.stores import ApiClient, Store


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """Every request is traced; the spans are there once ``TRACING`` has been stopped."""
    exporter = InMemorySpanExporter()
    stop = TRACING.start("http://nowhere", 1.0, role="test", exporter=exporter)
    yield exporter
    if TRACING.is_on:
        stop()


def _finished(exporter: InMemorySpanExporter) -> list:
    TRACING._stop()
    return list(exporter.get_finished_spans())


async def test_relay_and_engine_continue_the_trace_of_the_request(
    spans: InMemorySpanExporter,
    client: ApiClient,
    store: Store,
    ledger: LedgerEngine,
    engine_database: Database,
    relay_database: Database,
    redis_client: redis.Redis,
) -> None:
    await client.login("owner")
    product = await client.json(
        "POST", "products", {"sku": "A", "name": "A", "unit": "UN", "base_price": "1"}, status=201
    )
    body = {"product_id": product["id"], "kind": "receipt", "quantity": "5"}
    await client.json("POST", "stock/movements", body, status=201)
    await Relay(relay_database, redis_client, WakeSignal(), partitions=PARTITIONS).step()
    await Consumer(ledger, engine_database).step([store.id])
    found = {span.name: span for span in _finished(spans)}
    request = found["POST /api/v1/stock/movements"]
    assert request.attributes["http.response.status_code"] == 201
    assert request.attributes["basecommerce.tenant"] == "yard"
    for name in ("publish stock_updated", "apply ledger stock_updated"):
        span = found[name]
        assert span.context.trace_id == request.context.trace_id
        assert span.parent.span_id == request.context.span_id
        assert span.start_time <= span.end_time
    assert "publish product_created" in found


async def test_events_of_an_import_belong_to_its_trace_too(
    spans: InMemorySpanExporter, client: ApiClient, store: Store, owner
) -> None:
    await client.login("owner")
    file = b"sku;name;unit;base_price\nA;Areia;UN;1,00\n"
    headers = {"Content-Type": "text/csv"}
    answer = await client.post("/api/v1/products/import", data=file, headers=headers)
    assert (answer.status, (await answer.json())["created"]) == (200, 1)
    traced = await owner.fetchval("select traceparent from event_outbox where event_type = 'product_created'")
    [request] = [span for span in _finished(spans) if span.name == "POST /api/v1/products/import"]
    assert f"{request.context.trace_id:032x}" in traced


async def test_nothing_of_a_request_that_is_not_sampled_reaches_the_log(
    client: ApiClient, owner, spans: InMemorySpanExporter
) -> None:
    TRACING._stop()
    stop = TRACING.start("http://nowhere", 0.0, role="test", exporter=spans)
    await client.login("owner")
    await client.json(
        "POST", "products", {"sku": "A", "name": "A", "unit": "UN", "base_price": "1"}, status=201
    )
    stop()
    assert await owner.fetchval("select count(*) from event_outbox where traceparent is not null") == 0
    assert spans.get_finished_spans() == ()


async def test_a_stranger_cannot_put_requests_into_a_trace_of_theirs(
    client: ApiClient, spans: InMemorySpanExporter
) -> None:
    theirs = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    await client.get("/api/v1/products", headers={"traceparent": theirs})
    [span] = _finished(spans)
    assert f"{span.context.trace_id:032x}" not in theirs


async def test_an_endpoint_that_is_away_costs_spans_and_nothing_else(client: ApiClient, monkeypatch) -> None:
    stop = TRACING.start("http://127.0.0.1:1/v1/traces", 1.0, role="test")
    monkeypatch.setattr(TRACING._provider._active_span_processor, "shutdown", lambda: None)
    await client.login("owner")
    assert (await client.get("/api/v1/products")).status == 200
    stop()
