"""Suppliers: added, changed, taken out of use; never deleted."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from handlers.changes import CheckVersion, any_version, asked_changes, lock
from handlers.documents import normalise_document
from handlers.suppliers.models import Contact, SupplierChange, SupplierNew
from runtime.data.errors import UniqueViolationError
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.errors import ConflictError, NotFoundError
from runtime.events.catalogue import SupplierDeactivated, SupplierReactivated
from runtime.events.log import emit
from runtime.web.problems import field_refused


async def create(tx: TenantTransaction, body: SupplierNew) -> UUID:
    """Add a supplier; 409 when another has the document."""
    supplier_id = new_id()
    try:
        await tx.execute(sql.insert_supplier, id=supplier_id, **body.model_dump())
    except UniqueViolationError:
        raise _document_taken() from None
    if not body.active:
        emit(tx, SupplierDeactivated(supplier_id=supplier_id))
    return supplier_id


async def change(
    tx: TenantTransaction, supplier_id: UUID, body: SupplierChange, check_version: CheckVersion = any_version
) -> list[str]:
    """Change a supplier and return the names of the columns that changed."""
    current = await lock(tx, sql.lock_supplier, check_version, id=supplier_id)
    current["contacts"] = [Contact(**stored) for stored in current["contacts"]]
    asked = {name: getattr(body, name) for name in body.model_fields_set}
    if "kind" in asked or "document" in asked:
        body = body.model_copy(update={"document": _document_after({**current, **asked})})
    changes = asked_changes(current, body)
    if changes:
        changed = {**current, **changes}
        changed["contacts"] = [contact.model_dump() for contact in changed["contacts"]]
        try:
            await tx.execute(sql.update_supplier, id=supplier_id, **changed)
        except UniqueViolationError:
            raise _document_taken() from None
    if "active" in changes:
        said = SupplierReactivated if changes["active"] else SupplierDeactivated
        emit(tx, said(supplier_id=supplier_id))
    return sorted(changes)


async def require(tx: TenantTransaction, supplier_id: UUID) -> None:
    """404 when the store has no such supplier."""
    if await tx.fetch_one(sql.get_supplier, id=supplier_id) is None:
        raise NotFoundError


def _document_after(columns: dict[str, Any]) -> str | None:
    """The document normalised for the kind the supplier will have; 422 when it does not fit that kind."""
    if columns["document"] is None:
        return None
    try:
        return normalise_document(columns["kind"], columns["document"])
    except ValueError as refused:
        english, _, portuguese = str(refused).partition("|")
        raise field_refused("/document", "invalid", english, portuguese) from None


def _document_taken() -> ConflictError:
    return ConflictError(
        "document_taken",
        "There is already a supplier with this document.",
        "Já existe um fornecedor com este documento.",
    )
