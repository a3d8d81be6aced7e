from __future__ import annotations

from typing import Any

import pytest

from handlers import pages
from runtime.data.ids import new_id
from runtime.errors import PoisonError
from runtime.events.consumer import Consumer
from runtime.events.dead_letters import MAX_ATTEMPTS
from runtime.events.replay import replay_requested
from tests.integration.handlers.test_selling import Shop
from tests.support.events import effects
from tests.support.stores import ApiClient


@pytest.fixture
async def parked(
    client: ApiClient, ledger: Any, engine_database: Any, owner: Any, store: Any
) -> tuple[Shop, Consumer]:
    """A store one of whose stock events the ledger engine could not apply."""
    shop = Shop(client)
    await shop.open(cement=7)

    async def fail(event: Any) -> None:
        raise PoisonError("no such thing")

    ledger.before_effect = fail
    consumer = Consumer(ledger, engine_database)
    for _ in range(MAX_ATTEMPTS):
        await consumer.step([store.id])
        await owner.execute("update consumer_cursor set next_attempt_at = null")
    ledger.before_effect = None
    return shop, consumer


async def test_an_administrator_replays_a_dead_letter(
    parked: tuple[Shop, Consumer], admin: ApiClient, owner: Any, store: Any
) -> None:
    _, consumer = parked
    [letter] = (await admin.json("GET", "platform/events/dead-letters?state=parked", status=200))["items"]
    assert (letter["consumer"], letter["event_type"], letter["slug"]) == ("ledger", "stock_updated", "yard")
    path = f"platform/events/dead-letters/{letter['id']}"
    shown = await admin.json("GET", path, status=200)
    assert "no such thing" in shown["traceback"]
    assert "payload" not in shown
    asked = await admin.json("POST", f"{path}/replay", status=202)
    assert asked["state"] == "replay_requested"
    assert (await admin.json("POST", f"{path}/discard", status=409))["current_state"] == "replay_requested"
    assert await replay_requested(consumer.cursors) == 1
    assert await effects(owner, store.id) == [7]
    assert (await admin.json("GET", path, status=200))["state"] == "replayed"


async def test_an_administrator_discards_a_dead_letter(
    parked: tuple[Shop, Consumer], admin: ApiClient, owner: Any, store: Any
) -> None:
    _, consumer = parked
    [letter] = (await admin.json("GET", "platform/events/dead-letters", status=200))["items"]
    discarded = await admin.json("POST", f"platform/events/dead-letters/{letter['id']}/discard", status=200)
    assert discarded["state"] == "discarded"
    assert await replay_requested(consumer.cursors) == 0
    assert await effects(owner, store.id) == []
    assert (await admin.get(f"platform/events/dead-letters/{new_id()}")).status == 404


async def test_stores_do_not_see_the_platforms_pipeline(
    parked: tuple[Shop, Consumer], admin: ApiClient
) -> None:
    shop, _ = parked
    for path in ("platform/events", "platform/events/dead-letters"):
        assert (await shop.client.get(path)).status == 403
    pipeline = await admin.json("GET", "platform/events", status=200)
    names = {consumer["name"] for consumer in pipeline["consumers"]}
    assert {"relay", "stock", "sales"} <= names
    assert set(pipeline["log"]) == {"events", "oldest_seconds"}


async def test_a_store_reads_what_happened_to_one_of_its_things(client: ApiClient) -> None:
    shop = Shop(client)
    await shop.open(cement=10)
    order = await shop.order("delivery", cement=1)
    await client.json("POST", f"orders/{order['id']}/prepare", status=200)
    history = await client.json("GET", f"events?thing_id={order['id']}", status=200)
    assert [event["type"] for event in history["items"]] == ["order_status_changed", "order_created"]
    first = await client.json("GET", "events?limit=2", status=200)
    rest = await client.json("GET", f"events?limit=200&cursor={first['next_cursor']}", status=200)
    numbers = [event["seq"] for page in (first, rest) for event in page["items"]]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[-1] == 1
    schemas = await client.json("GET", "events/schemas", status=200)
    assert schemas["sale_recorded"]["version"] == 1


async def test_a_filter_looks_through_so_many_events_at_a_time_and_finds_them_all(
    client: ApiClient, monkeypatch
) -> None:
    monkeypatch.setattr(pages, "LOOKED_THROUGH", 3)
    shop = Shop(client)
    await shop.open(cement=10)
    order = await shop.order("delivery", cement=1)
    for _ in range(3):
        await shop.order("counter", cement=1)
    found, cursor, looks = [], "", 0
    while cursor is not None:
        page = await client.json("GET", f"events?thing_id={order['id']}{cursor}", status=200)
        found += [event["type"] for event in page["items"]]
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
        looks += 1
    everything = await client.json("GET", "events?limit=200", status=200)
    assert found == ["order_created"]
    assert looks == -(-len(everything["items"]) // 3)
