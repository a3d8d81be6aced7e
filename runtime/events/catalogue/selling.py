"""Quotes, orders, sales, and who they are for."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field
from typing_extensions import TypedDict

from runtime.events.catalogue.payload import Payload, Traded


class QuoteItem(Traded):
    pass


class OrderItem(Traded):
    unit_price: Decimal


class SoldItem(Traded):
    unit_price: Decimal
    line_total: Decimal


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


class SoldFigures(TypedDict):
    """Of an item what is counted, as numbers to compute statistics with."""

    product_id: UUID
    quantity: Annotated[float, Field(allow_inf_nan=False)]
    line_total: Annotated[float, Field(allow_inf_nan=False)]


class SaleFigures(Payload):
    """A sale as the engines that count it read it, in less than half the time that exact amounts take."""

    event_type: ClassVar[str] = SaleRecorded.event_type
    version: ClassVar[int] = SaleRecorded.version

    customer_id: UUID | None = None
    items: tuple[SoldFigures, ...]
    earlier_product_ids: tuple[UUID, ...] = ()


class CustomerCreated(Payload):
    customer_id: UUID
    kind: Literal["person", "company"]
