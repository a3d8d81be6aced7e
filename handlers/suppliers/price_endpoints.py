"""A supplier's prices, codes and price lists over HTTP."""

from __future__ import annotations

from uuid import UUID

from handlers.lines import unknown_reference
from handlers.pages import FIRST_ID, FIRST_MOMENT, LAST_ID, LAST_MOMENT, bounds, newest_key
from handlers.suppliers import price_import, prices, rules
from handlers.suppliers.models import (
    CodeList,
    CodeNew,
    CodeView,
    ImportQuery,
    ImportView,
    PriceList,
    PriceNew,
    PriceView,
)
from handlers.tables import uploads
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.errors import NotFoundError
from runtime.web.pagination import Page, page_reply
from runtime.web.routing import Call, Reply, Routes

routes = Routes(tag="suppliers")


@routes.get(
    "/suppliers/{supplier_id}/prices",
    may="suppliers:read",
    stale=True,
    summary="List a supplier's prices",
    query=PriceList,
    answers=Page[PriceView],
    errors=(404,),
)
async def list_prices(call: Call[PriceList], supplier_id: UUID) -> Reply:
    """All prices ever registered, newest first; `current=true` shows those that count today."""
    await rules.require(call.tx, supplier_id)
    query = call.query
    rows = await call.tx.fetch_all(
        sql.list_supplier_prices,
        supplier_id=supplier_id,
        product_id=query.product_id,
        current_only=query.current,
        only_id=None,
        today=prices.local_day(call.tx.now, call.tenant.time_zone),
        **bounds(call),
    )
    return page_reply(call, rows, query.limit, newest_key)


@routes.post(
    "/suppliers/{supplier_id}/prices",
    may="suppliers:update",
    summary="Register a supplier's price",
    body=PriceNew,
    answers=PriceView,
    status=201,
    errors=(404,),
)
async def register_price(call: Call, supplier_id: UUID, body: PriceNew) -> Reply:
    """It counts from its first day on; former prices are kept."""
    await rules.require(call.tx, supplier_id)
    price_id = await prices.register(call.tx, supplier_id, body, call.tenant.time_zone)
    call.audit("supplier_price.registered", "supplier", supplier_id, after=body.model_dump(mode="json"))
    [row] = await call.tx.fetch_all(
        sql.list_supplier_prices,
        supplier_id=supplier_id,
        product_id=body.product_id,
        current_only=False,
        today=prices.local_day(call.tx.now, call.tenant.time_zone),
        before_at=LAST_MOMENT,
        before_id=LAST_ID,
        from_at=FIRST_MOMENT,
        only_id=price_id,
        limit=1,
    )
    return Reply(row["body"])


@routes.get(
    "/suppliers/{supplier_id}/codes",
    may="suppliers:read",
    stale=True,
    summary="List a supplier's codes",
    query=CodeList,
    answers=Page[CodeView],
    errors=(404,),
)
async def list_codes(call: Call[CodeList], supplier_id: UUID) -> Reply:
    """What the supplier calls our products in its price lists."""
    await rules.require(call.tx, supplier_id)
    cursor = call.cursor()
    rows = await call.tx.fetch_all(
        sql.list_supplier_codes,
        supplier_id=supplier_id,
        code=call.query.code,
        after_id=UUID(cursor[0]) if cursor else FIRST_ID,
        limit=call.query.limit + 1,
    )
    return page_reply(call, rows, call.query.limit, lambda row: [row["id"]])


@routes.put(
    "/suppliers/{supplier_id}/codes",
    may="suppliers:update",
    summary="Set a supplier's code",
    body=CodeNew,
    answers=CodeView,
    errors=(404,),
)
async def set_code(call: Call, supplier_id: UUID, body: CodeNew) -> Reply:
    """From now on the code stands for this product in the supplier's price lists."""
    await rules.require(call.tx, supplier_id)
    if await call.tx.fetch_one(sql.find_product, product_id=body.product_id) is None:
        raise unknown_reference("/product_id", "product_not_found", "product", "produto")
    await call.tx.execute(
        sql.set_supplier_codes,
        supplier_id=supplier_id,
        ids=[new_id()],
        codes=[body.code],
        product_ids=[body.product_id],
    )
    call.audit("supplier_code.set", "supplier", supplier_id, after=body.model_dump(mode="json"))
    [row] = await call.tx.fetch_all(
        sql.list_supplier_codes, supplier_id=supplier_id, code=body.code, after_id=FIRST_ID, limit=1
    )
    return Reply(row["body"])


@routes.delete(
    "/suppliers/{supplier_id}/codes/{code_id}",
    may="suppliers:update",
    summary="Forget a supplier's code",
    status=204,
    errors=(404,),
)
async def forget_code(call: Call, supplier_id: UUID, code_id: UUID) -> Reply:
    """The code stands for nothing any more; prices stay."""
    if not await call.tx.execute(sql.delete_supplier_code, supplier_id=supplier_id, id=code_id):
        raise NotFoundError
    call.audit("supplier_code.forgotten", "supplier", supplier_id, before={"id": str(code_id)})
    return Reply()


@routes.post(
    "/suppliers/{supplier_id}/import",
    may="suppliers:update",
    summary="Import a supplier's price list",
    transaction=False,
    takes=uploads.MEDIA_TYPES,
    query=ImportQuery,
    answers=ImportView,
    errors=(404, 413),
)
async def import_prices(call: Call[ImportQuery], supplier_id: UUID) -> Reply:
    """The body is the file itself: CSV (any of `;`, `,`, tab or `|`; UTF-8, UTF-16 or Windows-1252; decimal commas
    understood) or XLSX. Columns are found by their headings: a product by the supplier's code, our code (SKU) or
    barcode; the price; and optionally minimum quantity, payment days, lead time, first and last day. Rows that
    cannot be taken are listed with their numbers, and the others are taken. Sending a file again changes nothing."""
    return Reply(await price_import.run(call, supplier_id))
