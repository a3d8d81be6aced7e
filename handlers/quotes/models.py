"""What clients send and get about quotes."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from handlers.changes import unchanged
from handlers.lines import MAX_ITEMS, ItemNew, ItemView
from handlers.orders.models import Fulfilment
from handlers.pages import NewestFirst
from runtime.web.fields import Body, LongText, Money, Percent, Quantity, QuantityOrZero, Version, View
from runtime.web.pagination import SearchText

ValidityDays = Annotated[int, Field(ge=1, le=365, strict=True, examples=[7])]
DiscountApproval = Literal["pending", "approved", "denied"]
Items = Annotated[list[ItemNew], Field(min_length=1, max_length=MAX_ITEMS)]


class QuoteStatus(StrEnum):
    """Where a quote is; see the state table for what leads where."""

    DRAFT = "draft"
    SENT = "sent"
    APPROVED = "approved"
    CONVERTED = "converted"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class MarginWarning(View):
    """What sold under cost plus the store's floor when the quote was written: lines by position, and all together."""

    items: list[int]
    total: bool


class QuoteNew(Body):
    """A draft to be written. Without ``validity_days`` the store's setting holds."""

    customer_id: UUID
    site_id: UUID | None = None
    discount_percent: Percent = Decimal(0)
    validity_days: ValidityDays | None = None
    notes: LongText = ""
    items: Items


class QuoteChange(Body):
    """What to change of a draft; fields left out stay as they are. Given ``items`` replace all items."""

    customer_id: UUID = unchanged()
    site_id: UUID | None = None
    discount_percent: Percent = unchanged()
    validity_days: ValidityDays = unchanged()
    notes: LongText = unchanged()
    items: Items = unchanged()


class ConvertNew(Body):
    """How the order made from a quote reaches the customer."""

    fulfilment: Fulfilment = Fulfilment.DELIVERY


class AvailabilityView(View):
    """From when a line can be had: `available` now; `partly` now and whole on `expected_on`; or `expected` then.

    `supply` is where what is missing comes from: the stock (nothing is), open purchase orders, or buying it, which
    takes as long as the product's lead time. `available_quantity` is in the product's own unit.
    """

    position: int
    status: Literal["available", "partly", "expected"]
    available_quantity: QuantityOrZero
    expected_on: date | None
    supply: Literal["stock", "purchase_order", "lead_time"]


class QuoteQuery(BaseModel):
    """What is shown with the quote, beside itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    include: Literal["availability"] | None = None


class QuoteView(View):
    """A quote with its frozen prices and what the caller may do with it now."""

    id: UUID
    number: str = Field(examples=["COT-000001"])
    status: QuoteStatus
    customer_id: UUID
    customer_name: str
    site_id: UUID | None
    site_name: str | None
    items: list[ItemView]
    subtotal: Money
    discount_percent: Percent
    discount_amount: Money
    total: Money
    discount_approval: DiscountApproval | None
    margin_warning: MarginWarning | None
    validity_days: int
    valid_until: datetime
    notes: str
    reason: str | None
    order_id: UUID | None
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime
    sent_at: datetime | None
    approved_at: datetime | None
    converted_at: datetime | None
    closed_at: datetime | None
    version: Version
    allowed_actions: list[str]
    availability: list[AvailabilityView] | None = Field(None, description="Only where it was asked for")


class LinePriceChangeView(View):
    """A line of which the price is another than it was then."""

    position: int
    product_id: UUID
    sku: str
    name: str
    former_price: Money
    former_price_unit: str
    unit_price: Money
    price_unit: str


class QuantityChangeView(View):
    """A line of which the quantity is another than it was: a unit is no longer sold, holds something else by now, or is
    only sold whole."""

    position: int
    product_id: UUID
    sku: str
    name: str
    former_quantity: Quantity
    former_unit: str
    former_stock_quantity: Quantity
    former_stock_unit: str
    quantity: Quantity
    unit: str
    stock_quantity: Quantity
    stock_unit: str


class DiscontinuedView(View):
    """A product that is no longer sold."""

    product_id: UUID
    sku: str
    name: str


class SinceThenView(View):
    """What changed between the former quote or order and today."""

    former_total: Money
    price_changes: list[LinePriceChangeView]
    quantity_changes: list[QuantityChangeView]
    discontinued: list[DiscontinuedView]


class CopyView(QuoteView):
    """A new draft made from a former quote or order."""

    since_then: SinceThenView


class QuoteList(NewestFirst):
    """Filters of the quote list; ``q`` finds by number or by the customer's name."""

    q: SearchText = None
    status: QuoteStatus | None = None
    customer_id: UUID | None = None
    discount_approval: DiscountApproval | None = Field(
        None, description="`pending`: drafts that wait for somebody to approve their discounts"
    )
