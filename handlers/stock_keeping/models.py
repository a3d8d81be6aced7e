"""What clients send and get about transfers and counts."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import Field, StrictBool, model_validator

from handlers.pages import NewestFirst
from handlers.units import Unit
from runtime.web.fields import Body, LongText, Quantity, QuantityOrZero, ShortText, Version, View


class LocationNew(Body):
    """A place where goods are kept, beside the store's default location."""

    name: ShortText


class TransferItem(Body):
    """How much of a product moves, in its own unit unless another is named."""

    product_id: UUID
    quantity: Quantity
    unit: Unit | None = None


class TransferNew(Body):
    """Goods that move from one location to another."""

    from_location_id: UUID = Field(examples=["0192f0c1-7b1e-7c3a-9d52-3f6a1c2b4d5e"])
    to_location_id: UUID = Field(examples=["0192f0c1-7b1e-7c3a-9d52-3f6a1c2b4d5f"])
    reason: LongText | None = None
    items: list[TransferItem] = Field(min_length=1, max_length=200)

    @model_validator(mode="after")
    def _two_places(self) -> Self:
        if self.from_location_id == self.to_location_id:
            raise ValueError("The two locations are the same.|Os dois locais são o mesmo.")
        return self


class CountNew(Body):
    """A count to be opened: of the products named, of an ABC class, or of all that the location keeps.

    ``blind``: who counts does not see what the books say.
    """

    location_id: UUID | None = Field(None, description="Default: the store's default location")
    product_ids: list[UUID] | None = Field(None, min_length=1, max_length=1000)
    abc_class: Literal["A", "B", "C"] | None = None
    blind: StrictBool = True
    notes: LongText = ""

    @model_validator(mode="after")
    def _one_scope(self) -> Self:
        if self.product_ids is not None and self.abc_class is not None:
            raise ValueError("Name products or a class, not both.|Indique produtos ou uma classe, não ambos.")
        return self


class CountedItem(Body):
    """What was found of a product, in its own unit unless another is named."""

    product_id: UUID
    quantity: QuantityOrZero
    unit: Unit | None = None


class CountedNew(Body):
    """What was found; a product counted again replaces what was written before.

    Of a product that is named in several units, three pallets and twelve sacks, the sum was found.
    """

    items: list[CountedItem] = Field(min_length=1, max_length=500)


class CountLineView(View):
    """One product of a count; ``expected`` is hidden while a blind count is open."""

    product_id: UUID
    sku: str
    name: str
    unit: str
    counted: str | None
    expected: str | None
    difference: str | None
    counted_by: UUID | None
    counted_at: datetime | None


class CountView(View):
    """A count with its lines."""

    id: UUID
    location_id: UUID
    status: Literal["open", "booked", "cancelled"]
    blind: bool
    notes: str
    created_by: UUID | None
    created_at: datetime
    closed_at: datetime | None
    version: Version
    lines: list[CountLineView]


class CountSummaryView(View):
    """A count without its lines."""

    id: UUID
    location_id: UUID
    status: Literal["open", "booked", "cancelled"]
    blind: bool
    notes: str
    created_by: UUID | None
    created_at: datetime
    closed_at: datetime | None
    version: Version


class CountList(NewestFirst):
    """Filters of the counts; the newest first."""

    status: Literal["open", "booked", "cancelled"] | None = None
