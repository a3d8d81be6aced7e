"""What clients send and get about purchase orders."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, StrictBool, StringConstraints, model_validator

from handlers.changes import unchanged
from handlers.pages import Day, NewestFirst
from handlers.stock.models import LotCode
from handlers.suppliers.models import LeadTime
from handlers.units import Unit
from runtime.web.fields import Body, LongText, Money, Quantity, QuantityOrZero, Version, View
from runtime.web.pagination import ListQuery, SearchText

MAX_ITEMS = 200


class PurchaseStatus(StrEnum):
    """Where a purchase order is."""

    DRAFT = "draft"
    SENT = "sent"
    PARTIALLY_RECEIVED = "partially_received"
    RECEIVED = "received"
    CANCELLED = "cancelled"


class PurchaseItemNew(Body):
    """One product to buy, in its own unit unless another is named; ``unit_cost`` is for one of the same.

    Without ``unit_cost`` the supplier's price of today holds, else what was paid last.
    """

    product_id: UUID
    quantity: Quantity
    unit: Unit | None = None
    unit_cost: Money | None = None
    note: LongText | None = None


Items = Annotated[list[PurchaseItemNew], Field(min_length=1, max_length=MAX_ITEMS)]


def _products_once(items: list[PurchaseItemNew] | list[ReceiptItem] | list[WantedItem] | None) -> None:
    if items and len({item.product_id for item in items}) < len(items):
        raise ValueError("A product is there twice.|Um produto aparece duas vezes.")


class PurchaseOrderNew(Body):
    """A draft for one supplier; the goods go to the default location unless one is named."""

    supplier_id: UUID
    items: Items
    location_id: UUID | None = None
    expected_on: Day | None = None
    notes: LongText = ""

    @model_validator(mode="after")
    def _once(self) -> Self:
        _products_once(self.items)
        return self


class PurchaseOrderChange(Body):
    """What to change of a draft; fields left out stay as they are, `items` replaces all items."""

    supplier_id: UUID = unchanged()
    items: Items = unchanged()
    location_id: UUID = unchanged()
    expected_on: Day | None = None
    notes: LongText = unchanged()

    @model_validator(mode="after")
    def _once(self) -> Self:
        _products_once(self.items)
        return self


class ReceiptItem(Body):
    """How much of a product came in, in the unit it was ordered in unless its own is named; ``unit_cost`` is for one of
    the same, and without it the order's holds. ``lot_code`` and its last day belong to products that are kept in lots.
    """

    product_id: UUID
    quantity: Quantity
    unit: Unit | None = None
    unit_cost: Money | None = None
    lot_code: LotCode | None = None
    expires_on: Day | None = None


class ReceiptNew(Body):
    """What came in; without ``items`` everything that was still awaited. More than ordered is refused unless
    ``allow_excess`` says it is meant."""

    items: Annotated[list[ReceiptItem], Field(min_length=1, max_length=MAX_ITEMS)] | None = None
    allow_excess: StrictBool = False
    location_id: UUID | None = None
    document: (
        Annotated[
            str,
            StringConstraints(
                strip_whitespace=True, min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]*$"
            ),
        ]
        | None
    ) = Field(None, description="The supplier's invoice", examples=["NF-e 12345"])
    notes: LongText | None = None

    @model_validator(mode="after")
    def _once(self) -> Self:
        _products_once(self.items)
        return self


class WantedItem(Body):
    """A product to buy; without ``quantity`` as much as is suggested."""

    product_id: UUID
    quantity: Quantity | None = None


class FromSuggestions(Body):
    """Which products to buy: those named, else all with an open suggestion."""

    items: Annotated[list[WantedItem], Field(min_length=1, max_length=MAX_ITEMS)] | None = None
    product_ids: Annotated[list[UUID], Field(min_length=1, max_length=MAX_ITEMS)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.items is not None and self.product_ids is not None:
            raise ValueError("Give items or product_ids, not both.|Informe items ou product_ids, não ambos.")
        _products_once(self.items)
        return self


class PurchaseItemView(View):
    """One line of a purchase order and how much of it has come, in the unit it is bought in.

    What begins with ``stock_`` is exactly that in the product's own unit. ``unit_cost`` is for one ``cost_unit``.
    """

    id: UUID
    position: int
    product_id: UUID
    sku: str
    name: str
    unit: str
    quantity: Quantity
    stock_unit: str
    stock_quantity: Quantity
    unit_cost: Money
    cost_unit: str
    line_total: Money
    received_quantity: QuantityOrZero
    stock_received_quantity: QuantityOrZero
    outstanding_quantity: QuantityOrZero
    stock_outstanding_quantity: QuantityOrZero
    note: str | None


class PurchaseOrderView(View):
    """A purchase order and what the caller may do with it now."""

    id: UUID
    number: str = Field(examples=["OC-000001"])
    status: PurchaseStatus
    supplier_id: UUID
    supplier_name: str
    location_id: UUID
    items: list[PurchaseItemView]
    total: Money
    expected_on: date | None
    notes: str
    reason: str | None
    from_suggestions: bool
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime
    sent_at: datetime | None
    received_at: datetime | None
    cancelled_at: datetime | None
    version: Version
    allowed_actions: list[str]


class PurchaseOrderList(NewestFirst):
    """Filters of the list; ``q`` finds by number or by the supplier's name."""

    q: SearchText = None
    status: PurchaseStatus | None = None
    supplier_id: UUID | None = None
    product_id: UUID | None = None


class ReceiptLineView(View):
    """How much of a product came in and at what cost, both in its own unit, and the stock movement that booked it."""

    product_id: UUID
    movement_id: UUID
    quantity: Quantity
    unit_cost: Money


class ReceiptView(View):
    """One receipt of a purchase order; the lead time is measured from its sending."""

    id: UUID
    purchase_order_id: UUID
    location_id: UUID
    document: str | None
    notes: str | None
    lead_time_days: LeadTime
    received_by: UUID | None
    received_at: datetime
    items: list[ReceiptLineView]


class ReceiptList(ListQuery):
    """The receipts of an order, oldest first."""

    sort: Literal["id"] | None = None


class UnplacedView(View):
    """A product that no draft was made for, and why."""

    product_id: UUID
    reason: Literal["no_supplier", "no_suggestion", "inactive", "already_drafted"]
    explanation: str


class DraftsView(View):
    """One draft per supplier; each item's note says why it was this supplier."""

    items: list[PurchaseOrderView]
    unplaced: list[UnplacedView]
