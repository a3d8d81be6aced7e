"""Imports over HTTP."""

from __future__ import annotations

from handlers.imports.customers import Customers
from handlers.imports.models import RegisterImportQuery, RegisterImportView
from handlers.imports.products import Products
from handlers.imports.running import run
from handlers.tables import uploads
from runtime.errors import ForbiddenError
from runtime.web.call import Call, Reply
from runtime.web.routing import Routes

routes = Routes(tag="imports")


@routes.post(
    "/products/import",
    may="products:create",
    summary="Import products",
    transaction=False,
    takes=uploads.MEDIA_TYPES,
    query=RegisterImportQuery,
    answers=RegisterImportView,
    errors=(413,),
)
async def import_products(call: Call[RegisterImportQuery]) -> Reply:
    """The body is the file itself: CSV (any of `;`, `,`, tab or `|`; UTF-8, UTF-16 or Windows-1252; decimal commas
    understood) or XLSX. Columns are found by their headings, in Portuguese or English; a product by its code (SKU). A
    new one needs name, unit and price as well. Empty cells change nothing. Rows that cannot be taken are listed with
    their numbers, and the others are taken. Sending a file again changes nothing."""
    _may_change(call, "products:update")
    return Reply(await run(call, Products()))


@routes.post(
    "/customers/import",
    may="customers:create",
    summary="Import customers",
    transaction=False,
    takes=uploads.MEDIA_TYPES,
    query=RegisterImportQuery,
    answers=RegisterImportView,
    errors=(413,),
)
async def import_customers(call: Call[RegisterImportQuery]) -> Reply:
    """The body is a file as for products. A customer is found by CPF or CNPJ, or by the name where the row has none.
    Without a kind, the document says whether it is a person or a company; one who has neither is a person. Sending a
    file again changes nothing."""
    _may_change(call, "customers:update")
    return Reply(await run(call, Customers()))


def _may_change(call: Call[RegisterImportQuery], permission: str) -> None:
    if permission not in call.identity.permissions:
        raise ForbiddenError
