"""What clients send and get about routes."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from handlers.changes import unchanged
from handlers.deliveries.models import DeliveryStatus, PlacedBy
from handlers.pages import Day, NewestFirst
from runtime.web.fields import Body, Money, Quantity, Version, View, decimal_field

RouteStatus = Literal["planned", "out", "finished", "cancelled"]
Kilometres = Annotated[Decimal, *decimal_field("0", "9999.9", 1)]
LeftOutReason = Literal["too_heavy", "too_large", "window_over", "no_room"]


class CrewNew(Body):
    """A vehicle that may be planned with, and who drives it."""

    vehicle_id: UUID
    driver_id: UUID | None = None


class PlanNew(Body):
    """The day to plan; without vehicles, all active ones that are not out on that day."""

    day: Day
    vehicles: list[CrewNew] | None = Field(None, min_length=1, max_length=50)
    seconds: Annotated[float, Field(ge=0.5, le=8, allow_inf_nan=False)] = Field(
        4, description="Most time the solver may take"
    )


class RouteChange(Body):
    """Who drives."""

    driver_id: UUID | None = unchanged()


class RouteEnd(Body):
    """What the vehicle has driven by its odometer, if somebody looked."""

    driven_km: Kilometres | None = None


class StopView(View):
    """A stop of a route, in the order in which it is visited."""

    delivery_id: UUID
    number: str
    status: DeliveryStatus
    position: int
    trip: int
    locked: bool
    placed_by: PlacedBy | None
    customer_name: str | None
    site_name: str | None
    address: str | None
    postal_code: str | None
    latitude: float | None
    longitude: float | None
    weight_kg: Decimal
    volume_m3: Decimal
    window_from: datetime | None
    window_to: datetime | None
    planned_arrival: datetime | None
    leg_distance_m: int | None


class RouteView(View):
    """One vehicle's day; ``explanation`` says what its plan had to assume."""

    id: UUID
    day: date
    status: RouteStatus
    vehicle_id: UUID
    vehicle_plate: str
    vehicle_name: str
    driver_id: UUID | None
    driver_name: str | None
    planned_departure: datetime
    planned_return: datetime
    planned_distance_m: int
    planned_duration_s: int
    planned_cost: Money
    driven_distance_m: int | None
    cost: Money | None
    explanation: list[str]
    stops: list[StopView]
    created_at: datetime
    updated_at: datetime
    departed_at: datetime | None
    finished_at: datetime | None
    version: Version
    allowed_actions: list[str]


class LeftOutView(View):
    """A delivery that the plan has no room for, and why."""

    delivery_id: UUID
    number: str
    reason: LeftOutReason
    explanation: str


class PlanView(View):
    """The day's routes, what is left out, and what had to be assumed."""

    day: date
    routes: list[RouteView]
    left_out: list[LeftOutView]
    explanation: list[str]


class RouteList(NewestFirst):
    """Filters of the route list. Drivers see their own."""

    day: Day | None = None
    status: RouteStatus | None = None
    driver_id: UUID | None = None


class LoadedItemView(View):
    """A product to be loaded, summed over the stops."""

    product_id: UUID
    sku: str
    name: str
    unit: str
    quantity: Quantity


class LoadedStopView(View):
    """What is loaded for one stop; the last stop is loaded first."""

    delivery_id: UUID
    number: str
    position: int
    customer_name: str | None
    site_name: str | None
    items: list[LoadedItemView]


class LoadedTripView(View):
    """One trip: what the vehicle carries, and in which order it is loaded."""

    trip: int
    weight_kg: Decimal
    volume_m3: Decimal
    products: list[LoadedItemView]
    loading_order: list[LoadedStopView]


class LoadingSheetView(View):
    """What has to be on the vehicle, trip by trip."""

    route_id: UUID
    day: date
    vehicle_plate: str
    vehicle_name: str
    driver_name: str | None
    trips: list[LoadedTripView]
