"""What the clients were told: the account that is compared with the database when all is over."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

STOCK_AT_OPENING = 1_000_000


@dataclass(slots=True)
class Ledger:
    """One store's acknowledged writes. Quantities are whole units, by product id."""

    sold: dict[str, dict[str, int]] = field(default_factory=dict)
    quotes: dict[str, str] = field(default_factory=dict)
    orders_of_quotes: dict[str, str] = field(default_factory=dict)
    received: Counter[str] = field(default_factory=Counter)
    unexpected: list[str] = field(default_factory=list)
    leaked: list[str] = field(default_factory=list)
    writes: int = 0
    retries: int = 0

    def sold_of(self, product: str) -> Decimal:
        """How many of a product the clients were told they sold."""
        return Decimal(sum(basket.get(product, 0) for basket in self.sold.values()))

    def on_hand(self, product: str) -> Decimal:
        """How many should lie on the shelf: orders of quotes are pending, and only set aside."""
        return STOCK_AT_OPENING + self.received[product] - self.sold_of(product)
