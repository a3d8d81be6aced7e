"""The stock over HTTP: levels, the ledger, movements by hand, locations."""

from __future__ import annotations

from uuid import UUID

from handlers.pages import FIRST_ID, bounds, newest_key
from handlers.permissions import sees_costs
from handlers.stock import rules
from handlers.stock.models import (
    LedgerLineView,
    LevelList,
    LevelView,
    LocationView,
    MovementList,
    MovementNew,
    MovementView,
)
from runtime.data.queries import sql
from runtime.web.pagination import ListQuery, Page, page_reply
from runtime.web.routing import Call, Reply, Routes

routes = Routes(tag="stock")


@routes.get(
    "/stock",
    may="stock:read",
    stale=True,
    summary="List stock levels",
    query=LevelList,
    answers=Page[LevelView],
)
async def list_stock(call: Call[LevelList]) -> Reply:
    """Levels per product and location; a product that never moved shows zeros at the default location."""
    query = call.query
    cursor = call.cursor()
    rows = await call.tx.fetch_all(
        sql.list_stock,
        default_location_id=await rules.ensure_default_location(call.tx),
        product_id=query.product_id,
        location_id=query.location_id,
        q=query.q or None,
        costs=sees_costs(call.identity.permissions),
        after_product_id=UUID(cursor[0]) if cursor else FIRST_ID,
        after_location_id=UUID(cursor[1]) if cursor else FIRST_ID,
        limit=query.limit + 1,
    )
    return page_reply(call, rows, query.limit, lambda row: [row["product_id"], row["location_id"]])


@routes.get(
    "/stock/movements",
    may="stock:read",
    stale=True,
    summary="List stock movements",
    query=MovementList,
    answers=Page[LedgerLineView],
)
async def list_movements(call: Call[MovementList]) -> Reply:
    """The ledger, newest first. On-hand is the sum of its deltas."""
    query = call.query
    costs, window = sees_costs(call.identity.permissions), bounds(call)
    filters = query.model_dump(include={"product_id", "location_id", "order_id", "kind"})
    if query.created_from is None and all(value is None for value in filters.values()):
        window.pop("from_at")
        rows = await call.tx.fetch_all(sql.list_newest_movements, costs=costs, **window)
    else:
        rows = await call.tx.fetch_all(sql.list_movements, costs=costs, **filters, **window)
    return page_reply(call, rows, query.limit, newest_key)


@routes.post(
    "/stock/movements",
    may="stock:move",
    summary="Book a stock movement",
    body=MovementNew,
    answers=MovementView,
    status=201,
    errors=(404, 409),
)
async def book_movement(call: Call, body: MovementNew) -> Reply:
    """A receipt, return or loss has a positive quantity, an adjustment a signed one. A receipt with its unit cost
    moves the product's average cost."""
    movement_id, shown = await rules.move(call.tx, call.tenant.settings, body)
    call.audit("stock.moved", "stock_movement", movement_id, after=body.model_dump(mode="json"))
    return Reply(shown)


@routes.get(
    "/locations",
    may="stock:read",
    stale=True,
    summary="List locations",
    query=ListQuery,
    answers=Page[LocationView],
)
async def list_locations(call: Call[ListQuery]) -> Reply:
    """The places where stock lies; there is always a default one."""
    await rules.ensure_default_location(call.tx)
    cursor = call.cursor()
    rows = await call.tx.fetch_all(
        sql.list_locations, after_id=UUID(cursor[0]) if cursor else FIRST_ID, limit=call.query.limit + 1
    )
    return page_reply(call, rows, call.query.limit, lambda row: [row["id"]])
