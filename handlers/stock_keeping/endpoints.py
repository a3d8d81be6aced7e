"""Transfers and counts over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from handlers.lines import unknown_reference
from handlers.pages import bounds, newest_key
from handlers.stock.models import LocationView
from handlers.stock.rules import ensure_default_location
from handlers.stock_keeping.booking import Delta, book
from handlers.stock_keeping.models import (
    CountedItem,
    CountedNew,
    CountList,
    CountNew,
    CountSummaryView,
    CountView,
    LocationNew,
    TransferItem,
    TransferNew,
)
from handlers.units import read_units
from runtime.data.errors import UniqueViolationError
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.data.transactions import Record, TenantTransaction
from runtime.errors import ConflictError, NotFoundError, StateConflictError
from runtime.web.call import Call, Reply
from runtime.web.fields import MAX_QUANTITY
from runtime.web.pagination import Page, page_reply
from runtime.web.problems import field_refused
from runtime.web.routing import Routes

routes = Routes(tag="stock")


@routes.post(
    "/locations",
    may="locations:create",
    summary="Add a location",
    body=LocationNew,
    answers=LocationView,
    status=201,
    errors=(409,),
)
async def create_location(call: Call, body: LocationNew) -> Reply:
    """409 when the store has a location of this name."""
    location_id = new_id()
    try:
        shown = await call.tx.fetch_value(sql.create_location, id=location_id, name=body.name)
    except UniqueViolationError:
        raise ConflictError(
            "name_taken", "There is a location with this name.", "Já existe um local com este nome."
        ) from None
    call.audit("location.created", "location", location_id, after={"name": body.name})
    return Reply(shown)


@routes.post(
    "/stock/transfers",
    may="stock:move",
    summary="Move goods to another location",
    body=TransferNew,
    status=204,
    errors=(404, 409),
)
async def transfer_stock(call: Call, body: TransferNew) -> Reply:
    """Two movements for each product. Reserved goods stay where they are: 409 when less is available."""
    own = await _in_own_units(call.tx, body.items)
    await _check_locations(call.tx, [body.from_location_id, body.to_location_id])
    leaving = [Delta(product_id, body.from_location_id, -quantity) for product_id, quantity in own]
    arriving = [Delta(product_id, body.to_location_id, quantity) for product_id, quantity in own]
    await book(call.tx, "transfer", [*leaving, *arriving], reason=body.reason, settings=call.tenant.settings)
    call.audit("stock.transferred", "location", body.to_location_id, after=body.model_dump(mode="json"))
    return Reply(None, status=204)


@routes.get(
    "/stock/counts",
    may="stock:read",
    stale=True,
    summary="List counts",
    query=CountList,
    answers=Page[CountSummaryView],
)
async def list_counts(call: Call[CountList]) -> Reply:
    """The newest first."""
    rows = await call.tx.fetch_all(sql.list_stock_counts, status=call.query.status, **bounds(call))
    return page_reply(call, rows, call.query.limit, newest_key)


@routes.post(
    "/stock/counts",
    may="stock:move",
    summary="Open a count",
    body=CountNew,
    answers=CountView,
    status=201,
    errors=(404, 409),
)
async def open_count(call: Call, body: CountNew) -> Reply:
    """409 when there is nothing to count in the chosen scope."""
    if body.location_id is not None:
        await _check_locations(call.tx, [body.location_id])
    if body.product_ids is not None:
        await _check_products(call.tx, body.product_ids)
    location_id = body.location_id or await ensure_default_location(call.tx)
    count_id = new_id()
    await call.tx.execute(
        sql.create_stock_count, id=count_id, location_id=location_id, blind=body.blind, notes=body.notes
    )
    filled = await call.tx.execute(
        sql.fill_stock_count,
        id=count_id,
        location_id=location_id,
        product_ids=body.product_ids,
        abc_class=body.abc_class,
    )
    if not filled:
        raise ConflictError(
            "nothing_to_count",
            "There is nothing to count in this scope.",
            "Não há o que contar neste escopo.",
        )
    call.audit("stock_count.opened", "stock_count", count_id, after={"products": filled})
    return await _shown(call, count_id)


@routes.get("/stock/counts/{count_id}", may="stock:read", summary="One count", answers=CountView)
async def get_count(call: Call, count_id: UUID) -> Reply:
    """With its lines; what the books say is hidden while a blind count is open."""
    return await _shown(call, count_id)


@routes.post(
    "/stock/counts/{count_id}/record",
    may="stock:move",
    summary="Write down what was found",
    body=CountedNew,
    answers=CountView,
    errors=(409,),
)
async def record_count(call: Call, count_id: UUID, body: CountedNew) -> Reply:
    """Several people may count at once; a product counted again replaces what was written before. What one request
    names in several units is added up."""
    count = await _open(call.tx, count_id, "record")
    once = {(item.product_id, item.unit): item for item in body.items}
    found: dict[UUID, Decimal] = {}
    for product_id, quantity in await _in_own_units(call.tx, [*once.values()]):
        found[product_id] = found.get(product_id, Decimal(0)) + quantity
    if max(found.values()) > MAX_QUANTITY:
        raise field_refused(
            "/items", "too_large", "The quantity is too large.", "A quantidade é grande demais."
        )
    await call.tx.execute(
        sql.prepare_counted_levels, id=count_id, location_id=count["location_id"], product_ids=list(found)
    )
    recorded = await call.tx.execute(
        sql.record_counted,
        id=count_id,
        location_id=count["location_id"],
        product_ids=list(found),
        quantities=list(found.values()),
    )
    if recorded != len(found):
        raise field_refused(
            "/items",
            "not_in_count",
            "Some of these products are not part of the count.",
            "Alguns destes produtos não fazem parte da contagem.",
        )
    call.audit("stock_count.recorded", "stock_count", count_id, after={"products": recorded})
    return await _shown(call, count_id)


@routes.post(
    "/stock/counts/{count_id}/book",
    may="stock:move",
    summary="Book the differences",
    answers=CountView,
    errors=(409,),
)
async def book_count(call: Call, count_id: UUID) -> Reply:
    """Each difference becomes a movement. Sales since the counting do not matter; what nobody counted stays. What
    another count of the same goods has booked since is not booked again."""
    count = await _open(call.tx, count_id, "book")
    location_id = count["location_id"]
    await call.tx.fetch_all(sql.lock_counted_levels, id=count_id, location_id=location_id)
    differences = await call.tx.fetch_all(sql.list_differences, id=count_id)
    if differences:
        deltas = [Delta(row["product_id"], location_id, row["delta"]) for row in differences]
        await book(call.tx, "count", deltas, reason=None)
        await call.tx.execute(
            sql.shift_other_counts,
            id=count_id,
            location_id=location_id,
            product_ids=[delta.product_id for delta in deltas],
            deltas=[delta.quantity for delta in deltas],
        )
    await call.tx.execute(sql.close_stock_count, id=count_id, status="booked")
    call.audit("stock_count.booked", "stock_count", count_id, after={"differences": len(differences)})
    return await _shown(call, count_id)


@routes.post(
    "/stock/counts/{count_id}/cancel",
    may="stock:move",
    summary="Give a count up",
    answers=CountView,
    errors=(409,),
)
async def cancel_count(call: Call, count_id: UUID) -> Reply:
    """Nothing is booked."""
    await _open(call.tx, count_id, "cancel")
    await call.tx.execute(sql.close_stock_count, id=count_id, status="cancelled")
    call.audit("stock_count.cancelled", "stock_count", count_id)
    return await _shown(call, count_id)


async def _open(tx: TenantTransaction, count_id: UUID, action: str) -> Record:
    count = await tx.fetch_one(sql.lock_stock_count, id=count_id)
    if count is None:
        raise NotFoundError
    if count["status"] != "open":
        raise StateConflictError(count["status"], action, [])
    return count


async def _shown(call: Call, count_id: UUID) -> Reply:
    row = await call.tx.fetch_one(sql.get_stock_count, id=count_id)
    if row is None:
        raise NotFoundError
    return Reply(row["body"], version=row["version"])


async def _in_own_units(
    tx: TenantTransaction, items: Sequence[TransferItem | CountedItem]
) -> list[tuple[UUID, Decimal]]:
    """The products with their quantities in their own units; 404 for one that the store does not have."""
    known = await read_units(tx, {item.product_id for item in items})
    own = []
    for place, item in enumerate(items):
        units = known.get(item.product_id)
        if units is None:
            raise unknown_reference("/items", "product_not_found", "product", "produto")
        measured = units.measure(item.quantity, item.unit, "stock", f"/items/{place}")
        own.append((item.product_id, measured.stock_quantity))
    return own


async def _check_products(tx: TenantTransaction, product_ids: Sequence[UUID]) -> None:
    wanted = set(product_ids)
    if await tx.fetch_value(sql.count_known_products, product_ids=list(wanted)) != len(wanted):
        raise unknown_reference("/items", "product_not_found", "product", "produto")


async def _check_locations(tx: TenantTransaction, location_ids: Sequence[UUID]) -> None:
    wanted = set(location_ids)
    if await tx.fetch_value(sql.count_known_locations, location_ids=list(wanted)) != len(wanted):
        raise unknown_reference("/location_id", "location_not_found", "location", "local")
