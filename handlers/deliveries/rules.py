"""Deliveries: made of an order's items, changed, cancelled and ended; what drivers do with them is ``driving``.

Locks are taken in this order: order, its deliveries, stock levels by product id, document counter, event head.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from handlers.changes import CheckVersion, any_version
from handlers.deliveries.models import PRIORITIES, SHORT_KINDS, DeliveryChange, DeliveryNew, LoadNew
from handlers.delivery_states import DELIVERY, allowed_on_deliveries, delivery_conflict
from handlers.orders.deliveries import open_delivery
from handlers.orders.quantities import take_all_off
from handlers.orders.rules import Written
from handlers.permissions import Role
from handlers.states import ALL_PERMISSIONS
from runtime.data.queries import sql
from runtime.data.transactions import Record, TenantTransaction
from runtime.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    StateConflictError,
)
from runtime.events.catalogue import DeliveryStatusChanged
from runtime.events.log import emit
from runtime.web.call import Identity
from runtime.web.problems import field_refused

DELIVERABLE = ("preparing", "out_for_delivery")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who acts: a driver only on routes of the own; ``driver_id`` is None for everybody else."""

    permissions: frozenset[str] = ALL_PERMISSIONS
    driver_id: UUID | None = None

    @classmethod
    def of(cls, identity: Identity) -> Caller:
        """The caller behind a request."""
        return cls(identity.permissions, identity.user_id if identity.role == Role.DRIVER else None)

    def check_own(self, driver_id: UUID | None) -> None:
        """403 when a driver asks for what another one drives, or nobody yet."""
        if self.driver_id is not None and self.driver_id != driver_id:
            raise ForbiddenError(
                "not_your_route", "This is not on one of your routes.", "Isto não está em uma rota sua."
            )


INSIDE = Caller()


async def create(tx: TenantTransaction, body: DeliveryNew, caller: Caller = INSIDE) -> Written:
    """Make a delivery; 404 for an unknown order, 409 when it cannot be delivered now, 422 for more than is owed."""
    await _lock_deliverable(tx, body.order_id)
    chosen = None if body.items is None else await _chosen(tx, body)
    delivery_id = await open_delivery(
        tx,
        body.order_id,
        chosen,
        priority=PRIORITIES.index(body.priority),
        scheduled_on=body.scheduled_on,
        window_from=body.window_from,
        window_to=body.window_to,
        notes=body.notes,
    )
    if delivery_id is None:
        raise _nothing_owed()
    return await get(tx, delivery_id, caller)


async def load(tx: TenantTransaction, delivery_id: UUID, body: LoadNew, caller: Caller = INSIDE) -> Written:
    """Put another order of the same customer and place on a delivery that no vehicle has yet.

    404 for an unknown order, 409 when it goes elsewhere or cannot be delivered now, 422 for more than is owed.
    """
    row, first_id = await lock(tx, delivery_id, "update", caller, body.order_id)
    await _lock_deliverable(tx, body.order_id)
    if row["status"] != "planned":
        raise delivery_conflict(row["status"], "load", caller.permissions)
    if not await tx.fetch_value(sql.is_same_place, order_id=first_id, other_id=body.order_id):
        raise ConflictError(
            "other_place",
            "The order goes to another customer or place.",
            "O pedido vai para outro cliente ou local.",
        )
    chosen = None if body.items is None else await _chosen(tx, body)
    loaded = await tx.fetch_value(
        sql.load_order,
        delivery_id=delivery_id,
        order_id=body.order_id,
        item_ids=None if chosen is None else [item_id for item_id, _ in chosen],
        quantities=None if chosen is None else [quantity for _, quantity in chosen],
    )
    if loaded is None:
        raise _nothing_owed()
    return await get(tx, delivery_id, caller)


async def get(tx: TenantTransaction, delivery_id: UUID, caller: Caller = INSIDE) -> Written:
    """A delivery as it is; 404 when there is none, 403 when it is another driver's."""
    row = await tx.fetch_one(
        sql.get_delivery, id=delivery_id, allowed=allowed_on_deliveries(caller.permissions)
    )
    if row is None:
        raise NotFoundError
    caller.check_own(row["driver_id"])
    return Written(delivery_id, row["version"], row["body"])


