"""A store under load: clients that do its business and keep a ledger of what they were told."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import aiohttp
import anyio

from tests.faults.ledger import STOCK_AT_OPENING, Ledger

PASSWORD = "correct-horse-battery"
RETRY_S = 0.05
REQUEST_TIMEOUT_S = 10.0
NOT_YET = ("idempotency_in_progress", "rate_limited", "too_many_requests", "unavailable")


@dataclass(slots=True)
class Shop:
    """One store as its clients see it. ``cut_short`` is the share of requests that clients break off."""

    url: str
    slug: str
    token: str = ""
    customer: str = ""
    products: list[str] = field(default_factory=list)
    ledger: Ledger = field(default_factory=Ledger)
    cut_short: float = 0.0
    think_s: float = 0.0

    async def call(
        self,
        client: aiohttp.ClientSession,
        method: str,
        path: str,
        body: Any = None,
        key: str | None = None,
        timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> tuple[int, Any]:
        """One request to the store's API; its answer is searched for the names of other stores."""
        headers = {"Host": f"{self.slug}.localhost"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if key:
            headers["Idempotency-Key"] = key
        async with client.request(
            method,
            f"{self.url}/api/v1{path}",
            json=body,
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=timeout_s),
        ) as answer:
            text = await answer.text()
            if "canary of" in text.replace(f"canary of {self.slug}", ""):
                self.ledger.leaked.append(f"{method} {path}: {text[:300]}")
            return answer.status, await answer.json(content_type=None) if text else None

    async def open(self, client: aiohttp.ClientSession, owner_email: str, products: int) -> None:
        """Sign in as the owner, register a customer and put ``products`` products on the shelf."""
        status, answer = await self.call(
            client, "POST", "/auth/login", {"email": owner_email, "password": PASSWORD}
        )
        assert status == 200, answer
        self.token = answer["access_token"]
        customer = await self._made(client, "/customers", {"kind": "person", "name": self._canary("Maria")})
        self.customer = customer["id"]
        for number in range(products):
            product = await self._made(
                client,
                "/products",
                {
                    "sku": f"P{number}",
                    "name": self._canary(f"Produto {number}"),
                    "unit": "UN",
                    "base_price": "10.00",
                },
            )
            await self._made(client, "/stock/movements", _receipt(product["id"], STOCK_AT_OPENING))
            self.products.append(product["id"])

    async def work(self, client: aiohttp.ClientSession, rng: random.Random, stop: anyio.Event) -> None:
        """Do business until ``stop``: mostly counter sales, some quotes to their order, some receipts, some reading."""
        while not stop.is_set():
            [business] = rng.choices((self.sell, self.quote, self.receive, self.read), (60, 15, 10, 15))
            await business(client, rng)
            if self.think_s:
                await anyio.sleep(rng.uniform(0, 2 * self.think_s))

    async def sell(self, client: aiohttp.ClientSession, rng: random.Random) -> None:
        """A counter sale."""
        basket = {product: rng.randint(1, 5) for product in rng.sample(self.products, rng.randint(1, 4))}
        order = await self._write(
            client, rng, "/orders", {"fulfilment": "counter", "items": _lines(basket)}, 201
        )
        if order is not None:
            self.ledger.sold[order["id"]] = basket

    async def quote(self, client: aiohttp.ClientSession, rng: random.Random) -> None:
        """A quote, from draft to the order made of it."""
        basket = {rng.choice(self.products): rng.randint(1, 3)}
        quote = await self._write(
            client, rng, "/quotes", {"customer_id": self.customer, "items": _lines(basket)}, 201
        )
        for action, status in (("send", 200), ("approve", 200), ("convert", 201)):
            if quote is None:
                return
            self.ledger.quotes[quote["id"]] = quote["status"]
            body = {"fulfilment": "pickup"} if action == "convert" else None
            answer = await self._write(client, rng, f"/quotes/{quote['id']}/{action}", body, status)
            if action != "convert":
                quote = answer
            elif answer is not None:
                self.ledger.quotes[quote["id"]] = "converted"
                self.ledger.orders_of_quotes[answer["id"]] = quote["id"]

    async def receive(self, client: aiohttp.ClientSession, rng: random.Random) -> None:
        """Goods come in."""
        product, quantity = rng.choice(self.products), rng.randint(1, 9)
        if await self._write(client, rng, "/stock/movements", _receipt(product, quantity), 201) is not None:
            self.ledger.received[product] += quantity

    async def read(self, client: aiohttp.ClientSession, rng: random.Random) -> None:
        """A list, which must hold nothing of another store and no fault of ours."""
        path = rng.choice(("/orders?limit=20", "/quotes?limit=20", "/products", "/insights/stock/alerts"))
        try:
            status, answer = await self.call(client, "GET", path)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return
        if status not in (200, 429, 503):
            self.ledger.unexpected.append(f"GET {path}: {status} {answer}")

    async def _write(
        self, client: aiohttp.ClientSession, rng: random.Random, path: str, body: Any, expected: int
    ) -> Any:
        """Send until the answer is definite, always under the same key; None when it is not the expected one."""
        key = str(UUID(int=rng.getrandbits(128), version=4))
        while True:
            cut = self.cut_short and rng.random() < self.cut_short
            timeout_s = rng.uniform(0.001, 0.03) if cut else REQUEST_TIMEOUT_S
            try:
                status, answer = await self.call(client, "POST", path, body, key, timeout_s)
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
                status, answer = 503, {"type": "unavailable"}
            if status == expected:
                self.ledger.writes += 1
                return answer
            if status not in (409, 429, 503) or not str(answer.get("type", "")).endswith(NOT_YET):
                self.ledger.unexpected.append(f"POST {path}: {status} {answer}")
                return None
            self.ledger.retries += 1
            await anyio.sleep(RETRY_S)

    async def _made(self, client: aiohttp.ClientSession, path: str, body: Any) -> Any:
        status, answer = await self.call(client, "POST", path, body)
        assert status == 201, answer
        return answer

    def _canary(self, name: str) -> str:
        return f"{name} canary of {self.slug}"


def _lines(basket: dict[str, int]) -> list[dict[str, str]]:
    return [{"product_id": product, "quantity": str(count)} for product, count in basket.items()]


def _receipt(product: str, quantity: int) -> dict[str, str]:
    return {"product_id": product, "kind": "receipt", "quantity": str(quantity)}
