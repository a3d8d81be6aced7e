"""What clients send and get about price lists and agreed prices."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Self
from uuid import UUID

from pydantic import ConfigDict, Field, StrictBool, model_validator

from handlers.changes import unchanged
from handlers.pages import Day
from handlers.units import Unit
from runtime.web.fields import Body, Money, Percent, Quantity, QuantityOrZero, ShortText, Version, View
from runtime.web.pagination import ListQuery

_ONE_OWNER = (
    "Name exactly one of price list, customer and site.|Indique exatamente um: lista, cliente ou obra."
)
_ONE_SUBJECT = "Name a product or a category, not both.|Indique um produto ou uma categoria, não ambos."
_ONE_VALUE = (
    "Give a price or a percentage off, not both.|Informe um preço ou um desconto percentual, não ambos."
)
_OWN_PRICE = (
    "A category has no price of its own, only a percentage off.|Uma categoria só aceita desconto percentual."
)
_UNIT_OF_PRICE = "Only a price is for a unit.|Somente um preço vale para uma unidade."
BACKWARDS = "The last day lies before the first.|O último dia vem antes do primeiro."


class PriceListNew(Body):
    """A list to be made; days are those of the store, both included."""

    name: ShortText
    active: StrictBool = True
    valid_from: Day | None = None
    valid_to: Day | None = None


class PriceListChange(Body):
    """What to change of a list; fields left out stay as they are."""

    name: ShortText = unchanged()
    active: StrictBool = unchanged()
    valid_from: Day | None = None
    valid_to: Day | None = None


class PriceListView(View):
    """A price list."""

    id: UUID
    name: str
    active: bool
    valid_from: date | None
    valid_to: date | None
    version: Version
    created_at: datetime
    updated_at: datetime


class PriceListList(ListQuery):
    """Filters of the price lists; in the order of their names."""

    active: bool | None = None


class AgreedPriceNew(Body):
    """A price, or a percentage off the product's own price, from a quantity on.

    The price is for one of the product's own unit; with ``unit`` it is for one of that, and counts for goods sold in
    it. ``minimum_quantity`` is always one of the product's own unit.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "customer_id": "0192f0c1-7b1e-7c3a-9d52-3f6a1c2b4d5e",
                    "product_id": "0192f0c1-7b1e-7c3a-9d52-3f6a1c2b4d5f",
                    "minimum_quantity": "100",
                    "price": "35.90",
                }
            ]
        }
    )

    price_list_id: UUID | None = None
    customer_id: UUID | None = None
    site_id: UUID | None = None
    product_id: UUID | None = None
    category: ShortText | None = None
    minimum_quantity: QuantityOrZero = Decimal(0)
    price: Money | None = None
    unit: Unit | None = None
    percent_off: Percent | None = None
    valid_from: Day | None = None
    valid_to: Day | None = None

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if sum(owner is not None for owner in (self.price_list_id, self.customer_id, self.site_id)) != 1:
            raise ValueError(_ONE_OWNER)
        if (self.product_id is None) == (self.category is None):
            raise ValueError(_ONE_SUBJECT)
        if (self.price is None) == (self.percent_off is None):
            raise ValueError(_ONE_VALUE)
        if self.price is not None and self.product_id is None:
            raise ValueError(_OWN_PRICE)
        if self.unit is not None and self.price is None:
            raise ValueError(_UNIT_OF_PRICE)
        if self.valid_from is not None and self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError(BACKWARDS)
        return self


class AgreedPriceView(View):
    """An agreed price; it is never changed, it ends and another begins."""

    id: UUID
    price_list_id: UUID | None
    customer_id: UUID | None
    site_id: UUID | None
    product_id: UUID | None
    category: str | None
    minimum_quantity: str
    price: Money | None
    unit: str | None
    percent_off: str | None
    valid_from: date | None
    valid_to: date | None
    created_by: UUID | None
    created_at: datetime
    ended_at: datetime | None


class AgreedPriceList(ListQuery):
    """Filters of the agreed prices; the newest first."""

    price_list_id: UUID | None = None
    customer_id: UUID | None = None
    site_id: UUID | None = None
    product_id: UUID | None = None
    ended: bool = Field(False, description="Show those that have ended, too")


class Membership(Body):
    """The list to buy by; null for none."""

    price_list_id: UUID | None


class ResolveQuery(Body):
    """Who would buy how much of what."""

    product_id: UUID
    quantity: Quantity = Decimal(1)
    unit: Unit | None = None
    customer_id: UUID | None = None
    site_id: UUID | None = None


class ResolvedView(View):
    """The price that a quote written now would take for one ``price_unit``, and where it comes from; ``base_price`` is
    the product's own price, for its own unit."""

    product_id: UUID
    quantity: str
    unit: str | None
    unit_price: Money
    price_unit: str
    price_source: str = Field(examples=["site", "customer", "list", "base"])
    base_price: Money
