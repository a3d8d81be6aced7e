"""What a batch of sales adds to what is known of one store: counts alone, and nothing per item sold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date
from itertools import combinations
from uuid import UUID

from runtime.events.catalogue import SaleFigures

BASKETS_KEPT = 4_250
"""The ring has room for the baskets of a mining and for those that come before the next one."""
_PURCHASES_SEEN = 8
_ALL_SEEN = (1 << _PURCHASES_SEEN) - 1


@dataclass(slots=True)
class Sold:
    """A product's sales in the batch."""

    product_id: UUID
    orders: int = 0
    quantity: float = 0.0
    revenue: float = 0.0


@dataclass(slots=True)
class Bought:
    """A customer's purchases of one product in the batch; ``number`` is the latest of them, counted in the batch.

    Without ``days`` there was none, only more of what an order had already brought.
    """

    number: int
    first_on: date
    last_on: date
    recent: int = 1
    days: int = 0
    squares: int = 0
    quantity: float = 0.0

    def again(self, number: int, day: date) -> None:
        """The first purchase, or another one."""
        if not self.days:
            self.number, self.first_on, self.days = number, day, 1
        else:
            self.recent = (self.recent << (number - self.number) | 1) & _ALL_SEEN
            self.number = number
            if day != self.last_on:
                self.days += 1
                self.squares += (day - self.last_on).days ** 2
        self.last_on = day


@dataclass(slots=True)
class Buyer:
    """A customer's purchases in the batch; the parts of one order are one purchase."""

    last_on: date
    purchases: int = 0
    products: dict[int, Bought] = field(default_factory=dict)


@dataclass(slots=True)
class StoreSales:
    """One store's sales in a batch. Products are keyed by the integer of their id, which hashes faster."""

    today: date
    orders: int = 0
    products: dict[int, Sold] = field(default_factory=dict)
    pairs: Counter[tuple[int, int]] = field(default_factory=Counter)
    baskets: list[bytes] = field(default_factory=list)
    """Of each order its products' ids in rising order, 16 bytes each."""
    buyers: dict[UUID, Buyer] = field(default_factory=dict)

    def add(self, sale: SaleFigures, day: date) -> None:
        """Count one sale; a product on several of its lines counts once, with all their quantities.

        A later part of an order adds its quantities, and only those products and pairs that are new to the order; the
        basket is what left first. A day never goes back: what comes to light late counts on the store's current day.
        """
        self.today = max(self.today, day)
        products = self.products
        quantities: dict[int, float] = {}
        for item in sale.items:
            product_id, quantity = item["product_id"], item["quantity"]
            key = product_id.int
            sold = products.get(key)
            if sold is None:
                sold = products[key] = Sold(product_id)
            sold.quantity += quantity
            sold.revenue += item["line_total"]
            quantities[key] = quantities.get(key, 0.0) + quantity
        keys = sorted(quantities)
        if sale.earlier_product_ids:
            keys = self._add_later(sale.earlier_product_ids, keys)
        else:
            self.orders += 1
            self.baskets.append(b"".join([key.to_bytes(16, "big") for key in keys]))
        for key in keys:
            products[key].orders += 1
        self.pairs.update(combinations(keys, 2))
        if sale.customer_id is not None:
            self._buy(sale.customer_id, not sale.earlier_product_ids, quantities, set(keys))

    def _add_later(self, earlier_ids: Sequence[UUID], keys: Sequence[int]) -> list[int]:
        """The products that are new to an order of which these came earlier; each goes with each of those."""
        earlier = {product_id.int for product_id in earlier_ids}
        new = [key for key in keys if key not in earlier]
        for product_id in earlier_ids if new else ():
            self.products.setdefault(product_id.int, Sold(product_id))
        self.pairs.update((min(one, other), max(one, other)) for one in new for other in earlier)
        return new

    def _buy(self, customer_id: UUID, is_first: bool, quantities: Mapping[int, float], new: Set[int]) -> None:
        day = self.today
        buyer = self.buyers.get(customer_id)
        if buyer is None:
            buyer = self.buyers[customer_id] = Buyer(day)
        buyer.last_on = day
        buyer.purchases += is_first
        number, products = buyer.purchases, buyer.products
        for key, quantity in quantities.items():
            bought = products.get(key)
            if bought is None:
                bought = products[key] = Bought(number, day, day)
            if key in new:
                bought.again(number, day)
            bought.quantity += quantity
