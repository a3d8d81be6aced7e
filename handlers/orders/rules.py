"""Orders: placed with their stock set aside, moved through their states, sold when delivered.

Every step is one statement that carries its own guard, so that of two competing steps exactly one finds the order
in a state it may start from. Locks are always taken in this order: order (or quote), its deliveries, stock levels by
product id, document counter, event head.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from handlers.discounts import check_discount
from handlers.line_resolution import check_customer, read_parts, resolve, wanted_of
from handlers.lines import line_columns, total_columns, total_up
from handlers.orders.deliveries import end_deliveries, open_delivery
from handlers.orders.models import Fulfilment, OrderNew
from handlers.permissions import Role
from handlers.settings import TenantSettings
from handlers.sold_lines import order_item, present_lines, sold_item
from handlers.states import ALL_PERMISSIONS, ORDER, allowed_on_orders, order_sources, order_target
from handlers.stock.rules import ensure_default_location, record_taken, reserve
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.errors import ConflictError, FieldProblem, InvalidError, NotFoundError
from runtime.events.catalogue import (
    OrderCancelled,
    OrderCreated,
    OrderItem,
    OrderStatusChanged,
    SaleRecorded,
    SoldItem,
)
from runtime.events.log import emit


@dataclass(frozen=True, slots=True)
class Written:
    """A quote or an order as it was just written; ``body`` is its JSON."""

    id: UUID
    version: int
    body: str


async def create(
    tx: TenantTransaction,
    settings: TenantSettings,
    body: OrderNew,
    by_role: str = Role.OWNER,
    permissions: frozenset[str] = ALL_PERMISSIONS,
) -> Written:
    """Place an order without a quote.

    404 for unknown things, 422 for inactive ones, 403 above a seller's discount limit, 409 when stock is short.
    """
    if body.fulfilment is Fulfilment.DELIVERY and body.customer_id is None:
        raise InvalidError(
            FieldProblem(
                "/customer_id",
                "missing",
                "A delivery needs a customer.",
                "Uma entrega precisa de um cliente.",
            )
        )
    parts = await read_parts(tx, wanted_of(body.items), body.customer_id, body.site_id)
    check_customer(parts, body.customer_id, body.site_id)
    lines = resolve(body.items, parts)
    check_discount(by_role, settings.seller_discount_limit_percent, lines, body.discount_percent)
    totals = total_up([line.line_total for line in lines], body.discount_percent)
    location_id = parts.location_id or await ensure_default_location(tx)
    await reserve(tx, settings, location_id, lines)
    order_id = new_id()
    placed = await tx.fetch_one(
        sql.create_order,
        id=order_id,
        customer_id=body.customer_id,
        site_id=body.site_id,
        location_id=location_id,
        fulfilment=body.fulfilment,
        status=first_status(body.fulfilment),
        prefix=settings.order_prefix,
        notes=body.notes,
        allowed=allowed_on_orders(permissions),
        **line_columns(lines),
        **total_columns(totals),
    )
    if placed is None:
        raise LookupError("an insert answers its row")
    await record_placed(
        tx,
        settings,
        OrderCreated(
            order_id=order_id,
            number=placed["number"],
            customer_id=body.customer_id,
            fulfilment=body.fulfilment.value,
            total=totals.total,
            items=tuple(map(order_item, lines)),
        ),
        tuple(map(sold_item, lines)),
        location_id,
    )
    return Written(order_id, 1, placed["body"])


def first_status(fulfilment: Fulfilment) -> str:
    """The state an order is created in."""
    return "delivered" if fulfilment is Fulfilment.COUNTER else "pending"


async def record_placed(
    tx: TenantTransaction,
    settings: TenantSettings,
    created: OrderCreated,
    sold: tuple[SoldItem, ...],
    location_id: UUID,
) -> None:
    """The events of a new order; a counter sale's goods leave at once."""
    emit(tx, created)
    if created.fulfilment != "counter":
        return
    taken = await tx.fetch_all(sql.take_order_stock, id=created.order_id, location_id=location_id)
    await record_taken(tx, settings, location_id, created.order_id, taken)
    emit(
        tx,
        SaleRecorded(
            order_id=created.order_id,
            customer_id=created.customer_id,
            items=sold,
            total=created.total,
        ),
    )


