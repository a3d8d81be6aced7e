"""Price lists and agreed prices over HTTP: who buys at what price, and why a price is what it is."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from handlers.changes import asked_changes, lock
from handlers.prices.models import (
    BACKWARDS,
    AgreedPriceList,
    AgreedPriceNew,
    AgreedPriceView,
    Membership,
    PriceListChange,
    PriceListList,
    PriceListNew,
    PriceListView,
    ResolvedView,
    ResolveQuery,
)
from handlers.units import read_units
from runtime.data.errors import UniqueViolationError
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.errors import ConflictError, NotFoundError
from runtime.web.call import Call, Reply
from runtime.web.pagination import Page, page_reply
from runtime.web.problems import field_refused
from runtime.web.routing import Routes

routes = Routes(tag="prices")


@routes.get(
    "/price-lists",
    may="prices:read",
    stale=True,
    summary="List price lists",
    query=PriceListList,
    answers=Page[PriceListView],
)
async def list_price_lists(call: Call[PriceListList]) -> Reply:
    """By name."""
    after = call.cursor()
    rows = await call.tx.fetch_all(
        sql.list_price_lists,
        after_name=after[0] if after else None,
        after_id=UUID(after[1]) if after else None,
        active=call.query.active,
        limit=call.query.limit + 1,
    )
    return page_reply(call, rows, call.query.limit, key=lambda row: [row["name"], row["id"]])


@routes.post(
    "/price-lists",
    may="prices:update",
    summary="Make a price list",
    body=PriceListNew,
    answers=PriceListView,
    status=201,
    errors=(409,),
)
async def create_price_list(call: Call, body: PriceListNew) -> Reply:
    """Its prices are agreed one by one with `POST /agreed-prices`."""
    _check_days(body.valid_from, body.valid_to)
    list_id = new_id()
    try:
        await call.tx.execute(sql.create_price_list, id=list_id, **body.model_dump())
    except UniqueViolationError:
        raise _name_taken() from None
    call.audit("price_list.created", "price_list", list_id, after=body.model_dump(mode="json"))
    return await _shown(call, list_id)


@routes.get("/price-lists/{list_id}", may="prices:read", summary="One price list", answers=PriceListView)
async def get_price_list(call: Call, list_id: UUID) -> Reply:
    """A list, with its version as ETag."""
    return await _shown(call, list_id)


@routes.patch(
    "/price-lists/{list_id}",
    may="prices:update",
    summary="Change a price list",
    body=PriceListChange,
    answers=PriceListView,
)
async def change_price_list(call: Call, list_id: UUID, body: PriceListChange) -> Reply:
    """Quotes and orders keep the prices they were written with."""
    current = await lock(call.tx, sql.lock_price_list, call.if_match, id=list_id)
    changes = asked_changes(current, body)
    if changes:
        changed = {**current, **changes}
        _check_days(changed["valid_from"], changed["valid_to"])
        try:
            await call.tx.execute(sql.update_price_list, id=list_id, **changed)
        except UniqueViolationError:
            raise _name_taken() from None
        before = {name: current[name] for name in changes}
        call.audit("price_list.changed", "price_list", list_id, before=before, after=changes)
    return await _shown(call, list_id)


@routes.get(
    "/agreed-prices",
    may="prices:read",
    stale=True,
    summary="List agreed prices",
    query=AgreedPriceList,
    answers=Page[AgreedPriceView],
)
async def list_agreed_prices(call: Call[AgreedPriceList]) -> Reply:
    """Of a list, a customer, a site or a product; the newest first."""
    query, after = call.query, call.cursor()
    rows = await call.tx.fetch_all(
        sql.list_agreed_prices,
        price_list_id=query.price_list_id,
        customer_id=query.customer_id,
        site_id=query.site_id,
        product_id=query.product_id,
        ended=query.ended,
        after=UUID(after[0]) if after else None,
        limit=query.limit + 1,
    )
    return page_reply(call, rows, query.limit, key=lambda row: [row["id"]])


@routes.post(
    "/agreed-prices",
    may="prices:update",
    summary="Agree a price",
    body=AgreedPriceNew,
    answers=AgreedPriceView,
    status=201,
)
async def create_agreed_price(call: Call, body: AgreedPriceNew) -> Reply:
    """The site's price wins over the customer's, that over a list's, that over the product's own."""
    price_id = await agree(call.tx, body)
    call.audit(
        "price.agreed", "agreed_price", price_id, after=body.model_dump(mode="json", exclude_none=True)
    )
    return Reply(await call.tx.fetch_value(sql.get_agreed_price, id=price_id))


@routes.post(
    "/agreed-prices/{price_id}/end",
    may="prices:update",
    summary="End an agreed price",
    answers=AgreedPriceView,
)
async def end_agreed_price(call: Call, price_id: UUID) -> Reply:
    """From now on it no longer counts; what was sold at it stays sold at it."""
    ended = await call.tx.execute(sql.end_agreed_price, id=price_id)
    body = await call.tx.fetch_value(sql.get_agreed_price, id=price_id)
    if body is None:
        raise NotFoundError
    if ended:
        call.audit("price.ended", "agreed_price", price_id)
    return Reply(body)


@routes.put(
    "/customers/{customer_id}/price-list",
    may="prices:update",
    summary="Put a customer on a price list",
    body=Membership,
    status=204,
)
async def put_customer_on_list(call: Call, customer_id: UUID, body: Membership) -> Reply:
    """Null takes the customer off its list."""
    if await call.tx.fetch_one(sql.get_customer, id=customer_id) is None:
        raise NotFoundError
    return await _join(call, body.price_list_id, customer_id=customer_id, site_id=None)


@routes.put(
    "/sites/{site_id}/price-list",
    may="prices:update",
    summary="Put a site on a price list",
    body=Membership,
    status=204,
)
async def put_site_on_list(call: Call, site_id: UUID, body: Membership) -> Reply:
    """The site's list comes before its customer's. Null takes the site off its list."""
    if await call.tx.fetch_one(sql.get_site, id=site_id) is None:
        raise NotFoundError
    return await _join(call, body.price_list_id, customer_id=None, site_id=site_id)


@routes.get(
    "/prices/resolve",
    may="prices:read",
    summary="What somebody would pay today",
    query=ResolveQuery,
    answers=ResolvedView,
)
async def get_resolved_price(call: Call[ResolveQuery]) -> Reply:
    """The price a quote written now would take, and why."""
    body = await call.tx.fetch_value(sql.resolve_price, **call.query.model_dump())
    if body is None:
        raise NotFoundError
    return Reply(body)


async def agree(tx: TenantTransaction, body: AgreedPriceNew) -> UUID:
    """Write an agreed price; 422 when it names something that the store does not have."""
    if body.unit is not None and body.product_id is not None:
        units = (await read_units(tx, [body.product_id])).get(body.product_id)
        if units is not None and units.factor(body.unit) is None:
            raise field_refused(
                "/unit",
                "unknown_unit",
                f"The product has no conversion of {body.unit} into {units.own}.",
                f"O produto não tem conversão de {body.unit} para {units.own}.",
            )
    price_id = new_id()
    await tx.execute(sql.agree_price, id=price_id, **body.model_dump())
    return price_id


async def _join(call: Call, list_id: UUID | None, *, customer_id: UUID | None, site_id: UUID | None) -> Reply:
    if list_id is not None and await call.tx.fetch_one(sql.get_price_list, id=list_id) is None:
        raise field_refused(
            "/price_list_id", "unknown", "There is no such price list.", "Esta lista de preços não existe."
        )
    if list_id is None:
        await call.tx.execute(sql.leave_price_list, customer_id=customer_id, site_id=site_id)
    elif customer_id is not None:
        await call.tx.execute(
            sql.put_customer_on_price_list, id=new_id(), price_list_id=list_id, customer_id=customer_id
        )
    else:
        await call.tx.execute(sql.put_site_on_price_list, id=new_id(), price_list_id=list_id, site_id=site_id)
    thing = "customer" if customer_id is not None else "site"
    call.audit("price_list.assigned", thing, customer_id or site_id, after={"price_list_id": list_id})
    return Reply(None, status=204)


async def _shown(call: Call, list_id: UUID) -> Reply:
    row = await call.tx.fetch_one(sql.get_price_list, id=list_id)
    if row is None:
        raise NotFoundError
    return Reply(row["body"], version=row["version"])


def _check_days(valid_from: date | None, valid_to: date | None) -> None:
    if valid_from is not None and valid_to is not None and valid_to < valid_from:
        raise field_refused("/valid_to", "backwards", *BACKWARDS.split("|"))


def _name_taken() -> ConflictError:
    return ConflictError(
        "name_taken", "There is a price list with this name.", "Já existe uma lista de preços com este nome."
    )
