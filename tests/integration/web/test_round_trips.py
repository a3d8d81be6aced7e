"""How often an operation asks PostgreSQL: what a request costs is above all this, so one more has to be meant."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from runtime.data.connection import Connection
from runtime.data.database import Database
from runtime.settings import Settings
from tests.support.stores import ApiClient

ROUND_TRIPS = {
    # begin with the store and the key, what is sold, the quote, what the request leaves behind with the commit
    "create a quote": 4,
    # begin, the step with its guard, what the request leaves behind with the commit
    "send": 3,
    "approve": 3,
    # ... the quote with its stock, the order
    "convert": 4,
    "prepare": 3,
    "dispatch": 4,
    "deliver": 4,
    # begin, what is sold, the location, the levels, the order, what the request leaves behind with the commit
    "sell over the counter": 6,
    # the rows; the statement sets its tenant itself
    "show a quote": 1,
    "list quotes": 1,
}


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What connections made from now on have sent, one message each."""
    messages: list[str] = []
    connect = Connection.__init__

    def listened(self: Connection, *arguments: Any, **options: Any) -> None:
        connect(self, *arguments, **options)
        self.add_query_logger(lambda record: messages.append(record.query))

    monkeypatch.setattr(Connection, "__init__", listened)
    return messages


@pytest.fixture
async def database(said: list[str], settings: Settings) -> AsyncIterator[Database]:
    """One connection, so that what it has prepared is prepared."""
    opened = await Database.open(settings.database_url_of("api"), "api", size=2, minimum=1)
    yield opened
    await opened.close()


class Rounds:
    """A store's requests, and how many messages PostgreSQL got for the last of each kind."""

    def __init__(self, client: ApiClient, said: list[str]) -> None:
        self._client = client
        self._said = said
        self.counted: dict[str, int] = {}
        self.messages: dict[str, list[str]] = {}

    async def ask(self, what: str, method: str, path: str, body: Any = None) -> Any:
        del self._said[:]
        headers = {"Idempotency-Key": str(uuid4())} if what == "create a quote" else {}
        answer = await self._client.request(
            method, path, headers=headers, **({} if body is None else {"json": body})
        )
        content = await answer.json()
        assert answer.status < 300, content
        self.messages[what] = list(self._said)
        self.counted[what] = len(self._said)
        return content

    async def flow(self, customer_id: str, items: list[dict[str, str]]) -> None:
        quote = await self.ask(
            "create a quote", "POST", "quotes", {"customer_id": customer_id, "items": items}
        )
        await self.ask("show a quote", "GET", f"quotes/{quote['id']}")
        await self.ask("list quotes", "GET", "quotes?limit=20")
        for step in ("send", "approve"):
            await self.ask(step, "POST", f"quotes/{quote['id']}/{step}")
        order = await self.ask("convert", "POST", f"quotes/{quote['id']}/convert", {"fulfilment": "delivery"})
        for step in ("prepare", "dispatch", "deliver"):
            await self.ask(step, "POST", f"orders/{order['id']}/{step}")
        await self.ask("sell over the counter", "POST", "orders", {"fulfilment": "counter", "items": items})


async def test_no_operation_asks_more_often_than_it_has_to(said: list[str], client: ApiClient) -> None:
    await client.login("owner")
    customer = await client.json("POST", "customers", {"kind": "person", "name": "Maria"}, status=201)
    items = []
    for sku in ("CIM", "CAL"):
        product = {"sku": sku, "name": sku, "unit": "UN", "base_price": "10.00"}
        made = await client.json("POST", "products", product, status=201)
        receipt = {"product_id": made["id"], "kind": "receipt", "quantity": "100"}
        await client.json("POST", "stock/movements", receipt, status=201)
        items.append({"product_id": made["id"], "quantity": "1"})
    rounds = Rounds(client, said)
    for _ in range(2):  # the first time each statement is prepared as well
        await rounds.flow(customer["id"], items)
    assert rounds.counted == ROUND_TRIPS, rounds.messages
