"""What clients send and get about suppliers, their prices and their codes."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, StrictBool, StringConstraints, ValidationInfo, field_validator, model_validator

from handlers.changes import unchanged
from handlers.customers import Address
from handlers.documents import CustomerKind, DocumentText, Phone, PostalCode, normalise_document
from handlers.pages import Day, NewestFirst
from handlers.tables.uploads import ImportProblemView
from handlers.units import Unit
from runtime.web.fields import (
    Body,
    EmailText,
    LongText,
    Money,
    QuantityOrZero,
    ShortText,
    Version,
    View,
    decimal_field,
)
from runtime.web.pagination import ListQuery, SearchText

MAX_CONTACTS = 20

SupplierCode = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]*$"),
    Field(examples=["VT-0050"]),
]
WholeDays = Annotated[int, Field(ge=0, le=365, strict=True)]
LeadTime = Annotated[Decimal, *decimal_field("0", "99999", 1)]


class Contact(Body):
    """A person to talk to at the supplier."""

    name: ShortText
    role: ShortText | None = None
    email: EmailText | None = None
    phone: Phone | None = None


Contacts = Annotated[list[Contact], Field(max_length=MAX_CONTACTS)]


class SupplierNew(Body):
    """A supplier to be added; the document is a CNPJ for a company and a CPF for a person."""

    kind: CustomerKind = "company"
    name: ShortText
    document: DocumentText | None = None
    email: EmailText | None = None
    phone: Phone | None = None
    address: Address | None = None
    postal_code: PostalCode | None = None
    contacts: Contacts = Field(default_factory=list)
    notes: LongText | None = None
    active: StrictBool = True

    @field_validator("document")
    @classmethod
    def _document_of_its_kind(cls, document: str | None, info: ValidationInfo) -> str | None:
        kind: CustomerKind | None = info.data.get("kind")
        return document if document is None or kind is None else normalise_document(kind, document)


class SupplierChange(Body):
    """What to change of a supplier; fields left out stay as they are."""

    kind: CustomerKind = unchanged()
    name: ShortText = unchanged()
    document: DocumentText | None = None
    email: EmailText | None = None
    phone: Phone | None = None
    address: Address | None = None
    postal_code: PostalCode | None = None
    contacts: Contacts = unchanged()
    notes: LongText | None = None
    active: StrictBool = unchanged()


class SupplierView(View):
    """A supplier as the store sees it; the document without punctuation."""

    id: UUID
    kind: CustomerKind
    name: str
    document: str | None
    email: str | None
    phone: str | None
    address: str | None
    postal_code: str | None
    contacts: list[Contact]
    notes: str | None
    active: bool
    observed_lead_time_days: LeadTime | None = Field(
        description="Mean days from sending an order to receiving goods, over all receipts"
    )
    version: Version
    created_at: datetime
    updated_at: datetime


class SupplierList(ListQuery):
    """Filters of the supplier list. With ``q`` the best matches come first, otherwise the names decide."""

    q: SearchText = None
    sort: Literal["name"] | None = None
    active: bool | None = None


class PriceNew(Body):
    """A price that a supplier asks; it takes the place of the former one from ``valid_from`` (today) on.

    ``price`` is for one ``unit`` and ``minimum_quantity`` a number of it; without a unit the product's own.
    """

    product_id: UUID
    price: Money
    unit: Unit | None = None
    minimum_quantity: QuantityOrZero = Decimal(0)
    payment_days: WholeDays | None = None
    lead_time_days: WholeDays | None = None
    valid_from: Day | None = None
    valid_to: Day | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.valid_from is not None and self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError("The price ends before it begins.|O preço termina antes de começar.")
        return self


class PriceView(View):
    """One entry of a supplier's price history; ``current`` says whether it is the one that counts today.

    ``price`` is for one ``unit``; ``stock_price`` is the same for one of the product's own, rounded to cents.
    """

    id: UUID
    product_id: UUID
    sku: str
    product_name: str
    unit: str
    price: Money
    stock_unit: str
    stock_price: Money
    minimum_quantity: QuantityOrZero
    payment_days: int | None
    lead_time_days: int | None
    valid_from: date
    valid_to: date | None
    source: Literal["manual", "import"]
    registered_by: UUID | None
    registered_at: datetime
    current: bool


class PriceList(NewestFirst):
    """Filters of a supplier's price history."""

    product_id: UUID | None = None
    current: bool = Field(False, description="Only the prices that count today")


class CodeNew(Body):
    """What the supplier calls a product in its price lists."""

    code: SupplierCode
    product_id: UUID


class CodeView(View):
    """A supplier's code and the product it stands for."""

    id: UUID
    code: str
    product_id: UUID
    sku: str
    product_name: str
    created_at: datetime


class CodeList(ListQuery):
    """Filters of a supplier's codes."""

    sort: Literal["id"] | None = None
    code: SupplierCode | None = None


class ImportQuery(Body):
    """How a price list is taken in; the two days hold for rows that name none."""

    dry_run: bool = Field(False, description="Say what would happen and change nothing")
    valid_from: Day | None = Field(None, description="First day of the prices; today unless given")
    valid_to: Day | None = Field(None, description="Last day of the prices; open unless given")

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.valid_from is not None and self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError("The prices end before they begin.|Os preços terminam antes de começar.")
        return self


class ImportChangeView(View):
    """A price that is (or, in a dry run, would be) registered; ``previous`` is for the same unit."""

    row: int
    product_id: UUID
    sku: str
    matched_by: Literal["code", "sku", "barcode"]
    unit: str
    previous: Money | None
    price: Money


class ImportView(View):
    """What became of a price list. When ``complete`` is false, send the same file again to go on: rows that were
    taken are then counted as unchanged."""

    dry_run: bool
    complete: bool
    rows: int
    registered: int
    unchanged: int
    failed: int
    codes_learned: int
    errors: list[ImportProblemView]
    changes: list[ImportChangeView]
