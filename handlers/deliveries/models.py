"""What clients send and get about deliveries."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from handlers.changes import unchanged
from handlers.lines import MAX_ITEMS
from handlers.pages import Day, NewestFirst
from handlers.sites import Latitude, Longitude
from handlers.units import Unit
from runtime.web.fields import Body, LongText, Money, Quantity, QuantityOrZero, ShortText, Version, View
from runtime.web.pagination import SearchText

OccurrenceKind = Literal["missing", "wrong", "damaged", "absent", "refused", "other"]
Priority = Literal["low", "normal", "high", "urgent"]
PRIORITIES: tuple[Priority, ...] = ("low", "normal", "high", "urgent")
PlacedBy = Literal["coordinates", "postal_code", "cluster", "unknown"]

SHORT_KINDS = ("missing", "wrong", "damaged", "refused")
"""What is reported as one of these with a quantity did not reach the customer."""

_HALF_A_PLACE = "Latitude and longitude go together.|Latitude e longitude andam juntas."
_WINDOW = "The window ends before it begins.|A janela termina antes de começar."

_MOMENT_FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.]+(?:[Zz]|[+-][0-9:]{2,5})?")


def _written_as_a_moment(value: Any) -> Any:
    # Numbers would be read as seconds since 1970.
    if isinstance(value, datetime) or (isinstance(value, str) and _MOMENT_FORM.fullmatch(value)):
        return value
    raise PydanticCustomError("datetime_parsing", "An ISO 8601 timestamp is expected")


# Beyond these the day in some time zone could not be said.
Moment = Annotated[
    AwareDatetime,
    Field(
        ge=datetime.fromisoformat("1900-01-02T00:00:00+00:00"),
        le=datetime.fromisoformat("2999-12-30T00:00:00+00:00"),
    ),
    BeforeValidator(_written_as_a_moment),
]


class DeliveryStatus(StrEnum):
    """Where a delivery is; see the state table for what leads where."""

    PLANNED = "planned"
    ASSIGNED = "assigned"
    OUT = "out"
    ARRIVED = "arrived"
    DELIVERED = "delivered"
    DELIVERED_WITH_ISSUE = "delivered_with_issue"
    FAILED = "failed"
    CANCELLED = "cancelled"


class DeliveryItemNew(Body):
    """How much of which of the order's items, in the unit it is sold in unless the product's own is named."""

    order_item_id: UUID
    quantity: Quantity
    unit: Unit | None = None


class LoadNew(Body):
    """An order, or a part of it; without items all of it that no delivery has."""

    order_id: UUID
    items: list[DeliveryItemNew] | None = Field(None, min_length=1, max_length=MAX_ITEMS)


class DeliveryNew(LoadNew):
    """A delivery of an order, or of a part of it; without items of all that no other delivery has."""

    scheduled_on: Day | None = None
    window_from: Moment | None = None
    window_to: Moment | None = None
    priority: Priority = "normal"
    notes: LongText = ""

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if self.window_from is not None and self.window_to is not None and self.window_from > self.window_to:
            raise ValueError(_WINDOW)
        return self


class DeliveryChange(Body):
    """What to change; fields left out stay as they are. ``locked`` keeps an assigned delivery on its vehicle."""

    scheduled_on: Day | None = None
    window_from: Moment | None = None
    window_to: Moment | None = None
    priority: Priority = unchanged()
    notes: LongText = unchanged()
    locked: StrictBool = unchanged()


class OccurrenceNew(Body):
    """Something that is not as it should be; of an item, with how much of it, in the unit it is sold in unless the
    product's own is named."""

    kind: OccurrenceKind
    order_item_id: UUID | None = None
    quantity: Quantity | None = None
    unit: Unit | None = None
    note: LongText | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.order_item_id is None) != (self.quantity is None):
            raise ValueError("An item and its quantity go together.|O item e a sua quantidade andam juntos.")
        if self.unit is not None and self.quantity is None:
            raise ValueError("A unit is that of a quantity.|Uma unidade é a de uma quantidade.")
        return self


