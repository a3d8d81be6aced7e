"""The delivery engine: how reliably goods arrive and what that costs, per day of the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from runtime.data.queries import sql
from runtime.data.transactions import EngineTransaction
from runtime.events.catalogue import (
    DeliveryOccurrenceReported,
    DeliveryProofRegistered,
    DeliveryRouteFinished,
    DeliveryStatusChanged,
    OrderCancelled,
    OrderStatusChanged,
)
from runtime.events.engine import Engine
from runtime.events.event import Event


@dataclass(slots=True)
class DayFigures:
    """What a batch adds to one day; lengths in metres, times in seconds unless named otherwise, money in BRL."""

    delivered: int = 0
    with_issue: int = 0
    failed: int = 0
    promised: int = 0
    on_time: int = 0
    orders_delivered: int = 0
    order_seconds: int = 0
    orders_cancelled: int = 0
    routes: int = 0
    route_deliveries: int = 0
    planned_distance_m: int = 0
    driven_distance_m: int = 0
    duration_s: int = 0
    planned_cost: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)

    def end_delivery(self, said: DeliveryStatusChanged) -> None:
        """A delivery arrived, or came back."""
        if said.status == "failed":
            self.failed += 1
            return
        self.delivered += 1
        self.with_issue += said.status == "delivered_with_issue"
        self.promised += said.on_time is not None
        self.on_time += said.on_time is True

    def end_route(self, said: DeliveryRouteFinished) -> None:
        """A vehicle is back; a distance that nobody read stands for itself as it was planned."""
        driven = said.planned_distance_m if said.driven_distance_m is None else said.driven_distance_m
        self.routes += 1
        self.route_deliveries += said.deliveries
        self.planned_distance_m += said.planned_distance_m
        self.driven_distance_m += driven
        self.duration_s += said.duration_s
        self.planned_cost += said.planned_cost
        self.cost += said.cost


_FIGURES = tuple(one.name for one in fields(DayFigures))
_ENDED = ("delivered", "delivered_with_issue", "failed")


@dataclass(slots=True)
class _Batch:
    """Everything a batch of events adds; orders that went out keep their moment until they end."""

    zones: dict[UUID, ZoneInfo]
    out: dict[tuple[UUID, UUID], datetime]
    days: dict[tuple[UUID, date], DayFigures] = field(default_factory=dict)
    occurrences: Counter[tuple[UUID, date, str]] = field(default_factory=Counter)
    ended: set[tuple[UUID, UUID]] = field(default_factory=set)
    went_out: set[tuple[UUID, UUID]] = field(default_factory=set)

    def add(self, event: Event) -> None:
        """Take one event in."""
        tenant_id, said = event.tenant_id, event.payload
        day = event.occurred_at.astimezone(self.zones[tenant_id]).date()
        if isinstance(said, DeliveryStatusChanged):
            if said.status in _ENDED:
                self._figures(tenant_id, day).end_delivery(said)
        elif isinstance(said, DeliveryOccurrenceReported):
            self.occurrences[tenant_id, day, said.kind] += 1
        elif isinstance(said, DeliveryRouteFinished):
            self._figures(tenant_id, day).end_route(said)
        elif isinstance(said, OrderStatusChanged):
            self._order(event, said, day)
        elif isinstance(said, OrderCancelled) and self._end_order(tenant_id, said.order_id) is not None:
            self._figures(tenant_id, day).orders_cancelled += 1

    def _order(self, event: Event, said: OrderStatusChanged, day: date) -> None:
        key = event.tenant_id, said.order_id
        if said.status == "out_for_delivery":
            self.out[key] = event.occurred_at
            self.went_out.add(key)
            self.ended.discard(key)
        elif said.status == "delivered" and (since := self._end_order(*key)) is not None:
            figures = self._figures(event.tenant_id, day)
            figures.orders_delivered += 1
            figures.order_seconds += max(0, int((event.occurred_at - since).total_seconds()))

    def _end_order(self, tenant_id: UUID, order_id: UUID) -> datetime | None:
        since = self.out.pop((tenant_id, order_id), None)
        if since is not None:
            self.ended.add((tenant_id, order_id))
            self.went_out.discard((tenant_id, order_id))
        return since

    def _figures(self, tenant_id: UUID, day: date) -> DayFigures:
        return self.days.setdefault((tenant_id, day), DayFigures())


class DeliveryEngine(Engine):
    """Keep the daily figures of deliveries, occurrences, routes and their costs up to date."""

    name = "delivery"
    subscribes = (
        OrderStatusChanged,
        OrderCancelled,
        DeliveryStatusChanged,
        DeliveryProofRegistered,
        DeliveryOccurrenceReported,
        DeliveryRouteFinished,
    )

    async def apply(self, tx: EngineTransaction, events: Sequence[Event]) -> None:
        """Apply one batch: what it adds to each day, however many events there are."""
        tenant_ids = sorted({event.tenant_id for event in events})
        zones = await tx.fetch_all(sql.list_delivery_zones, tenant_ids=tenant_ids)
        orders = sorted(
            {
                (event.tenant_id, event.payload.order_id)
                for event in events
                if isinstance(event.payload, OrderStatusChanged | OrderCancelled)
            }
        )
        out = await tx.fetch_all(sql.list_orders_out, **_keys(orders))
        batch = _Batch(
            {row["id"]: ZoneInfo(row["time_zone"]) for row in zones},
            {(row["tenant_id"], row["order_id"]): row["out_at"] for row in out},
        )
        for event in events:
            batch.add(event)
        await _save(tx, batch)

    async def clear(self, tx: EngineTransaction, tenant_id: UUID) -> None:
        """Delete all rows of a tenant."""
        await tx.execute(sql.clear_delivery_engine, tenant_id=tenant_id)


async def _save(tx: EngineTransaction, batch: _Batch) -> None:
    if batch.days:
        days = sorted(batch.days.items())
        await tx.execute(
            sql.add_delivery_days,
            tenant_ids=[key[0] for key, _ in days],
            days=[key[1] for key, _ in days],
            **{name: [getattr(figures, name) for _, figures in days] for name in _FIGURES},
        )
    if batch.occurrences:
        counted = sorted(batch.occurrences.items())
        await tx.execute(
            sql.add_delivery_occurrences,
            tenant_ids=[key[0] for key, _ in counted],
            days=[key[1] for key, _ in counted],
            kinds=[key[2] for key, _ in counted],
            occurrences=[count for _, count in counted],
        )
    if batch.went_out:
        went = sorted(batch.went_out)
        await tx.execute(sql.add_orders_out, out_at=[batch.out[key] for key in went], **_keys(went))
    if batch.ended:
        await tx.execute(sql.remove_orders_out, **_keys(sorted(batch.ended)))


def _keys(pairs: Sequence[tuple[UUID, UUID]]) -> dict[str, list[Any]]:
    return {
        "tenant_ids": [tenant_id for tenant_id, _ in pairs],
        "order_ids": [order_id for _, order_id in pairs],
    }
