"""Purchase orders: written as drafts, changed, sent, cancelled; receiving has a module of its own.

Locks are taken in this order: purchase order, stock by product id, document counter, event head.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from handlers.changes import CheckVersion, any_version
from handlers.orders.rules import Written
from handlers.purchase_orders.lines import resolve
from handlers.purchase_orders.models import PurchaseItemNew, PurchaseOrderChange, PurchaseOrderNew
from handlers.purchase_orders.states import PURCHASE_ORDER, allowed_on_purchase_orders
from handlers.settings import TenantSettings
from handlers.states import ALL_PERMISSIONS
from handlers.stock.rules import ensure_default_location
from handlers.suppliers.prices import local_day
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.data.transactions import Record, TenantTransaction
from runtime.errors import ConflictError, NotFoundError
from runtime.events.catalogue import PurchaseItem, PurchaseOrderCancelled, PurchaseOrderSent
from runtime.events.log import emit

_DEFAULT_ZONE = "America/Sao_Paulo"


async def create(
    tx: TenantTransaction,
    body: PurchaseOrderNew,
    permissions: frozenset[str] = ALL_PERMISSIONS,
    time_zone: str = _DEFAULT_ZONE,
    *,
    from_suggestions: bool = False,
) -> Written:
    """Write a draft with the next number; 404 for unknown things, 422 for inactive ones."""
    location_id = body.location_id or await ensure_default_location(tx)
    lines = await resolve(tx, body.supplier_id, location_id, body.items, local_day(tx.now, time_zone))
    order_id = new_id()
    await tx.execute(
        sql.insert_purchase_order,
        id=order_id,
        supplier_id=body.supplier_id,
        location_id=location_id,
        default_prefix=TenantSettings().purchase_order_prefix,
        total=lines.total,
        expected_on=body.expected_on,
        notes=body.notes,
        from_suggestions=from_suggestions,
    )
    await tx.execute(sql.insert_purchase_items, purchase_order_id=order_id, **lines.columns)
    return await get(tx, order_id, permissions)


async def change(
    tx: TenantTransaction,
    order_id: UUID,
    body: PurchaseOrderChange,
    permissions: frozenset[str] = ALL_PERMISSIONS,
    time_zone: str = _DEFAULT_ZONE,
    check_version: CheckVersion = any_version,
) -> Written:
    """Change a draft; 409 in any other state. Items that are not replaced keep their costs."""
    current = await lock(tx, order_id, "update", permissions)
    check_version(current["version"])
    given = body.model_fields_set
    if not given:
        return await get(tx, order_id, permissions)
    wanted = {
        name: getattr(body, name) if name in given else current[name]
        for name in ("supplier_id", "location_id", "expected_on", "notes")
    }
    total = current["total"]
    if given & {"supplier_id", "items", "location_id"}:
        items = body.items if "items" in given else await _present_items(tx, order_id)
        lines = await resolve(
            tx, wanted["supplier_id"], wanted["location_id"], items, local_day(tx.now, time_zone)
        )
        if "items" in given:
            total = lines.total
            await tx.execute(sql.delete_purchase_items, purchase_order_id=order_id)
            await tx.execute(sql.insert_purchase_items, purchase_order_id=order_id, **lines.columns)
    await tx.execute(sql.update_purchase_order, id=order_id, total=total, **wanted)
    return await get(tx, order_id, permissions)


async def send(
    tx: TenantTransaction,
    order_id: UUID,
    permissions: frozenset[str] = ALL_PERMISSIONS,
    time_zone: str = _DEFAULT_ZONE,
) -> Written:
    """draft -> sent: the goods are on order. The day they are expected comes from the promised lead times when the
    draft does not say it; 409 when the supplier is out of use."""
    current = await lock(tx, order_id, "send", permissions)
    if not current["supplier_active"]:
        raise ConflictError("supplier_inactive", "The supplier is inactive.", "O fornecedor está inativo.")
    today = local_day(tx.now, time_zone)
    lead_time = await tx.fetch_value(
        sql.find_purchase_lead_time,
        supplier_id=current["supplier_id"],
        purchase_order_id=order_id,
        today=today,
    )
    expected = None if lead_time is None else today + timedelta(days=lead_time)
    await tx.execute(sql.move_purchase_order, id=order_id, status="sent", reason=None, expected_on=expected)
    await tx.execute(sql.prepare_stock_levels, location_id=current["location_id"], purchase_order_id=order_id)
    emit(
        tx,
        PurchaseOrderSent(
            purchase_order_id=order_id,
            supplier_id=current["supplier_id"],
            items=await outstanding(tx, order_id),
        ),
    )
    return await get(tx, order_id, permissions)


async def cancel(
    tx: TenantTransaction,
    order_id: UUID,
    reason: str | None = None,
    permissions: frozenset[str] = ALL_PERMISSIONS,
) -> Written:
    """draft, sent or partially_received -> cancelled: what has not come is no longer awaited, what has come stays."""
    current = await lock(tx, order_id, "cancel", permissions)
    awaited = await outstanding(tx, order_id)
    await tx.execute(
        sql.move_purchase_order, id=order_id, status="cancelled", reason=reason or None, expected_on=None
    )
    sent = current["status"] != "draft"
    if sent or current["from_suggestions"]:
        emit(
            tx,
            PurchaseOrderCancelled(
                purchase_order_id=order_id, supplier_id=current["supplier_id"], sent=sent, items=awaited
            ),
        )
    return await get(tx, order_id, permissions)


async def get(
    tx: TenantTransaction, order_id: UUID, permissions: frozenset[str] = ALL_PERMISSIONS
) -> Written:
    """A purchase order as it is; 404 when the store has no such order."""
    row = await tx.fetch_one(
        sql.get_purchase_order, id=order_id, allowed=allowed_on_purchase_orders(permissions)
    )
    if row is None:
        raise NotFoundError
    return Written(order_id, row["version"], row["body"])


async def lock(tx: TenantTransaction, order_id: UUID, action: str, permissions: frozenset[str]) -> Record:
    """The order's row, held until the transaction ends; 404 when there is none, 409 when its state does not have
    the action."""
    row = await tx.fetch_one(sql.lock_purchase_order, id=order_id)
    if row is None:
        raise NotFoundError
    if row["status"] not in PURCHASE_ORDER.sources(action):
        raise PURCHASE_ORDER.conflict(row["status"], action, permissions)
    return row


async def outstanding(tx: TenantTransaction, order_id: UUID) -> tuple[PurchaseItem, ...]:
    """What of an order has not come yet."""
    rows = await tx.fetch_all(sql.list_purchase_items, purchase_order_id=order_id)
    return tuple(
        PurchaseItem(
            product_id=row["product_id"],
            quantity=row["quantity"] - row["received_quantity"],
            unit_cost=row["unit_cost"],
        )
        for row in rows
        if row["quantity"] > row["received_quantity"]
    )


async def _present_items(tx: TenantTransaction, order_id: UUID) -> list[PurchaseItemNew]:
    rows = await tx.fetch_all(sql.list_purchase_items, purchase_order_id=order_id)
    return [
        PurchaseItemNew(product_id=row["product_id"], quantity=row["quantity"], unit_cost=row["unit_cost"])
        for row in rows
    ]
