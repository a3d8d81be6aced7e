"""Lots: which of them goods come into and leave from. What expires first leaves first; what has expired is not sold.

Only products that are kept in lots get here. Their levels are held when this is called, so that what is read of
their lots is still so when it is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from uuid import UUID

from handlers.stock.shortages import InsufficientStockError, Shortage
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.web.problems import field_refused

UNKNOWN = "S/L"
"""The code ("sem lote") of goods of which nobody knows a lot."""

PAST_TOO = frozenset({"loss", "adjustment", "count"})
"""What leaves for these reasons may have expired."""

_NOTHING = Decimal(0)

Key = tuple[UUID, UUID, str]


@dataclass(frozen=True, slots=True)
class LotDelta:
    """By how much a product changes at a location; ``code`` is the lot, or None where the rules choose."""

    product_id: UUID
    location_id: UUID
    quantity: Decimal
    code: str | None = None
    expires_on: date | None = None


@dataclass(frozen=True, slots=True)
class Portion:
    """So much of a lot, wherever it is."""

    quantity: Decimal
    code: str
    expires_on: date | None


@dataclass(slots=True)
class Lot:
    """A lot at a location as it becomes."""

    expires_on: date | None
    past: bool
    on_hand: Decimal
    delta: Decimal = _NOTHING

    def add(self, quantity: Decimal) -> None:
        """Put some in, or take some out."""
        self.on_hand += quantity
        self.delta += quantity


async def move_lots(
    tx: TenantTransaction, kind: str, deltas: Sequence[LotDelta], *, order_id: UUID | None = None
) -> dict[tuple[UUID, UUID], Decimal]:
    """Book the deltas lot by lot; returns what is available of each (product, location) after it.

    409 when the lots do not have what leaves: a lot is never below zero, whatever the store's setting. 422 for a lot
    that is known with another last day.
    """
    rows = await tx.fetch_all(sql.list_lots_of, product_ids=sorted({delta.product_id for delta in deltas}))
    lots: dict[Key, Lot] = {
        (row["product_id"], row["location_id"], row["code"]): Lot(
            row["expires_on"], row["past"], row["on_hand"]
        )
        for row in rows
    }
    # What leaves first: goods that change their place arrive in the lots they left.
    left: dict[UUID, list[Portion]] = {}
    for delta in deltas:
        if delta.quantity < 0:
            left.setdefault(delta.product_id, []).extend(take(lots, delta, kind))
    returned = {} if order_id is None or kind != "return" else await _of_order(tx, order_id)
    for delta in deltas:
        if delta.quantity > 0:
            known = left if kind == "transfer" else returned
            put(lots, delta, known.get(delta.product_id, []))
    moved = {key: lot for key, lot in lots.items() if lot.delta}
    levels = await tx.fetch_all(
        sql.write_lots,
        kind=kind,
        order_id=order_id,
        movement_ids=[new_id() for _ in moved],
        product_ids=[product_id for product_id, _, _ in moved],
        location_ids=[location_id for _, location_id, _ in moved],
        codes=[code for _, _, code in moved],
        expiries=[lot.expires_on for lot in moved.values()],
        deltas=[lot.delta for lot in moved.values()],
        on_hands=[lot.on_hand for lot in moved.values()],
    )
    return {(row["product_id"], row["location_id"]): row["available"] for row in levels}


def take(lots: dict[Key, Lot], delta: LotDelta, kind: str) -> list[Portion]:
    """Take from the named lot, or from what expires first; returns what left, lot by lot. 409 when that is too little.

    ``lots`` are in the order in which they are to leave.
    """
    wanted, taken = -delta.quantity, []
    for (product_id, location_id, code), lot in lots.items():
        if (product_id, location_id) != (delta.product_id, delta.location_id) or not wanted:
            continue
        if delta.code is None and lot.past and kind not in PAST_TOO:
            continue
        part = min(wanted, lot.on_hand)
        if delta.code in (None, code) and part > 0:
            lot.add(-part)
            wanted -= part
            taken.append(Portion(part, code, lot.expires_on))
    if wanted:
        had = -delta.quantity - wanted
        raise InsufficientStockError([Shortage(delta.product_id, -delta.quantity, had)])
    return taken


def put(lots: dict[Key, Lot], delta: LotDelta, sources: list[Portion]) -> None:
    """Put into the named lot, or into the lots the goods come from, which are used up; the rest has no known lot."""
    wanted = delta.quantity
    if delta.code is not None:
        _add(lots, delta, delta.code, delta.expires_on, wanted)
        return
    while wanted and sources:
        source = sources.pop(0)
        part = min(wanted, source.quantity)
        _add(lots, delta, source.code, source.expires_on, part)
        wanted -= part
        if part < source.quantity:
            sources.insert(0, replace(source, quantity=source.quantity - part))
    if wanted:
        _add(lots, delta, UNKNOWN, None, wanted)


def _add(
    lots: dict[Key, Lot], delta: LotDelta, code: str, expires_on: date | None, quantity: Decimal
) -> None:
    known = [
        lot for (product_id, _, one), lot in lots.items() if (product_id, one) == (delta.product_id, code)
    ]
    if known and expires_on is None:
        expires_on = known[0].expires_on
    for lot in known:
        if lot.expires_on != expires_on:
            raise field_refused(
                "/expires_on",
                "other_expiry",
                f"This lot is known with the last day {lot.expires_on}.",
                f"Este lote já existe com a validade {lot.expires_on}.",
            )
    lot = lots.setdefault((delta.product_id, delta.location_id, code), Lot(expires_on, False, _NOTHING))
    lot.add(quantity)


async def _of_order(tx: TenantTransaction, order_id: UUID) -> dict[UUID, list[Portion]]:
    """What of each lot an order still has, by product, the freshest first."""
    found: dict[UUID, list[Portion]] = {}
    for row in await tx.fetch_all(sql.list_lots_of_order, order_id=order_id):
        one = Portion(row["quantity"], row["code"], row["expires_on"])
        found.setdefault(row["product_id"], []).append(one)
    return found
