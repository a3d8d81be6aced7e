"""A store's events as they happen: from where the client left off, and no longer than its session."""

from __future__ import annotations

import orjson
import pytest
from aiohttp import ClientResponse

from handlers import event_stream
from runtime.web.application import CONTEXT
from runtime.web.feeds import PER_STORE
from tests.support.events import emit_events
from tests.support.stores import ApiClient

ACCEPT = {"Accept": "text/event-stream"}


@pytest.fixture(autouse=True)
def quick(monkeypatch) -> None:
    monkeypatch.setattr(event_stream, "LOOK_S", 0.02)


@pytest.fixture
async def boss(client: ApiClient) -> ApiClient:
    await client.login("owner")
    return client


async def said(stream: ClientResponse, count: int) -> list[dict[str, str]]:
    """The next ``count`` events of a stream, without its comments and its advice when to come again."""
    found: list[dict[str, str]] = []
    fields: dict[str, str] = {}
    while len(found) < count:
        line = (await stream.content.readline()).decode()
        assert line, found
        name, _, value = line.rstrip("\n").partition(": ")
        if line == "\n":
            if "data" in fields:
                found.append(fields)
            fields = {}
        else:
            fields[name] = value
    return found


async def test_events_come_as_they_happen_and_of_the_own_store_only(
    boss, database, store, new_tenant
) -> None:
    await emit_events(database, store.id, 1)
    stream = await boss.get("events/stream", headers=ACCEPT)
    assert (stream.status, stream.content_type) == (200, "text/event-stream")
    assert stream.headers["X-Accel-Buffering"] == "no"
    await emit_events(database, await new_tenant(), 77)
    await emit_events(database, store.id, 2, others=1)
    first, second = await said(stream, 2)
    assert (first["event"], orjson.loads(first["data"])["payload"]["delta"]) == ("stock_updated", "2")
    assert int(second["id"]) == int(first["id"]) + 1
    stream.close()


async def test_a_client_that_comes_again_misses_nothing(boss, database, store) -> None:
    await emit_events(database, store.id, 1, 2, 3)
    head = (await boss.json("GET", "events?limit=1", status=200))["items"][0]["seq"]
    stream = await boss.get("events/stream", headers={**ACCEPT, "Last-Event-ID": str(head - 2)})
    assert [int(event["id"]) for event in await said(stream, 2)] == [head - 1, head]
    stream.close()
    stream = await boss.get(f"events/stream?after={head - 1}&type=stock_updated", headers=ACCEPT)
    assert [int(event["id"]) for event in await said(stream, 1)] == [head]
    stream.close()


async def test_what_is_no_longer_kept_is_said_to_be_missing(boss, database, owner, store) -> None:
    await emit_events(database, store.id, 1, 2, 3)
    await owner.execute("delete from event_outbox where tenant_id = $1 and tenant_seq < 3", store.id)
    stream = await boss.get("events/stream?after=0", headers=ACCEPT)
    gap, event = await said(stream, 2)
    assert (gap["event"], event["id"]) == ("gap", "3")
    stream.close()


async def test_a_stream_ends_with_its_session(boss, monkeypatch) -> None:
    monkeypatch.setattr(event_stream, "RECHECK_S", 0.0)
    stream = await boss.get("events/stream", headers=ACCEPT)
    await boss.json("POST", "auth/logout", status=204)
    assert b"still" not in await stream.read()


async def test_streams_end_when_the_server_drains(boss) -> None:
    stream = await boss.get("events/stream", headers=ACCEPT)
    boss._http.server.app[CONTEXT].feeds.closing.set()
    assert await stream.read() == b"retry: 2000\n\n"


async def test_a_silent_stream_shows_that_it_lives(boss, monkeypatch) -> None:
    monkeypatch.setattr(event_stream, "BEAT_S", 0.0)
    stream = await boss.get("events/stream", headers=ACCEPT)
    assert b": still here" in await stream.content.readuntil(b"here\n\n")
    stream.close()


async def test_who_asks_for_something_else_is_refused(boss) -> None:
    problem = await boss.json("GET", "events/stream", status=406)
    assert problem["code"] == "not_acceptable"


async def test_a_store_has_only_so_many_streams(boss, store) -> None:
    feeds = boss._http.server.app[CONTEXT].feeds
    feeds._open[store.id] = PER_STORE
    answer = await boss.get("events/stream", headers=ACCEPT)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "10")


async def test_a_seller_follows_no_events(client) -> None:
    await client.login("seller")
    assert (await client.get("events/stream", headers=ACCEPT)).status == 403
