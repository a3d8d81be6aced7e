"""What the store and the customer send and get about a shared quote."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from runtime.web.fields import Body, Money, View


class ShareNew(Body):
    """How long the link is good."""

    days: int = Field(30, ge=1, le=180)


class ShareView(View):
    """A new link; the token is shown this once and cannot be had again."""

    id: UUID
    url: str
    token: str
    expires_at: datetime
    whatsapp_text: str
    whatsapp_url: str


class LinkView(View):
    """A link that was made, and whether its customer has looked."""

    id: UUID
    created_by: UUID | None
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    first_seen_at: datetime | None
    last_seen_at: datetime | None
    views: int


class PublicItemView(View):
    """An item as the customer sees it; ``unit_price`` is for one ``price_unit``, ``unit`` or ``stock_unit``."""

    name: str
    unit: str
    quantity: str
    stock_unit: str
    stock_quantity: str
    unit_price: Money
    price_unit: str
    discount_percent: str
    line_total: Money
    availability: Literal["available", "partly", "expected"] | None = Field(
        description="From when it can be had, where the store says so"
    )
    expected_on: date | None


class PublicQuoteView(View):
    """A quote as its customer sees it; ``pix`` is the text of a PIX payment."""

    store: str
    number: str
    status: str
    customer_name: str
    site_name: str | None
    items: list[PublicItemView]
    subtotal: Money
    discount_amount: Money
    total: Money
    valid_until: datetime
    notes: str
    pix: str | None
    allowed_actions: list[str]
