"""Lots over HTTP: which products are kept in lots, and what expires when."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from handlers.pages import FIRST_ID
from handlers.stock.lots import UNKNOWN
from handlers.stock.models import LotList, LotView
from runtime.data.queries import sql
from runtime.data.transactions import Record, TenantTransaction
from runtime.errors import ConflictError, NotFoundError
from runtime.web.pagination import Page, page_reply
from runtime.web.routing import Call, Reply, Routes

routes = Routes(tag="stock")


@routes.get(
    "/stock/lots", may="stock:read", stale=True, summary="List lots", query=LotList, answers=Page[LotView]
)
async def list_lots(call: Call[LotList]) -> Reply:
    """What is on hand lot by lot, what expires first, first. `within_days=30` lists what expires within a month or has
    expired."""
    query = call.query
    after = call.cursor()
    rows = await call.tx.fetch_all(
        sql.list_lots,
        product_id=query.product_id,
        location_id=query.location_id,
        within_days=query.within_days,
        after_day=date.fromisoformat(after[0]) if after else date.min,
        after_product_id=UUID(after[1]) if after else FIRST_ID,
        after_location_id=UUID(after[2]) if after else FIRST_ID,
        after_code=after[3] if after else "",
        limit=query.limit + 1,
    )
    return page_reply(
        call,
        rows,
        query.limit,
        lambda row: [row["last_day"].isoformat(), row["product_id"], row["location_id"], row["code"]],
    )


@routes.post(
    "/products/{product_id}/keep-lots",
    may="stock:move",
    summary="Keep a product in lots",
    status=204,
    errors=(404, 409),
)
async def keep_lots(call: Call, product_id: UUID) -> Reply:
    """From now on its goods come in with a lot and its last day, and leave by what expires first. What lies there
    becomes the lot `S/L`. Asking again changes nothing; 409 while there is less than nothing somewhere."""
    product = await _lock(call.tx, product_id)
    levels = await call.tx.fetch_all(sql.lock_levels, product_ids=[product_id])
    if product["in_lots"]:
        return Reply(None, status=204)
    if any(level["on_hand"] < 0 for level in levels):
        raise ConflictError(
            "negative_stock",
            "The product has less than nothing somewhere; count it first.",
            "O produto tem estoque negativo em algum local; faça antes a contagem.",
        )
    await call.tx.execute(sql.keep_lots, product_id=product_id, code=UNKNOWN)
    call.audit("product.lots_kept", "product", product_id)
    return Reply(None, status=204)


@routes.post(
    "/products/{product_id}/drop-lots",
    may="stock:move",
    summary="Keep a product without lots",
    status=204,
    errors=(404, 409),
)
async def drop_lots(call: Call, product_id: UUID) -> Reply:
    """Only once nothing of it is on hand: 409 otherwise. Asking again changes nothing."""
    product = await _lock(call.tx, product_id)
    levels = await call.tx.fetch_all(sql.lock_levels, product_ids=[product_id])
    if not product["in_lots"]:
        return Reply(None, status=204)
    if any(level["on_hand"] for level in levels):
        raise ConflictError(
            "lots_on_hand",
            "The product still has stock in lots.",
            "O produto ainda tem estoque em lotes.",
        )
    await call.tx.execute(sql.drop_lots, product_id=product_id)
    call.audit("product.lots_dropped", "product", product_id)
    return Reply(None, status=204)


async def _lock(tx: TenantTransaction, product_id: UUID) -> Record:
    product = await tx.fetch_one(sql.lock_product_stock, product_id=product_id, location_id=None)
    if product is None:
        raise NotFoundError
    return product