class _Place(Body):
    """Where and when by the driver's telephone; the server's time counts when none is given."""

    latitude: Latitude | None = None
    longitude: Longitude | None = None
    happened_at: Moment | None = None

    @model_validator(mode="after")
    def _whole_place(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError(_HALF_A_PLACE)
        return self


class ProofNew(_Place):
    """Who took the goods, and what was wrong with them."""

    receiver_name: ShortText
    receiver_document: Annotated[
        str | None,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=40, pattern=r"^[0-9A-Za-z./ -]+$"),
    ] = None
    occurrences: list[OccurrenceNew] = Field(default_factory=list, max_length=50)


class FailureNew(_Place):
    """Why the goods came back."""

    kind: OccurrenceKind
    note: LongText | None = None


class DeliveryItemView(View):
    """An item on a delivery; what the customer kept of it is known when the delivery has ended.

    Quantities are in the unit the item is sold in; what begins with ``stock_`` is exactly that in the product's own.
    """

    order_item_id: UUID
    order_id: UUID
    product_id: UUID
    sku: str
    name: str
    unit: str
    quantity: QuantityOrZero
    stock_unit: str
    stock_quantity: Quantity
    delivered_quantity: QuantityOrZero | None
    stock_delivered_quantity: QuantityOrZero | None


class ProofView(View):
    """Who took the goods, where and when."""

    receiver_name: str | None
    receiver_document: str | None
    latitude: float | None
    longitude: float | None
    happened_at: datetime
    recorded_by: UUID | None
    recorded_at: datetime


class ImageView(View):
    """An image of a delivery; itself it is at ``/deliveries/{id}/images/{image_id}``."""

    id: UUID
    kind: Literal["photo", "signature"]
    media_type: str
    width: int
    height: int
    size_bytes: int
    created_at: datetime


class OccurrenceView(View):
    """Something that was not as it should be."""

    id: UUID
    kind: OccurrenceKind
    order_item_id: UUID | None
    quantity: QuantityOrZero | None
    unit: str | None
    stock_quantity: Quantity | None
    stock_unit: str | None
    note: str | None
    reported_by: UUID | None
    reported_at: datetime


class DeliveryView(View):
    """A delivery with everything that is known of it and what the caller may do with it now."""

    id: UUID
    number: str = Field(examples=["ENT-000001"])
    status: DeliveryStatus
    order_id: UUID
    order_number: str
    customer_name: str | None
    customer_phone: str | None
    site_name: str | None
    address: str | None
    postal_code: str | None
    latitude: float | None
    longitude: float | None
    priority: Priority
    scheduled_on: date | None
    window_from: datetime | None
    window_to: datetime | None
    notes: str
    weight_kg: Decimal
    volume_m3: Decimal
    measured: bool = Field(description="False when a product's weight or volume is not known")
    items: list[DeliveryItemView]
    route_id: UUID | None
    position: int | None
    trip: int | None
    locked: bool
    placed_by: PlacedBy | None
    planned_arrival: datetime | None
    leg_distance_m: int | None
    planned_cost: Money | None
    cost: Money | None
    proof: ProofView | None
    images: list[ImageView]
    occurrences: list[OccurrenceView]
    reason: str | None
    on_time: bool | None
    created_at: datetime
    updated_at: datetime
    departed_at: datetime | None
    arrived_at: datetime | None
    finished_at: datetime | None
    version: Version
    allowed_actions: list[str]


class DeliveryList(NewestFirst):
    """Filters of the delivery list; ``q`` finds by number. Drivers see those of their own routes."""

    q: SearchText = None
    status: DeliveryStatus | None = None
    order_id: UUID | None = None
    route_id: UUID | None = None
    scheduled_on: Day | None = None


class ImageQuery(BaseModel):
    """What the image shows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["photo", "signature"] = "photo"


class TrackingNew(Body):
    """How long the link is good."""

    days: int = Field(30, ge=1, le=90)


class TrackingLinkView(View):
    """A new link; the token is shown this once and cannot be had again."""

    id: UUID
    url: str
    token: str
    expires_at: datetime


class TrackedItemView(View):
    """An item as the customer sees it."""

    name: str
    unit: str
    quantity: QuantityOrZero


class TrackedDeliveryView(View):
    """A delivery as its customer sees it."""

    store: str
    number: str
    order_number: str
    status: DeliveryStatus
    scheduled_on: date | None
    window_from: datetime | None
    window_to: datetime | None
    planned_arrival: datetime | None
    departed_at: datetime | None
    arrived_at: datetime | None
    finished_at: datetime | None
    items: list[TrackedItemView]
