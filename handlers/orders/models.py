"""What clients send and get about orders."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from pydantic import Field

from handlers.lines import MAX_ITEMS, ItemNew, ItemView
from handlers.pages import NewestFirst
from handlers.units import Unit
from runtime.web.fields import Body, LongText, Money, Percent, Quantity, QuantityOrZero, Version, View
from runtime.web.pagination import SearchText


class Fulfilment(StrEnum):
    """How the goods reach the customer; a counter sale is taken along at once."""

    DELIVERY = "delivery"
    PICKUP = "pickup"
    COUNTER = "counter"


class OrderStatus(StrEnum):
    """Where an order is; see the state tables for what leads where."""

    PENDING = "pending"
    PREPARING = "preparing"
    OUT_FOR_DELIVERY = "out_for_delivery"
    READY_FOR_PICKUP = "ready_for_pickup"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


class OrderNew(Body):
    """An order without a quote. A counter sale is created delivered and recorded as a sale in the same call."""

    customer_id: UUID | None = None
    site_id: UUID | None = None
    fulfilment: Fulfilment
    discount_percent: Percent = Decimal(0)
    notes: LongText = ""
    items: list[ItemNew] = Field(min_length=1, max_length=MAX_ITEMS)


class Reason(Body):
    """Why, in the words of whoever does it."""

    reason: LongText | None = None


class HandedItem(Body):
    """How much of which of the order's items, in the unit it is sold in unless the product's own is named."""

    item_id: UUID
    quantity: Quantity
    unit: Unit | None = None


class HandOver(Body):
    """What is picked up now; without items all that has not left yet."""

    items: list[HandedItem] | None = Field(None, min_length=1, max_length=MAX_ITEMS)


class LeftItemView(View):
    """How much of an item has left, in the unit it is sold in and, exactly, in the product's own."""

    item_id: UUID
    unit: str
    quantity: QuantityOrZero
    stock_unit: str
    stock_quantity: QuantityOrZero


class OrderView(View):
    """An order with its frozen items and what the caller may do with it now.

    ``left_items`` and ``left_total`` tell what has left of an order that leaves in parts, and what that comes to; both
    are empty for an order of which nothing has left, or everything at once.
    """

    id: UUID
    number: str = Field(examples=["PED-000001"])
    status: OrderStatus
    fulfilment: Fulfilment
    quote_id: UUID | None
    customer_id: UUID | None
    customer_name: str | None
    site_id: UUID | None
    site_name: str | None
    location_id: UUID
    items: list[ItemView]
    subtotal: Money
    discount_percent: Percent
    discount_amount: Money
    total: Money
    left_total: Money | None
    left_items: list[LeftItemView]
    notes: str
    reason: str | None
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime
    prepared_at: datetime | None
    dispatched_at: datetime | None
    ready_at: datetime | None
    delivered_at: datetime | None
    cancelled_at: datetime | None
    version: Version
    allowed_actions: list[str]


class OrderList(NewestFirst):
    """Filters of the order list; ``q`` finds by number or by the customer's name."""

    q: SearchText = None
    status: OrderStatus | None = None
    fulfilment: Fulfilment | None = None
    customer_id: UUID | None = None
