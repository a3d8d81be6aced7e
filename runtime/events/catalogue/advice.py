"""What engines are told: parameters, and what people answer to their advice."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal
from uuid import UUID

from runtime.events.catalogue.payload import Part, Payload

AdviceReason = Literal[
    "not_needed",
    "not_fitting",
    "too_expensive",
    "has_it",
    "unavailable",
    "customer_refused",
    "wrong",
    "other",
]
"""Why advice is not followed; a word of this list and no text, because a text could name somebody."""


class ReplenishmentParameters(Part):
    """How a product (or a whole store) wants its advice computed; what is absent keeps its default."""

    lead_time_days: Decimal | None = None
    lead_time_deviation_days: Decimal | None = None
    service_level: Decimal | None = None
    review_period_days: Decimal | None = None
    safety_percent: Decimal | None = None
    method: Literal["statistical", "simple"] | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    pack_size: Decimal | None = None
    window_days: int | None = None


class PricingParameters(Part):
    """How a product (or a whole store) wants its costs and price alerts computed; what is absent keeps its default."""

    cost_method: Literal["best", "average", "last"] | None = None
    variation_percent: Decimal | None = None
    variation_days: int | None = None
    margin_floor_percent: Decimal | None = None
    monthly_money_percent: Decimal | None = None
    window_days: int | None = None


class SalesParameters(Part):
    """How a product (or a whole store) wants its sales advice made; what is absent keeps its default.

    The bundles' and the customers' parameters are the store's alone; ``advised`` is a product's.
    """

    min_support: Decimal | None = None
    min_confidence: Decimal | None = None
    price_band_percent: Decimal | None = None
    habit_purchases: int | None = None
    habit_least: int | None = None
    rebuy_least_days: int | None = None
    rebuy_variation_percent: Decimal | None = None
    dismissed_days: int | None = None
    bundle_min_support: Decimal | None = None
    bundle_min_orders: int | None = None
    advised: bool | None = None


class ReplenishmentParametersSet(Payload):
    """``product_id`` absent: the store's default."""

    product_id: UUID | None = None
    parameters: ReplenishmentParameters


class ReplenishmentDefaultsSet(Payload):
    """What the store's settings say of replenishment; holds where neither parameters nor observation say more."""

    lead_time_days: Decimal
    service_level: Decimal
    review_period_days: Decimal


class PricingParametersSet(Payload):
    """``product_id`` absent: the store's default."""

    product_id: UUID | None = None
    parameters: PricingParameters


class SalesParametersSet(Payload):
    """``product_id`` absent: the store's default."""

    product_id: UUID | None = None
    parameters: SalesParameters


class SalesAdviceAnswered(Payload):
    """What somebody made of sales advice: followed, followed in part or with something else, refused, or put off.

    ``subject_id`` is the product advised, or the bundle; ``from_id`` the product it was advised for. Without a customer
    the answer is for the whole store. ``until`` is the first day on which a snoozed one is shown again.
    """

    kind: Literal["complement", "substitute", "bundle", "habit", "rebuy"]
    subject_id: UUID
    from_id: UUID | None = None
    customer_id: UUID | None = None
    answer: Literal["accepted", "changed", "dismissed", "snoozed"]
    reason: AdviceReason | None = None
    until: date | None = None
    quantity: Decimal | None = None
    instead_id: UUID | None = None


class PricingAlertAnswered(Payload):
    """What somebody made of a price alert; ``until`` is the first day on which a snoozed one is shown again.

    An alert about a margin names no supplier.
    """

    product_id: UUID
    about: Literal["variation", "margin"]
    supplier_id: UUID | None = None
    answer: Literal["accepted", "dismissed", "snoozed"]
    reason: AdviceReason | None = None
    until: date | None = None


class SuggestionAccepted(Payload):
    """``suggested`` is what had been suggested; ``quantity`` what is ordered, absent when that is the same."""

    product_id: UUID
    quantity: Decimal | None = None
    suggested: Decimal | None = None


class SuggestionDismissed(Payload):
    product_id: UUID
    reason: str | None = None


class SuggestionSnoozed(Payload):
    """The suggestion is wanted again on the day ``until``, not before."""

    product_id: UUID
    until: date
