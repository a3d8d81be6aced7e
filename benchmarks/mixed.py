"""What stores do all day, as load: quotes, sales, deliveries, lists, pages, documents, exports and sign-ins."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import orjson

from benchmarks.http import Answer, Connection, request
from benchmarks.installation import PASSWORD, Shop

Report = Callable[[Answer, float], None]

READS = (
    "/quotes?limit=20",
    "/orders?limit=20",
    "/products?q=produto+2",
    "/customers",
    "/stock",
    "/dashboard",
    "/insights/stock/alerts",
)
DELIVERY = ("prepare", "dispatch", "deliver")
WEIGHTS = {
    "quote": 25,
    "sale": 20,
    "read": 40,
    "show": 10,
    "delivery": 3,
    "document": 1,
    "export": 0.5,
    "sign_in": 0.5,
}
REQUESTS_OF = {"delivery": 7}
"""Requests of a visit; one where it is not named."""


def requests_per_visit() -> float:
    """The mean over ``WEIGHTS``."""
    total = sum(REQUESTS_OF.get(kind, 1) * weight for kind, weight in WEIGHTS.items())
    return total / sum(WEIGHTS.values())


@dataclass(slots=True)
class Mixed:
    """One visit of one store; which kind is drawn by ``WEIGHTS`` from the visit's number, so that runs are alike."""

    shops: list[Shop]
    run: str = field(default_factory=lambda: f"{time.time_ns()}")
    quotes: dict[str, str] = field(default_factory=dict)
    """The last quote made in each store, by its slug: what is shown and printed."""

    async def __call__(self, connection: Connection, number: int, report: Report) -> None:
        dice = random.Random(number)
        shop = dice.choice(self.shops)
        [kind] = dice.choices(list(WEIGHTS), list(WEIGHTS.values()))
        visit: Callable[[_Guest], Awaitable[None]] = getattr(self, f"_{kind}")
        await visit(_Guest(shop, connection, report, dice, f"{self.run}-{number}"))

    async def _quote(self, guest: _Guest) -> None:
        body = {"customer_id": str(guest.shop.customer_id), "items": guest.items(5)}
        answer = await guest.ask("POST", "/quotes", body)
        if answer.status == 201:
            self.quotes[guest.shop.slug] = orjson.loads(answer.body)["id"]

    async def _sale(self, guest: _Guest) -> None:
        await guest.ask("POST", "/orders", {"fulfilment": "counter", "items": guest.items(3)})

    async def _read(self, guest: _Guest) -> None:
        await guest.ask("GET", guest.dice.choice(READS))

    async def _show(self, guest: _Guest) -> None:
        await guest.ask("GET", f"/quotes/{await self._known(guest)}")

    async def _document(self, guest: _Guest) -> None:
        await guest.ask("GET", f"/quotes/{await self._known(guest)}/pdf")

    async def _export(self, guest: _Guest) -> None:
        await guest.ask("GET", "/exports/products?format=csv")

    async def _sign_in(self, guest: _Guest) -> None:
        answer = await guest.ask("POST", "/auth/login", {"email": guest.shop.owner, "password": PASSWORD})
        if answer.status == 200:
            guest.shop.token = orjson.loads(answer.body)["access_token"]

    async def _delivery(self, guest: _Guest) -> None:
        await self._quote(guest)
        quote = self.quotes.pop(guest.shop.slug, None)
        if quote is None:
            return
        for step in ("send", "approve"):
            await guest.ask("POST", f"/quotes/{quote}/{step}")
        answer = await guest.ask("POST", f"/quotes/{quote}/convert", {"fulfilment": "delivery"})
        if answer.status == 201:
            order = orjson.loads(answer.body)["id"]
            for step in DELIVERY:
                await guest.ask("POST", f"/orders/{order}/{step}")

    async def _known(self, guest: _Guest) -> str:
        if guest.shop.slug not in self.quotes:
            await self._quote(guest)
        return self.quotes[guest.shop.slug]


@dataclass(slots=True)
class _Guest:
    """Who visits which store over what connection, and the dice that say what for."""

    shop: Shop
    connection: Connection
    report: Report
    dice: random.Random
    key: str
    asked: int = 0

    async def ask(self, method: str, path: str, body: object = None) -> Answer:
        self.asked += 1
        sent = request(
            method, f"/api/v1{path}", host=self.shop.host, token=self.shop.token,
            body=None if body is None else orjson.dumps(body),
            key=f"{self.key}-{self.asked}" if method == "POST" else "",
        )  # fmt: skip
        started = time.perf_counter()
        answer = await self.connection.ask(sent)
        self.report(answer, time.perf_counter() - started)
        return answer

    def items(self, count: int) -> list[dict[str, str]]:
        return [
            {"product_id": str(product_id), "quantity": str(self.dice.randint(1, 5))}
            for product_id in self.dice.sample(self.shop.product_ids, count)
        ]
