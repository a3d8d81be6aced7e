"""What drivers do with their deliveries: arrive, deliver with a proof, report what is wrong, bring the goods back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from handlers import orders
from handlers.deliveries.models import FailureNew, OccurrenceNew, ProofNew
from handlers.deliveries.rules import INSIDE, Caller, end, get, lock
from handlers.orders.quantities import take_off
from handlers.orders.rules import Written
from handlers.settings import TenantSettings
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.data.transactions import Record, TenantTransaction
from runtime.errors import ConflictError
from runtime.events.catalogue import (
    DeliveryOccurrenceReported,
    DeliveryProofRegistered,
    DeliveryStatusChanged,
)
from runtime.events.log import emit
from runtime.web.problems import field_refused

MAX_OCCURRENCES = 200

# A telephone's clock may be ahead a little, and where there is no network a proof comes in late.
_CLOCK_TOLERANCE = timedelta(minutes=5)
_LATEST_PROOF = timedelta(days=7)


async def arrive(tx: TenantTransaction, delivery_id: UUID, caller: Caller = INSIDE) -> Written:
    """out -> arrived."""
    row, order_id = await lock(tx, delivery_id, "arrive", caller)
    await tx.execute(sql.arrive_at_delivery, id=delivery_id)
    emit(
        tx,
        DeliveryStatusChanged(
            delivery_id=delivery_id,
            order_id=order_id,
            route_id=row["route_id"],
            previous=row["status"],
            status="arrived",
        ),
    )
    return await get(tx, delivery_id, caller)


async def report(
    tx: TenantTransaction, delivery_id: UUID, body: OccurrenceNew, caller: Caller = INSIDE
) -> Written:
    """Write an occurrence down while the driver is on the way or at the customer's."""
    await lock(tx, delivery_id, "report", caller)
    await _occur(tx, delivery_id, [body], at="")
    return await get(tx, delivery_id, caller)


async def deliver(
    tx: TenantTransaction,
    settings: TenantSettings,
    delivery_id: UUID,
    body: ProofNew,
    caller: Caller = INSIDE,
) -> Written:
    """out or arrived -> delivered, or delivered_with_issue when something was reported.

    What the customer took leaves the stock and is recorded as sold, 409 when the stock does not have it; the order is
    delivered when that was the last of it.
    """
    row, order_id = await lock(tx, delivery_id, "deliver", caller)
    happened_at = _moment(tx.now, body.happened_at)
    await _occur(tx, delivery_id, body.occurrences, at="/occurrences")
    await tx.execute(
        sql.record_delivery_proof,
        delivery_id=delivery_id,
        receiver_name=body.receiver_name,
        receiver_document=body.receiver_document,
        latitude=body.latitude,
        longitude=body.longitude,
        happened_at=happened_at,
    )
    emit(tx, DeliveryProofRegistered(delivery_id=delivery_id))
    issues = await tx.fetch_value(sql.count_occurrences, delivery_id=delivery_id)
    status = "delivered_with_issue" if issues else "delivered"
    await end(tx, delivery_id, order_id, row, status, happened_at, None)
    for carried in await tx.fetch_all(sql.list_delivery_orders, delivery_id=delivery_id):
        await _leave(tx, settings, carried["order_id"], delivery_id)
    return await get(tx, delivery_id, caller)


async def fail(
    tx: TenantTransaction, delivery_id: UUID, body: FailureNew, caller: Caller = INSIDE
) -> Written:
    """out or arrived -> failed: the goods come back, and are owed again."""
    row, order_id = await lock(tx, delivery_id, "fail", caller)
    happened_at = _moment(tx.now, body.happened_at)
    await _occur(tx, delivery_id, [OccurrenceNew(kind=body.kind, note=body.note)], at="")
    await end(tx, delivery_id, order_id, row, "failed", happened_at, body.note)
    return await get(tx, delivery_id, caller)


async def _leave(tx: TenantTransaction, settings: TenantSettings, order_id: UUID, delivery_id: UUID) -> None:
    """What the delivery brought of the order is sold; of one that was closed on the way everything was already."""
    rows = await tx.fetch_all(sql.list_brought_items, delivery_id=delivery_id, order_id=order_id)
    order = await orders.hold(tx, order_id)
    if rows and order is not None and order.status == "out_for_delivery":
        brought = {row["order_item_id"]: row["delivered_quantity"] for row in rows}
        await orders.leave(tx, settings, order, brought, delivery_id)


async def _occur(
    tx: TenantTransaction, delivery_id: UUID, occurrences: Sequence[OccurrenceNew], *, at: str
) -> None:
    if not occurrences:
        return
    known = await tx.fetch_value(sql.count_occurrences, delivery_id=delivery_id)
    if known + len(occurrences) > MAX_OCCURRENCES:
        raise ConflictError(
            "too_many_occurrences",
            f"A delivery has at most {MAX_OCCURRENCES} occurrences.",
            f"Uma entrega tem no máximo {MAX_OCCURRENCES} ocorrências.",
        )
    rows = await tx.fetch_all(sql.list_reportable_items, delivery_id=delivery_id)
    unreported: dict[UUID, Decimal] = {row["id"]: row["unreported"] for row in rows}
    lines: dict[UUID, Record] = {row["id"]: row for row in rows}
    quantities: list[Decimal | None] = []
    for place, one in enumerate(occurrences):
        pointer = f"{at}/{place}" if at else ""
        quantity = None
        if one.order_item_id is not None and one.quantity is not None:
            quantity = take_off(unreported, lines, one.order_item_id, one.quantity, one.unit, pointer)
        quantities.append(quantity)
        emit(
            tx,
            DeliveryOccurrenceReported(
                delivery_id=delivery_id,
                kind=one.kind,
                product_id=None if one.order_item_id is None else lines[one.order_item_id]["product_id"],
                quantity=quantity,
            ),
        )
    await tx.execute(
        sql.insert_occurrences,
        delivery_id=delivery_id,
        ids=[new_id() for _ in occurrences],
        kinds=[one.kind for one in occurrences],
        order_item_ids=[one.order_item_id for one in occurrences],
        quantities=quantities,
        notes=[one.note or None for one in occurrences],
    )


def _moment(now: datetime, given: datetime | None) -> datetime:
    """When it happened: as given by the driver's clock, within reason, else now."""
    if given is None:
        return now
    if not now - _LATEST_PROOF <= given <= now + _CLOCK_TOLERANCE:
        raise field_refused(
            "/happened_at",
            "out_of_range",
            "The moment lies in the future or too far in the past.",
            "O momento está no futuro ou longe demais no passado.",
        )
    return given