async def change(
    tx: TenantTransaction,
    delivery_id: UUID,
    body: DeliveryChange,
    caller: Caller = INSIDE,
    check_version: CheckVersion = any_version,
) -> Written:
    """Change what was agreed on, before the vehicle leaves."""
    row, _ = await lock(tx, delivery_id, "update", caller)
    check_version(row["version"])
    given = body.model_dump(include=body.model_fields_set)
    if "priority" in given:
        given["priority"] = PRIORITIES.index(given["priority"])
    columns = ("priority", "scheduled_on", "window_from", "window_to", "notes", "locked")
    wanted = {name: row[name] for name in columns} | given
    if (
        None not in (wanted["window_from"], wanted["window_to"])
        and wanted["window_from"] > wanted["window_to"]
    ):
        raise field_refused(
            "/window_to",
            "too_early",
            "The window ends before it begins.",
            "A janela termina antes de começar.",
        )
    if wanted["locked"] and row["status"] != "assigned":
        raise field_refused(
            "/locked",
            "not_assigned",
            "Only a delivery that is on a vehicle can be locked to it.",
            "Só uma entrega que está em um veículo pode ser fixada nele.",
        )
    await tx.execute(sql.update_delivery, id=delivery_id, **wanted)
    return await get(tx, delivery_id, caller)


async def cancel(
    tx: TenantTransaction, delivery_id: UUID, reason: str | None = None, caller: Caller = INSIDE
) -> Written:
    """planned or assigned -> cancelled: its items are owed again."""
    row, order_id = await lock(tx, delivery_id, "cancel", caller)
    await end(tx, delivery_id, order_id, row, "cancelled", tx.now, reason)
    return await get(tx, delivery_id, caller)


async def lock(
    tx: TenantTransaction, delivery_id: UUID, action: str, caller: Caller, joining: UUID | None = None
) -> tuple[Record, UUID]:
    """The delivery's row and its first order's id, with all of its orders held, and the one that is to join them.

    404, 403 (another driver's), 409 in the wrong state.
    """
    found = await tx.fetch_one(sql.find_delivery, id=delivery_id)
    if found is None:
        raise NotFoundError
    caller.check_own(found["driver_id"])
    await tx.fetch_all(sql.lock_delivery_orders, delivery_id=delivery_id, order_id=joining)
    row = await tx.fetch_one(sql.lock_delivery, id=delivery_id)
    if row is None:
        raise NotFoundError
    caller.check_own(row["driver_id"])
    if row["status"] not in DELIVERY.sources(action):
        raise delivery_conflict(row["status"], action, caller.permissions)
    return row, found["order_id"]


async def end(
    tx: TenantTransaction,
    delivery_id: UUID,
    order_id: UUID,
    row: Record,
    status: str,
    happened_at: datetime,
    reason: str | None,
) -> None:
    """Write the end of a delivery whose row is locked, and tell of it."""
    on_time = await tx.fetch_value(
        sql.end_delivery,
        id=delivery_id,
        status=status,
        brought=status.startswith("delivered"),
        short_kinds=list(SHORT_KINDS),
        happened_at=happened_at,
        reason=reason or None,
    )
    emit(
        tx,
        DeliveryStatusChanged(
            delivery_id=delivery_id,
            order_id=order_id,
            route_id=row["route_id"],
            previous=row["status"],
            status=status,
            on_time=on_time,
        ),
    )


async def _lock_deliverable(tx: TenantTransaction, order_id: UUID) -> None:
    order = await tx.fetch_one(sql.lock_delivered_order, order_id=order_id)
    if order is None:
        raise NotFoundError("order_not_found", "There is no such order.", "Pedido não encontrado.")
    if order["fulfilment"] != "delivery" or order["status"] not in DELIVERABLE:
        raise StateConflictError(order["status"], "deliver_items", [])


def _nothing_owed() -> ConflictError:
    return ConflictError(
        "nothing_owed",
        "Everything of this order is in a delivery already.",
        "Tudo deste pedido já está em uma entrega.",
    )


async def _chosen(tx: TenantTransaction, body: LoadNew) -> list[tuple[UUID, Decimal]]:
    rows = await tx.fetch_all(sql.list_owed_items, order_id=body.order_id)
    owed: dict[UUID, Decimal] = {row["id"]: row["owed"] for row in rows}
    lines: dict[UUID, Record] = {row["id"]: row for row in rows}
    asked = [(item.order_item_id, item.quantity, item.unit) for item in body.items or ()]
    return list(take_all_off(owed, lines, asked).items())