async def prepare(
    tx: TenantTransaction, order_id: UUID, permissions: frozenset[str] = ALL_PERMISSIONS
) -> Written:
    """pending -> preparing."""
    return await _move(tx, order_id, "prepare", permissions)


async def dispatch(
    tx: TenantTransaction, order_id: UUID, permissions: frozenset[str] = ALL_PERMISSIONS
) -> Written:
    """preparing -> out_for_delivery: what no delivery has yet becomes one."""
    moved = await _move(tx, order_id, "dispatch", permissions)
    await open_delivery(tx, order_id)
    return moved


async def ready(
    tx: TenantTransaction, order_id: UUID, permissions: frozenset[str] = ALL_PERMISSIONS
) -> Written:
    """preparing -> ready_for_pickup."""
    return await _move(tx, order_id, "ready", permissions)


async def cancel(
    tx: TenantTransaction,
    order_id: UUID,
    reason: str | None = None,
    permissions: frozenset[str] = ALL_PERMISSIONS,
) -> Written:
    """Any open state but ready_for_pickup -> cancelled: what is still set aside is available again.

    What has left with earlier deliveries stays sold, and may come back as a return. 409 while a vehicle is out with
    more of such an order: what the customer takes of that is not known yet.
    """
    await tx.fetch_one(sql.lock_order, id=order_id)
    moved = await tx.fetch_one(
        sql.cancel_order,
        id=order_id,
        sources=order_sources("cancel"),
        reason=reason or None,
        allowed=allowed_on_orders(permissions),
    )
    if moved is None:
        raise await _refusal(tx, order_id, "cancel", permissions)
    if moved["previous"] != "pending":
        if moved["left_total"] is not None and await tx.fetch_value(sql.is_on_its_way, order_id=order_id):
            raise ConflictError(
                "on_its_way",
                "A vehicle is out with more of this order; deliver or fail that delivery first.",
                "Um veículo está a caminho com mais deste pedido; conclua antes essa entrega.",
            )
        await end_deliveries(tx, order_id, "cancelled")
    emit(tx, OrderCancelled(order_id=order_id, previous=moved["previous"], reason_given=bool(reason)))
    return Written(order_id, moved["version"], moved["body"])


async def get(
    tx: TenantTransaction, order_id: UUID, permissions: frozenset[str] = ALL_PERMISSIONS
) -> Written:
    """An order as it is; 404 when the store has no such order."""
    row = await tx.fetch_one(sql.get_order, id=order_id, allowed=allowed_on_orders(permissions))
    if row is None:
        raise NotFoundError
    return Written(order_id, row["version"], row["body"])


def sold_items(items: str) -> tuple[SoldItem, ...]:
    """The items of an order, from the JSON it is shown with."""
    return tuple(map(sold_item, present_lines(items)))


def ordered_items(items: str) -> tuple[OrderItem, ...]:
    """The items of an order as its creation tells them."""
    return tuple(map(order_item, present_lines(items)))


async def _move(tx: TenantTransaction, order_id: UUID, action: str, permissions: frozenset[str]) -> Written:
    target = order_target(action)
    moved = await tx.fetch_one(
        sql.move_order,
        id=order_id,
        target=target,
        sources=order_sources(action),
        allowed=allowed_on_orders(permissions),
    )
    if moved is None:
        raise await _refusal(tx, order_id, action, permissions)
    emit(tx, OrderStatusChanged(order_id=order_id, previous=moved["previous"], status=target))
    return Written(order_id, moved["version"], moved["body"])


async def _refusal(
    tx: TenantTransaction, order_id: UUID, action: str, permissions: frozenset[str]
) -> Exception:
    """Why no row moved: there is no such order (404), or it is in another state (409)."""
    row = await tx.fetch_one(sql.find_order_state, id=order_id)
    if row is None:
        return NotFoundError()
    return ORDER[row["fulfilment"]].conflict(row["status"], action, permissions)
