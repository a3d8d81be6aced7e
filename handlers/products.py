"""Products: the catalogue of a store, its search, and the history of its prices."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StrictBool, StringConstraints

from handlers.changes import CheckVersion, any_version, asked_changes, lock, unchanged
from handlers.documents import Barcode
from handlers.permissions import HIDDEN_COST, sees_costs
from handlers.search import find
from handlers.units import Unit, UnitConversion, UnitConversions, check_units
from runtime.data.errors import UniqueViolationError
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.errors import ConflictError, NotFoundError
from runtime.events.catalogue import ProductCreated, ProductPriceUpdated, ProductUpdated
from runtime.events.log import emit
from runtime.web.fields import Body, LongText, Money, QuantityOrZero, ShortText, Version, View, decimal_field
from runtime.web.pagination import ListQuery, Page, SearchText, page_reply
from runtime.web.routing import Call, Reply, Routes

routes = Routes(tag="products")


_ONE_LINE = r"^[^\x00-\x1f\x7f]*$"
Sku = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=60, pattern=_ONE_LINE),
    Field(examples=["CIM-50"]),
]
Category = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=80, pattern=_ONE_LINE),
    Field(examples=["Cimentos"]),
]
SALE_PACK = "The unit of which only whole ones are sold, in whatever unit the sale is"
PURCHASE_PACK = "The unit of which only whole ones are bought when suggestions become purchase orders"
Volume = Annotated[Decimal, *decimal_field("0", "99999999.999999", 6)]


class ProductNew(Body):
    """A product to be added."""

    sku: Sku
    name: ShortText
    unit: Unit
    base_price: Money
    description: LongText | None = None
    category: Category | None = None
    cost: Money | None = None
    barcode: Barcode | None = None
    weight_kg: QuantityOrZero | None = None
    volume_m3: Volume | None = None
    unit_conversions: UnitConversions = Field(default_factory=list)
    sale_pack: Unit | None = Field(None, description=SALE_PACK)
    purchase_pack: Unit | None = Field(None, description=PURCHASE_PACK)
    active: StrictBool = True


class ProductChange(Body):
    """What to change of a product; fields left out stay as they are."""

    sku: Sku = unchanged()
    name: ShortText = unchanged()
    unit: Unit = unchanged()
    base_price: Money = unchanged()
    description: LongText | None = None
    category: Category | None = None
    cost: Money | None = None
    barcode: Barcode | None = None
    weight_kg: QuantityOrZero | None = None
    volume_m3: Volume | None = None
    unit_conversions: UnitConversions = unchanged()
    sale_pack: Unit | None = Field(None, description=SALE_PACK)
    purchase_pack: Unit | None = Field(None, description=PURCHASE_PACK)
    active: StrictBool = unchanged()


class ProductView(View):
    """A product as the store sees it."""

    id: UUID
    sku: str
    name: str
    description: str | None
    category: str | None
    unit: Unit
    base_price: Money
    cost: Money | None = Field(description=HIDDEN_COST)
    barcode: str | None
    weight_kg: QuantityOrZero | None
    volume_m3: Volume | None
    unit_conversions: list[UnitConversion]
    sale_pack: Unit | None
    purchase_pack: Unit | None
    active: bool
    version: Version
    created_at: datetime
    updated_at: datetime


class PriceChangeView(View):
    """One entry of a product's price history; the first one has no previous price."""

    id: UUID
    previous: Money | None
    price: Money
    changed_by: UUID | None
    changed_by_name: str | None
    changed_at: datetime


class ProductList(ListQuery):
    """Filters of the product list. With ``q`` the best matches come first, otherwise ``sort`` decides."""

    q: SearchText = None
    sort: Literal["name", "sku", "created", "-created"] | None = None
    category: Category | None = None
    active: bool | None = None


@routes.get(
    "/products",
    may="products:read",
    stale=True,
    summary="List or search products",
    query=ProductList,
    answers=Page[ProductView],
)
async def list_products(call: Call[ProductList]) -> Reply:
    """``q`` finds products by code, name or barcode while it is being typed: the beginning of a word is
    enough, accents and case do not matter, and when nothing has those words, misspelt ones are understood."""
    query = call.query
    filters = {
        "category": query.category,
        "active": query.active,
        "limit": query.limit + 1,
        "costs": sees_costs(call.identity.permissions),
    }
    if query.q:
        return await find(call, sql.search_products, sql.search_similar_products, filters)
    first, second = call.cursor() or (None, None)
    if query.sort == "sku":
        rows = await call.tx.fetch_all(sql.list_products_by_sku, after_sku=first, **filters)
        return page_reply(call, rows, query.limit, lambda row: [row["sku_key"], None])
    if query.sort in ("created", "-created"):
        listing = sql.list_products_by_created if query.sort == "created" else sql.list_newest_products
        rows = await call.tx.fetch_all(listing, after_created=first, after_id=second, **filters)
        return page_reply(call, rows, query.limit, lambda row: [row["created_at"], row["id"]])
    rows = await call.tx.fetch_all(sql.list_products_by_name, after_name=first, after_id=second, **filters)
    return page_reply(call, rows, query.limit, lambda row: [row["name_key"], row["id"]])


