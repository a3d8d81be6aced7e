"""Alerts about prices: a supplier's price that moved, and a cost that leaves too little of the sale price."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from actors.pricing.parameters import Policy
from runtime.events.catalogue import AdviceReason, PricingAlertAnswered

AlertKey = tuple[Literal["variation", "margin"], UUID]
"""A margin alert is about the product and names no supplier (the nil id)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Why there is an alert. A variation: from the reference price to this one. A margin: of the sale price
    (the reference) after this cost; ``share`` is the change, or the margin that is left."""

    kind: Literal["price_rise", "price_drop", "margin"]
    risk: Literal["high", "medium", "low"]
    reference: Decimal
    value: Decimal
    share: float


@dataclass(slots=True)
class Alert:
    """An alert's life: it opens with its cause and closes by itself when that ends.

    An answer holds for as long as the alert stays what it was: not when it opens anew, turns round or becomes urgent.
    """

    finding: Finding | None = None
    status: Literal["none", "open", "closed"] = "none"
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    answer: Literal["accepted", "dismissed", "snoozed"] | None = None
    reason: AdviceReason | None = None
    until: date | None = None
    """Of a snoozed one: the first day on which it is shown again."""
    answered_at: datetime | None = None
    changed: bool = False

    def take(self, said: PricingAlertAnswered, at: datetime) -> None:
        """Keep what somebody made of the alert while it is open; the last answer holds, whichever is applied first."""
        if self.status == "open" and at >= max(filter(None, (self.opened_at, self.answered_at))):
            self.answer, self.reason, self.until = said.answer, said.reason, said.until
            self.answered_at, self.changed = at, True

    def follow(self, found: Finding | None, at: datetime) -> None:
        """Open, keep with its latest numbers, or close."""
        if found is None:
            if self.status == "open":
                self.status, self.closed_at, self.changed = "closed", at, True
            return
        if self.status != "open" or self.finding is None or self.finding.kind != found.kind:
            self.status, self.opened_at, self.closed_at, self.changed = "open", at, None, True
            self._forget_answer()
        elif found.risk == "high" != self.finding.risk:
            self._forget_answer()
        if found != self.finding:
            self.finding, self.changed = found, True

    def _forget_answer(self) -> None:
        self.answer = self.reason = self.until = self.answered_at = None


def variation_alert(
    reference: Decimal | None, price: Decimal | None, change: float | None, policy: Policy
) -> Finding | None:
    """A price that differs from the former one by the threshold or more; a rise of twice that is urgent."""
    if reference is None or price is None or change is None:
        return None
    limit = reference * Decimal(str(policy.variation_percent)) / 100
    moved = price - reference
    if abs(moved) < limit or moved == 0:
        return None
    if moved < 0:
        return Finding("price_drop", "low", reference, price, change)
    return Finding("price_rise", "high" if moved >= 2 * limit else "medium", reference, price, change)


def margin_alert(sale_price: Decimal | None, base_cost: Decimal | None, policy: Policy) -> Finding | None:
    """A base cost that leaves less than the floor of the sale price; selling without any gain is urgent."""
    if sale_price is None or base_cost is None or sale_price <= 0:
        return None
    margin = 1 - base_cost / sale_price
    if margin >= Decimal(str(policy.margin_floor_percent)) / 100:
        return None
    return Finding("margin", "high" if margin <= 0 else "medium", sale_price, base_cost, float(margin))
