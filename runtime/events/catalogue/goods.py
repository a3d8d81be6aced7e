"""Products, their stock, and buying them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from pydantic import Field

from runtime.events.catalogue.payload import Part, Payload, absent


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
    quoted_unit: str | None = Field(None, exclude_if=absent)
    quoted_price: Decimal | None = Field(None, exclude_if=absent)


class SupplierDeactivated(Payload):
    """Nothing is bought there any more; the supplier's prices no longer count."""

    supplier_id: UUID


class SupplierReactivated(Payload):
    supplier_id: UUID


class PurchaseItem(Part):
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