@routes.post(
    "/products",
    may="products:create",
    summary="Add a product",
    body=ProductNew,
    answers=ProductView,
    status=201,
)
async def create_product(call: Call, body: ProductNew) -> Reply:
    """The code (SKU) is unique in the store, upper and lower case alike."""
    product_id = await create(call.tx, body)
    call.audit("product.created", "product", product_id, after=body.model_dump(mode="json"))
    return await _reply(call, product_id)


@routes.get("/products/{product_id}", may="products:read", summary="Show a product", answers=ProductView)
async def get_product(call: Call, product_id: UUID) -> Reply:
    """One product, with its version as ETag."""
    return await _reply(call, product_id)


@routes.patch(
    "/products/{product_id}",
    may="products:update",
    summary="Change a product",
    body=ProductChange,
    answers=ProductView,
)
async def change_product(call: Call, product_id: UUID, body: ProductChange) -> Reply:
    """A new base price enters the price history; prices inside quotes and orders stay as they were."""
    before, after = await change(call.tx, product_id, body, call.if_match)
    call.audit("product.updated", "product", product_id, before=before, after=after)
    return await _reply(call, product_id)


@routes.get(
    "/products/{product_id}/prices",
    may="products:read",
    stale=True,
    summary="Show a product's price history",
    query=ListQuery,
    answers=Page[PriceChangeView],
)
async def list_product_prices(call: Call[ListQuery], product_id: UUID) -> Reply:
    """The newest price first: who changed it, when, from what to what."""
    if await call.tx.fetch_one(sql.find_product, product_id=product_id) is None:
        raise NotFoundError
    changed, price_id = call.cursor() or (None, None)
    rows = await call.tx.fetch_all(
        sql.list_product_prices,
        product_id=product_id,
        after_changed=changed,
        after_id=price_id,
        limit=call.query.limit + 1,
    )
    return page_reply(call, rows, call.query.limit, lambda row: [row["changed_at"], row["id"]])


async def create(tx: TenantTransaction, body: ProductNew) -> UUID:
    """Add a product with the first entry of its price history; 409 when the code is taken."""
    product_id = new_id()
    check_units(body.unit, body.unit_conversions, body.sale_pack, body.purchase_pack)
    try:
        await tx.execute(sql.insert_product, id=product_id, **body.model_dump())
    except UniqueViolationError:
        raise _sku_taken(body.sku) from None
    await _record_price(tx, product_id, None, body.base_price)
    emit(tx, ProductCreated(product_id=product_id, **state_of(body.model_dump())))
    return product_id


async def change(
    tx: TenantTransaction, product_id: UUID, body: ProductChange, check_version: CheckVersion = any_version
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Change a product and return the changed columns before and after; no change keeps the version.

    409 for another unit once the product is counted in this one: in the stock, on a quote, in a price.
    """
    current = await lock(tx, sql.lock_product, check_version, id=product_id)
    current["unit_conversions"] = [UnitConversion(**stored) for stored in current["unit_conversions"]]
    changes = asked_changes(current, body)
    if changes:
        changed = {**current, **changes}
        check_units(
            changed["unit"], changed["unit_conversions"], changed["sale_pack"], changed["purchase_pack"]
        )
        if "unit" in changes and await tx.fetch_value(sql.is_product_counted, product_id=product_id):
            raise unit_in_use(current["unit"])
        try:
            await tx.execute(sql.update_product, id=product_id, **_columns(changed))
        except UniqueViolationError:
            raise _sku_taken(changed["sku"]) from None
        emit(tx, ProductUpdated(product_id=product_id, **state_of(changed)))
        if "base_price" in changes:
            await _record_price(tx, product_id, current["base_price"], changed["base_price"])
            emit(
                tx,
                ProductPriceUpdated(
                    product_id=product_id, previous=current["base_price"], price=changed["base_price"]
                ),
            )
    return _columns({name: current[name] for name in changes}), _columns(changes)


async def _record_price(
    tx: TenantTransaction, product_id: UUID, previous: Decimal | None, price: Decimal
) -> None:
    await tx.execute(
        sql.insert_product_price, id=new_id(), product_id=product_id, previous=previous, price=price
    )


async def _reply(call: Call, product_id: UUID) -> Reply:
    row = await call.tx.fetch_one(sql.get_product, id=product_id, costs=sees_costs(call.identity.permissions))
    if row is None:
        raise NotFoundError
    return Reply(row["body"], version=row["version"])


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    conversions = values.get("unit_conversions")
    if conversions is None:
        return values
    return {**values, "unit_conversions": [conversion.model_dump(mode="json") for conversion in conversions]}


def state_of(columns: dict[str, Any]) -> dict[str, Any]:
    """What events say of a product."""
    return {name: columns[name] for name in ("unit", "category", "base_price", "cost", "active")}


def unit_in_use(unit: str) -> ConflictError:
    """409: quantities of the product are written down in its present unit."""
    return ConflictError(
        "unit_in_use",
        f"The product is already counted in {unit}; add a conversion, or a product of its own.",
        f"O produto já é contado em {unit}; inclua uma conversão ou outro produto.",
    )


def _sku_taken(sku: str) -> ConflictError:
    return ConflictError(
        "sku_taken",
        f"There is already a product with the code '{sku}'.",
        f"Já existe um produto com o código '{sku}'.",
    )
