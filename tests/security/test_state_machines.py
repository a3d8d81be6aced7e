"""Quotes, orders and stock as a machine of chance sees them: whatever happens in whatever order, the ledger adds up."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

import anyio
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, initialize, invariant, rule

from runtime.data.database import Database
from tests.security.machines import Machine, run_machine
from tests.support.stores import ApiClient

PRODUCTS = ("cement", "sand")
PRICE = Decimal("10.00")
QUANTITIES = st.sampled_from(("1", "2.5", "0.125", "7", "40", "999999"))
STEPS = ("prepare", "dispatch", "ready", "deliver", "cancel")
ANSWERS = ("send", "approve", "reject", "cancel")


class Store(Machine):
    """One store; the model knows what is on the shelf, what is reserved and which quote became which order."""

    quotes: Bundle[str] = Bundle("quotes")
    orders: Bundle[str] = Bundle("orders")

    def __init__(self) -> None:
        super().__init__()
        self.products: dict[str, str] = {}
        self.on_hand: dict[str, Decimal] = defaultdict(Decimal)
        self.sold: dict[str, Decimal] = defaultdict(Decimal)
        self.open_items: dict[str, dict[str, Decimal]] = {}
        self.order_of: dict[str, str] = {}
        self.customer = ""

    @initialize()
    def open(self) -> None:
        type(self).number += 1
        _, made = self.ask("POST", "customers", {"kind": "company", "name": f"Company {self.number}"})
        self.customer = made["id"]
        for name in PRODUCTS:
            sku = f"{name}-{self.number}"
            new = {"sku": sku, "name": sku, "unit": "SC", "base_price": str(PRICE)}
            self.products[name] = self.ask("POST", "products", new)[1]["id"]

    @rule(product=st.sampled_from(PRODUCTS), quantity=QUANTITIES, kind=st.sampled_from(("receipt", "loss")))
    def move(self, product: str, quantity: str, kind: str) -> None:
        body = {"product_id": self.products[product], "kind": kind, "quantity": quantity, "reason": "counted"}
        status, content = self.ask("POST", "stock/movements", body)
        if status == 201:
            self.on_hand[product] += Decimal(quantity) * (1 if kind == "receipt" else -1)
        else:
            assert (kind, status) == ("loss", 409), content

    @rule(target=quotes, product=st.sampled_from(PRODUCTS), quantity=QUANTITIES, twice=st.booleans())
    def quote(self, product: str, quantity: str, twice: bool) -> str:
        items = [{"product_id": self.products[product], "quantity": quantity}] * (2 if twice else 1)
        status, made = self.ask("POST", "quotes", {"customer_id": self.customer, "items": items})
        assert status == 201, made
        total = sum(Decimal(item["line_total"]) for item in made["items"])
        assert Decimal(made["total"]) == total
        assert total == sum((Decimal(quantity) * PRICE).quantize(Decimal("0.01")) for _ in items)
        return str(made["id"])

    @rule(quote=quotes, answer=st.sampled_from(ANSWERS))
    def answer(self, quote: str, answer: str) -> None:
        status, content = self.ask(
            "POST", f"quotes/{quote}/{answer}", {"reason": "because"} if answer == "reject" else None
        )
        assert status in (200, 409), content

    @rule(target=orders, quote=quotes)
    def sell(self, quote: str) -> str:
        for answer in ("send", "approve"):
            self.ask("POST", f"quotes/{quote}/{answer}")
        return self._convert(quote)

    def _convert(self, quote: str) -> str:
        status, content = self.ask("POST", f"quotes/{quote}/convert", {})
        if status not in (200, 201):
            assert status == 409, content
            return self.order_of.get(quote, "")
        assert self.order_of.setdefault(quote, content["id"]) == content["id"], "one order per quote"
        if status == 201:
            self._hold(content)
        return str(content["id"])

    def _hold(self, order: Any) -> None:
        names = {product: name for name, product in self.products.items()}
        held: dict[str, Decimal] = defaultdict(Decimal)
        for item in order["items"]:
            held[names[item["product_id"]]] += Decimal(item["quantity"])
        self.open_items[order["id"]] = held

    @rule(quote=quotes)
    def convert_twice_at_once(self, quote: str) -> None:
        async def both() -> list[tuple[int, Any]]:
            answers: list[tuple[int, Any]] = []

            async def one() -> None:
                answer = await self.client.request("POST", f"quotes/{quote}/convert", json={})
                answers.append((answer.status, await answer.json(content_type=None)))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(one)
                tasks.start_soon(one)
            return answers

        answers = self.call(both)
        assert [status for status, _ in answers].count(201) <= 1
        for status, content in answers:
            if status == 201:
                self.order_of[quote] = content["id"]
                self._hold(content)

    @rule(order=orders, step=st.sampled_from(STEPS))
    def step(self, order: str, step: str) -> None:
        if not order:
            return
        status, content = self.ask("POST", f"orders/{order}/{step}", {} if step == "deliver" else None)
        assert status in (200, 409), content
        if status == 200 and step in ("deliver", "cancel"):
            for product, quantity in self.open_items.pop(order).items():
                if step == "deliver":
                    self.on_hand[product] -= quantity
                    self.sold[product] += quantity

    @invariant()
    def shelf_is_what_the_model_says(self) -> None:
        for name, product in self.products.items():
            _, found = self.ask("GET", f"stock?product_id={product}")
            for level in found["items"]:
                held = sum((items[name] for items in self.open_items.values()), Decimal())
                assert Decimal(level["on_hand"]) == self.on_hand[name]
                assert Decimal(level["reserved"]) == held
                assert Decimal(level["available"]) == self.on_hand[name] - held


async def test_whatever_happens_in_whatever_order_the_ledger_adds_up(
    client: ApiClient, database: Database
) -> None:
    await run_machine(Store, client, database, 10)
