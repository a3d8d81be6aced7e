"""A store under load: clients that sell over the counter and keep a ledger of what they were told."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import uuid4

import aiohttp
import anyio

PASSWORD = "correct-horse-battery"


@dataclass(slots=True)
class Shop:
    """One store as its clients see it: ``sold`` holds what was acknowledged, by order id."""

    url: str
    slug: str
    token: str = ""
    products: list[str] = field(default_factory=list)
    sold: dict[str, dict[str, int]] = field(default_factory=dict)
    unexpected: list[str] = field(default_factory=list)

    async def call(
        self, client: aiohttp.ClientSession, method: str, path: str, body: Any = None, key: str | None = None
    ) -> tuple[int, Any]:
        """One request to the store's API."""
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
            timeout=aiohttp.ClientTimeout(total=10),
        ) as answer:
            return answer.status, await answer.json(content_type=None)

    async def open(self, client: aiohttp.ClientSession, owner_email: str, products: int) -> None:
        """Sign in as the owner and put ``products`` products with plenty of stock on the shelf."""
        status, answer = await self.call(
            client, "POST", "/auth/login", {"email": owner_email, "password": PASSWORD}
        )
        assert status == 200, answer
        self.token = answer["access_token"]
        for number in range(products):
            status, product = await self.call(
                client,
                "POST",
                "/products",
                {"sku": f"P{number}", "name": f"Produto {number}", "unit": "UN", "base_price": "10.00"},
            )
            assert status == 201, product
            status, moved = await self.call(
                client,
                "POST",
                "/stock/movements",
                {"product_id": product["id"], "kind": "receipt", "quantity": "1000000"},
            )
            assert status == 201, moved
            self.products.append(product["id"])

    async def sell(self, client: aiohttp.ClientSession, rng: random.Random, stop: anyio.Event) -> None:
        """Sell until ``stop``; whatever is not a definite answer is sent again under the same key."""
        while not stop.is_set():
            basket = {product: rng.randint(1, 5) for product in rng.sample(self.products, rng.randint(1, 4))}
            body = {
                "fulfilment": "counter",
                "items": [
                    {"product_id": product, "quantity": str(count)} for product, count in basket.items()
                ],
            }
            key = str(uuid4())
            while True:
                try:
                    status, answer = await self.call(client, "POST", "/orders", body, key)
                except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
                    await anyio.sleep(0.05)
                    continue
                if status == 201:
                    self.sold[answer["id"]] = basket
                    break
                if status not in (409, 429, 503) or answer.get("type", "").endswith("insufficient_stock"):
                    self.unexpected.append(f"{status} {answer}")
                    break
                await anyio.sleep(0.05)

    def sold_of(self, product: str) -> Decimal:
        """How many of a product the clients were told they sold."""
        return Decimal(sum(basket.get(product, 0) for basket in self.sold.values()))
