"""Deliveries and routes."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from runtime.events.catalogue.payload import Payload


class DeliveryStatusChanged(Payload):
    """``previous`` is absent when the delivery is made; ``on_time`` says, once it has arrived, whether it kept what was
    promised, and is absent when nothing was."""

    delivery_id: UUID
    order_id: UUID | None = None
    route_id: UUID | None = None
    previous: str | None = None
    status: str
    on_time: bool | None = None


class DeliveryProofRegistered(Payload):
    delivery_id: UUID


class DeliveryOccurrenceReported(Payload):
    delivery_id: UUID
    kind: str
    product_id: UUID | None = None
    quantity: Decimal | None = None


class DeliveryRouteFinished(Payload):
    """A vehicle is back; without a driven distance the planned one stands for it in the cost."""

    route_id: UUID
    deliveries: int
    planned_distance_m: int
    driven_distance_m: int | None = None
    duration_s: int
    planned_cost: Decimal
    cost: Decimal
