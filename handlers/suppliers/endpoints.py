"""Suppliers over HTTP."""

from __future__ import annotations

from uuid import UUID

from handlers.documents import number_in
from handlers.search import find
from handlers.suppliers import rules
from handlers.suppliers.models import SupplierChange, SupplierList, SupplierNew, SupplierView
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.errors import NotFoundError
from runtime.web.pagination import Page, page_reply
from runtime.web.routing import Call, Reply, Routes

routes = Routes(tag="suppliers")


@routes.get(
    "/suppliers",
    may="suppliers:read",
    stale=True,
    summary="List or search suppliers",
    query=SupplierList,
    answers=Page[SupplierView],
)
async def list_suppliers(call: Call[SupplierList]) -> Reply:
    """``q`` finds suppliers by name, document, e-mail or telephone, as it does customers."""
    query = call.query
    filters = {"active": query.active, "limit": query.limit + 1}
    if query.q:
        searched = {**filters, "number": number_in(query.q)}
        return await find(call, sql.search_suppliers, sql.search_similar_suppliers, searched)
    name, last_id = call.cursor() or (None, None)
    rows = await call.tx.fetch_all(sql.list_suppliers, after_name=name, after_id=last_id, **filters)
    return page_reply(call, rows, query.limit, lambda row: [row["name_key"], row["id"]])


@routes.post(
    "/suppliers",
    may="suppliers:create",
    summary="Add a supplier",
    body=SupplierNew,
    answers=SupplierView,
    status=201,
    errors=(409,),
)
async def create_supplier(call: Call, body: SupplierNew) -> Reply:
    """A document, when given, is unique in the store."""
    supplier_id = await rules.create(call.tx, body)
    call.audit("supplier.created", "supplier", supplier_id, after={"kind": body.kind})
    return await _reply(call.tx, supplier_id)


@routes.get("/suppliers/{supplier_id}", may="suppliers:read", summary="Show a supplier", answers=SupplierView)
async def get_supplier(call: Call, supplier_id: UUID) -> Reply:
    """One supplier, with its version as ETag."""
    return await _reply(call.tx, supplier_id)


@routes.patch(
    "/suppliers/{supplier_id}",
    may="suppliers:update",
    summary="Change a supplier",
    body=SupplierChange,
    answers=SupplierView,
    errors=(404, 409, 412),
)
async def change_supplier(call: Call, supplier_id: UUID, body: SupplierChange) -> Reply:
    """Suppliers are never deleted: ``"active": false`` takes one out of use and keeps its history."""
    changed = await rules.change(call.tx, supplier_id, body, call.if_match)
    # A supplier may be a person, so the audit log names the fields and not what is in them.
    call.audit("supplier.updated", "supplier", supplier_id, after={"changed": changed})
    return await _reply(call.tx, supplier_id)


async def _reply(tx: TenantTransaction, supplier_id: UUID) -> Reply:
    row = await tx.fetch_one(sql.get_supplier, id=supplier_id)
    if row is None:
        raise NotFoundError
    return Reply(row["body"], version=row["version"])
