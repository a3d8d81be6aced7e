"""The closed catalogue of events: what can happen in a store, version by version.

A payload holds ids, quantities and amounts, never names, documents, phone numbers or addresses. Adding an optional
field keeps the version; anything else raises it, and the older form is up-cast on reading.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

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


class Payload(BaseModel):
    """What an event says; ``event_type`` is the class name in snake case."""

    model_config = ConfigDict(frozen=True)

    event_type: ClassVar[str]
    version: ClassVar[int] = 1

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        cls.event_type = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


def _absent(value: object) -> bool:
    return value is None


class _Traded(_Part):
    """``quantity`` and prices are for the product's own unit, in which its stock is counted.

    Goods that were sold in another one say which, and how many of it.
    """

    product_id: UUID
    quantity: Decimal
    sold_unit: str | None = Field(None, exclude_if=_absent)
    sold_quantity: Decimal | None = Field(None, exclude_if=_absent)


class QuoteItem(_Traded):
    pass


class OrderItem(_Traded):
    unit_price: Decimal


class SoldItem(_Traded):
    unit_price: Decimal
    line_total: Decimal


class ReplenishmentParameters(_Part):
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


class PricingParameters(_Part):
    """How a product (or a whole store) wants its costs and price alerts computed; what is absent keeps its default."""

    cost_method: Literal["best", "average", "last"] | None = None
    variation_percent: Decimal | None = None
    variation_days: int | None = None
    margin_floor_percent: Decimal | None = None
    monthly_money_percent: Decimal | None = None
    window_days: int | None = None


class SalesParameters(_Part):
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


class QuoteCreated(Payload):
    quote_id: UUID
    number: str
    customer_id: UUID
    total: Decimal
    items: tuple[QuoteItem, ...]


class QuoteSent(Payload):
    quote_id: UUID


class QuoteApproved(Payload):
    quote_id: UUID


class QuoteRejected(Payload):
    quote_id: UUID


class QuoteConverted(Payload):
    quote_id: UUID
    order_id: UUID


class QuoteCancelled(Payload):
    quote_id: UUID


class QuoteExpired(Payload):
    quote_id: UUID


class QuoteDiscountRequested(Payload):
    """A draft has discounts above what its writer may give; ``discount_percent`` is the largest of them."""

    quote_id: UUID
    discount_percent: Decimal
    limit_percent: Decimal


class QuoteDiscountApproved(Payload):
    quote_id: UUID
    discount_percent: Decimal


class QuoteDiscountDenied(Payload):
    quote_id: UUID
    discount_percent: Decimal


class OrderCreated(Payload):
    order_id: UUID
    number: str
    quote_id: UUID | None = None
    customer_id: UUID | None = None
    fulfilment: Literal["delivery", "pickup", "counter"]
    total: Decimal
    items: tuple[OrderItem, ...]


class OrderStatusChanged(Payload):
    order_id: UUID
    previous: str
    status: str


class OrderCancelled(Payload):
    order_id: UUID
    previous: str
    reason_given: bool = False


class OrderReturned(Payload):
    """Sold goods came back; the quantities are positive."""

    order_id: UUID
    items: tuple[SoldItem, ...]


class SaleRecorded(Payload):
    """An order, or a part of it, was delivered: the fact that demand is learnt from.

    A later part of an order names the products of the order that left before, so that who counts orders, or what is
    bought together, counts each order, product and pair once.
    """

    order_id: UUID
    customer_id: UUID | None = None
    items: tuple[SoldItem, ...]
    total: Decimal
    earlier_product_ids: tuple[UUID, ...] = ()


class StockUpdated(Payload):
    """On-hand stock moved by ``delta``; ``on_hand`` and ``available`` are the levels after it at the location.

    A receipt of bought goods names its ``purchase_order_id``.
    """

    product_id: UUID
    location_id: UUID
    delta: Decimal
    on_hand: Decimal
    available: Decimal
    reason: Literal["receipt", "sale", "return", "adjustment", "count", "transfer", "loss"]
    purchase_order_id: UUID | None = None


class _ProductState(Payload):
    product_id: UUID
    unit: str
    category: str | None = None
    base_price: Decimal
    cost: Decimal | None = None
    active: bool = True


class ProductCreated(_ProductState):
    pass


class ProductUpdated(_ProductState):
    pass


class ProductPriceUpdated(Payload):
    product_id: UUID
    previous: Decimal
    price: Decimal


class CustomerCreated(Payload):
    customer_id: UUID
    kind: Literal["person", "company"]


class SupplierPriceRegistered(Payload):
    """``price`` and ``minimum_quantity`` are for the product's own unit, the price to the cent.

    A price that was asked for another unit says so exactly in ``quoted_unit`` and ``quoted_price``.
    """

    supplier_id: UUID
    product_id: UUID
    price: Decimal
    minimum_quantity: Decimal | None = None
    payment_days: int | None = None
    lead_time_days: int | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    quoted_unit: str | None = Field(None, exclude_if=_absent)
    quoted_price: Decimal | None = Field(None, exclude_if=_absent)


class SupplierDeactivated(Payload):
    """Nothing is bought there any more; the supplier's prices no longer count."""

    supplier_id: UUID


