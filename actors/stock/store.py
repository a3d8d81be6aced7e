"""A store as the stock engine knows it while a batch of events is applied."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from actors.stock.parameters import Policy, observed_policy, policy
from actors.stock.product import Product


@dataclass(slots=True)
class Level:
    """Stock of one product at one location, as the event numbered ``seq`` left it."""

    on_hand: float = 0.0
    available: float = 0.0
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody answered to a suggestion of ``suggested`` units; ``seq`` is the number of the event."""

    seq: int
    product_id: UUID
    at: datetime
    answer: Literal["accepted", "changed", "dismissed", "snoozed"]
    suggested: float
    quantity: float | None = None
    reason: str | None = None
    until: date | None = None


@dataclass(slots=True)
class Store:
    """A tenant in a batch: its time zone, its current day, its own parameters, and the products loaded so far.

    Products and locations are keyed by the integer of their id, which hashes faster than the id.
    """

    tenant_id: UUID
    zone: ZoneInfo
    today: date | None
    parameters: str | None
    parameters_seq: int = 0
    defaults: str | None = None
    defaults_seq: int = 0
    products: dict[int, Product] = field(default_factory=dict)
    levels: dict[tuple[int, int], Level] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)
    """What people answered to suggestions, still to be written."""
    policy: Policy = field(init=False)
    text: str = field(init=False)
    """The id as text."""
    _observed: dict[Product, tuple[int, Policy, Policy]] = field(default_factory=dict)
    """The policies of products whose lead times are known, with how many of them and what they were made from."""

    def __post_init__(self) -> None:
        self.text = str(self.tenant_id)
        self.renew_policy()

    def renew_policy(self) -> None:
        """Take changed parameters or defaults into account."""
        self.policy = policy(self.parameters, None, self.defaults)

    def policy_of(self, product: Product) -> Policy:
        """The store's policy with what the product has of its own and the lead times seen of it."""
        own = product.own_parameters
        found = self.policy if own is None else policy(self.parameters, own, self.defaults)
        if product.lead_times == 0:
            return found
        known = self._observed.get(product)
        if known is not None and known[0] == product.lead_times and known[1] is found:
            return known[2]
        observed = observed_policy(
            found, product.lead_times, product.lead_time_mean, product.lead_time_squares
        )
        self._observed[product] = (product.lead_times, found, observed)
        return observed

    @property
    def day(self) -> date:
        """The current day; a store is given its first one before anything is computed for it."""
        if self.today is None:
            raise AssertionError("the store has no day yet")
        return self.today
