"""Customers: the people and companies a store sells to."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StrictBool, StringConstraints, ValidationInfo, field_validator

from handlers.changes import CheckVersion, any_version, asked_changes, lock, unchanged
from handlers.documents import (
    CustomerKind,
    DocumentText,
    Phone,
    PostalCode,
    normalise_document,
    number_in,
)
from handlers.search import find
from runtime.data.errors import UniqueViolationError
from runtime.data.ids import new_id
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.errors import ConflictError, NotFoundError
from runtime.events.catalogue import CustomerCreated
from runtime.events.log import emit
from runtime.web.fields import Body, EmailText, LongText, ShortText, Version, View
from runtime.web.pagination import ListQuery, Page, SearchText, page_reply
from runtime.web.problems import field_refused
from runtime.web.routing import Call, Reply, Routes

routes = Routes(tag="customers")

Address = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
    ),
    Field(examples=["Rua das Palmeiras, 120 - Centro, Campinas/SP"]),
]


class CustomerNew(Body):
    """A customer to be added; the document is a CPF for a person and a CNPJ for a company."""

    kind: CustomerKind
    name: ShortText
    document: DocumentText | None = None
    email: EmailText | None = None
    phone: Phone | None = None
    address: Address | None = None
    postal_code: PostalCode | None = None
    notes: LongText | None = None
    active: StrictBool = True

    @field_validator("document")
    @classmethod
    def _document_of_its_kind(cls, document: str | None, info: ValidationInfo) -> str | None:
        kind: CustomerKind | None = info.data.get("kind")
        return document if document is None or kind is None else normalise_document(kind, document)


class CustomerChange(Body):
    """What to change of a customer; fields left out stay as they are."""

    kind: CustomerKind = unchanged()
    name: ShortText = unchanged()
    document: DocumentText | None = None
    email: EmailText | None = None
    phone: Phone | None = None
    address: Address | None = None
    postal_code: PostalCode | None = None
    notes: LongText | None = None
    active: StrictBool = unchanged()


class CustomerView(View):
    """A customer as the store sees it; the document without punctuation."""

    id: UUID
    kind: CustomerKind
    name: str
    document: str | None
    email: str | None
    phone: str | None
    address: str | None
    postal_code: str | None
    notes: str | None
    active: bool
    version: Version
    created_at: datetime
    updated_at: datetime


class CustomerList(ListQuery):
    """Filters of the customer list. With ``q`` the best matches come first, otherwise ``sort`` decides."""

    q: SearchText = None
    sort: Literal["name", "created", "-created"] | None = None
    kind: CustomerKind | None = None
    active: bool | None = None


@routes.get(
    "/customers",
    may="customers:read",
    stale=True,
    summary="List or search customers",
    query=CustomerList,
    answers=Page[CustomerView],
)
async def list_customers(call: Call[CustomerList]) -> Reply:
    """``q`` finds customers by name, document, e-mail or telephone: the beginning of a word is enough,
    accents, case and the punctuation of numbers do not matter, and misspelt words are understood."""
    query = call.query
    filters = {"kind": query.kind, "active": query.active, "limit": query.limit + 1}
    if query.q:
        searched = {**filters, "number": number_in(query.q)}
        return await find(call, sql.search_customers, sql.search_similar_customers, searched)
    first, second = call.cursor() or (None, None)
    if query.sort in ("created", "-created"):
        listing = sql.list_customers_by_created if query.sort == "created" else sql.list_newest_customers
        rows = await call.tx.fetch_all(listing, after_created=first, after_id=second, **filters)
        return page_reply(call, rows, query.limit, lambda row: [row["created_at"], row["id"]])
    rows = await call.tx.fetch_all(sql.list_customers_by_name, after_name=first, after_id=second, **filters)
    return page_reply(call, rows, query.limit, lambda row: [row["name_key"], row["id"]])


@routes.post(
    "/customers",
    may="customers:create",
    summary="Add a customer",
    body=CustomerNew,
    answers=CustomerView,
    status=201,
)
async def create_customer(call: Call, body: CustomerNew) -> Reply:
    """A document, when given, is unique in the store."""
    customer_id = await create(call.tx, body)
    call.audit("customer.created", "customer", customer_id, after={"kind": body.kind})
    return await _reply(call.tx, customer_id)


@routes.get("/customers/{customer_id}", may="customers:read", summary="Show a customer", answers=CustomerView)
async def get_customer(call: Call, customer_id: UUID) -> Reply:
    """One customer, with its version as ETag."""
    return await _reply(call.tx, customer_id)


@routes.patch(
    "/customers/{customer_id}",
    may="customers:update",
    summary="Change a customer",
    body=CustomerChange,
    answers=CustomerView,
)
async def change_customer(call: Call, customer_id: UUID, body: CustomerChange) -> Reply:
    """Customers are never deleted: ``"active": false`` takes one out of use and keeps its history."""
    changed = await change(call.tx, customer_id, body, call.if_match)
    # The audit log outlives an erasure request, so it names the fields and not the personal data in them.
    call.audit("customer.updated", "customer", customer_id, after={"changed": changed})
    return await _reply(call.tx, customer_id)


async def create(tx: TenantTransaction, body: CustomerNew) -> UUID:
    """Add a customer; 409 when another has the document."""
    customer_id = new_id()
    try:
        await tx.execute(sql.insert_customer, id=customer_id, **body.model_dump())
    except UniqueViolationError:
        raise _document_taken() from None
    emit(tx, CustomerCreated(customer_id=customer_id, kind=body.kind))
    return customer_id


async def change(
    tx: TenantTransaction, customer_id: UUID, body: CustomerChange, check_version: CheckVersion = any_version
) -> list[str]:
    """Change a customer and return the names of the columns that changed."""
    current = await lock(tx, sql.lock_customer, check_version, id=customer_id)
    asked = {name: getattr(body, name) for name in body.model_fields_set}
    if "kind" in asked or "document" in asked:
        body = body.model_copy(update={"document": _document_after({**current, **asked})})
    changes = asked_changes(current, body)
    if changes:
        try:
            await tx.execute(sql.update_customer, id=customer_id, **{**current, **changes})
        except UniqueViolationError:
            raise _document_taken() from None
    return sorted(changes)


def _document_after(columns: dict[str, Any]) -> str | None:
    """The document normalised for the kind the customer will have; 422 when it does not fit that kind."""
    if columns["document"] is None:
        return None
    try:
        return normalise_document(columns["kind"], columns["document"])
    except ValueError as refused:
        english, _, portuguese = str(refused).partition("|")
        raise field_refused("/document", "invalid", english, portuguese) from None


async def _reply(tx: TenantTransaction, customer_id: UUID) -> Reply:
    row = await tx.fetch_one(sql.get_customer, id=customer_id)
    if row is None:
        raise NotFoundError
    return Reply(row["body"], version=row["version"])


def _document_taken() -> ConflictError:
    return ConflictError(
        "document_taken",
        "There is already a customer with this document.",
        "Já existe um cliente com este documento.",
    )
