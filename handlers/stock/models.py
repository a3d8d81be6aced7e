"""What clients send and get about stock."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from handlers.pages import Day, NewestFirst
from handlers.permissions import HIDDEN_COST
from handlers.units import Unit
from runtime.web.fields import Body, LongText, Money, QuantityOrZero, SignedQuantity, View
from runtime.web.pagination import ListQuery, SearchText


class MovementKind(StrEnum):
    """Why stock moved."""

    RECEIPT = "receipt"
    SALE = "sale"
    RETURN = "return"
    ADJUSTMENT = "adjustment"
    COUNT = "count"
    TRANSFER = "transfer"
    LOSS = "loss"


LotCode = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]*$"),
]


class MovementNew(Body):
    """A movement by hand. ``quantity`` is signed for an adjustment; otherwise it is positive and the kind says
    which way it goes. ``unit_cost`` of a receipt enters the product's average cost. Both are for the product's own unit
    unless another is named; the ledger is in its own. Goods that are kept in lots come in with ``lot_code`` and their
    last day; without a lot they leave from what expires first."""

    product_id: UUID
    kind: Literal["receipt", "adjustment", "return", "loss"]
    quantity: SignedQuantity
    unit: Unit | None = None
    location_id: UUID | None = None
    reason: LongText | None = None
    unit_cost: Money | None = None
    lot_code: LotCode | None = None
    expires_on: Day | None = None

    @model_validator(mode="after")
    def _goes_somewhere(self) -> Self:
        if self.quantity == 0:
            raise ValueError("The quantity is zero.|A quantidade é zero.")
        if self.quantity < 0 and self.kind != "adjustment":
            raise ValueError("Only an adjustment may be negative.|Somente um ajuste pode ser negativo.")
        if self.unit_cost is not None and self.kind != "receipt":
            raise ValueError("Only a receipt has a unit cost.|Somente uma entrada tem custo unitário.")
        if self.expires_on is not None and self.lot_code is None:
            raise ValueError("A last day belongs to a lot.|Uma validade pertence a um lote.")
        return self


class MovementView(View):
    """One line of the ledger, with the product's levels right after it."""

    id: UUID
    product_id: UUID
    location_id: UUID
    kind: MovementKind
    delta: SignedQuantity
    on_hand: SignedQuantity
    reserved: QuantityOrZero
    available: SignedQuantity
    unit_cost: Money | None
    reason: str | None
    order_id: UUID | None
    user_id: UUID | None
    created_at: datetime


class LedgerLineView(View):
    """One line of the ledger."""

    id: UUID
    product_id: UUID
    sku: str
    product_name: str
    location_id: UUID
    kind: MovementKind
    delta: SignedQuantity
    on_hand_after: SignedQuantity
    unit_cost: Money | None = Field(description=HIDDEN_COST)
    reason: str | None
    order_id: UUID | None
    user_id: UUID | None
    created_at: datetime


class LevelView(View):
    """A product's stock at a location; ``available = on_hand - reserved - expired``.

    ``expired`` is on hand and past its last day, ``expiring`` has its last day within the next 30 days; both are of
    products that are kept in lots.
    """

    product_id: UUID
    sku: str
    product_name: str
    unit: str
    location_id: UUID
    on_hand: SignedQuantity
    reserved: QuantityOrZero
    available: SignedQuantity
    incoming: QuantityOrZero
    in_lots: bool
    expired: QuantityOrZero
    expiring: QuantityOrZero
    next_expiry: date | None
    last_cost: Money | None = Field(description=HIDDEN_COST)
    average_cost: Money | None = Field(description=HIDDEN_COST)
    last_sold_at: datetime | None
    updated_at: datetime | None


class LocationView(View):
    """A place where stock lies; every store has a default one."""

    id: UUID
    name: str
    is_default: bool
    active: bool
    created_at: datetime


class MovementList(NewestFirst):
    """Filters of the ledger."""

    product_id: UUID | None = None
    location_id: UUID | None = None
    order_id: UUID | None = None
    kind: MovementKind | None = None


class LevelList(ListQuery):
    """Filters of the stock list; ``q`` finds products by code, name or barcode."""

    q: SearchText = None
    sort: Literal["product_id"] | None = None
    product_id: UUID | None = None
    location_id: UUID | None = None


class LotView(View):
    """What lies of a lot at a location; ``days_left`` to its last day, that day included, negative afterwards."""

    product_id: UUID
    sku: str
    product_name: str
    unit: str
    location_id: UUID
    code: str
    expires_on: date | None
    days_left: int | None
    expired: bool
    on_hand: QuantityOrZero


class LotList(ListQuery):
    """Filters of the lots; ``within_days`` finds those whose last day is that near, or over."""

    sort: Literal["expires_on"] | None = None
    product_id: UUID | None = None
    location_id: UUID | None = None
    within_days: int | None = Field(None, ge=0, le=3650)