class SupplierReactivated(Payload):
    supplier_id: UUID


class PurchaseItem(_Part):
    """``quantity`` and ``unit_cost`` are for the product's own unit, the cost to the cent.

    Of goods received, ``ordered`` says how much of the quantity had been awaited; absent: all of it.
    """

    product_id: UUID
    quantity: Decimal
    unit_cost: Decimal
    ordered: Decimal | None = None


class PurchaseOrderSent(Payload):
    purchase_order_id: UUID
    supplier_id: UUID
    items: tuple[PurchaseItem, ...]


class PurchaseOrderReceived(Payload):
    """Goods came in: ``items`` are what came this time, ``complete`` says whether all that was ordered is there."""

    purchase_order_id: UUID
    supplier_id: UUID
    sent_at: datetime
    items: tuple[PurchaseItem, ...]
    complete: bool


class PurchaseOrderCancelled(Payload):
    """These goods will not come; not ``sent`` means that the order was still a draft made from suggestions."""

    purchase_order_id: UUID
    supplier_id: UUID
    sent: bool
    items: tuple[PurchaseItem, ...]


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


class DeliveryStatusChanged(Payload):
    """``previous`` is absent when the delivery is made; ``on_time`` says, once it has arrived, whether it kept what was
    promised, and is absent when nothing was."""

    delivery_id: UUID
    order_id: UUID | None = None
    route_id: UUID | None = None
    previous: str | None = None
    status: str
    on_time: bool | None = None


class DeliveryProofRegistered(Payload):
    delivery_id: UUID


class DeliveryOccurrenceReported(Payload):
    delivery_id: UUID
    kind: str
    product_id: UUID | None = None
    quantity: Decimal | None = None


class DeliveryRouteFinished(Payload):
    """A vehicle is back; without a driven distance the planned one stands for it in the cost."""

    route_id: UUID
    deliveries: int
    planned_distance_m: int
    driven_distance_m: int | None = None
    duration_s: int
    planned_cost: Decimal
    cost: Decimal


CATALOGUE: dict[str, type[Payload]] = {
    model.event_type: model
    for model in (
        QuoteCreated,
        QuoteSent,
        QuoteApproved,
        QuoteRejected,
        QuoteConverted,
        QuoteCancelled,
        QuoteExpired,
        QuoteDiscountRequested,
        QuoteDiscountApproved,
        QuoteDiscountDenied,
        OrderCreated,
        OrderStatusChanged,
        OrderCancelled,
        OrderReturned,
        SaleRecorded,
        StockUpdated,
        ProductCreated,
        ProductUpdated,
        ProductPriceUpdated,
        CustomerCreated,
        SupplierPriceRegistered,
        SupplierDeactivated,
        SupplierReactivated,
        PurchaseOrderSent,
        PurchaseOrderReceived,
        PurchaseOrderCancelled,
        ReplenishmentParametersSet,
        ReplenishmentDefaultsSet,
        PricingParametersSet,
        PricingAlertAnswered,
        SalesParametersSet,
        SalesAdviceAnswered,
        SuggestionAccepted,
        SuggestionDismissed,
        SuggestionSnoozed,
        DeliveryStatusChanged,
        DeliveryProofRegistered,
        DeliveryOccurrenceReported,
        DeliveryRouteFinished,
    )
}


def json_schemas() -> dict[str, Any]:
    """JSON schema of every payload by event type, as served at ``/api/v1/events/schemas``."""
    return {
        name: {"version": model.version, "schema": model.model_json_schema(mode="serialization")}
        for name, model in CATALOGUE.items()
    }
