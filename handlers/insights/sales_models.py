"""What clients send and get about what goes together, what can stand in, and what customers are about to need."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from runtime.events.catalogue import AdviceReason
from runtime.web.fields import (
    Body,
    Fraction,
    Money,
    Quantity,
    QuantityOrZero,
    SignedQuantity,
    View,
    decimal_field,
)
from runtime.web.pagination import ListQuery

Share = Annotated[float, Field(ge=0, le=1)]
AdviceKind = Literal["complement", "substitute", "bundle", "habit", "rebuy"]
Products = Annotated[list[UUID], Field(max_length=200)]
# As many as fit into the line of a request, which has 8 KiB.
AskedProducts = Annotated[list[UUID], Field(max_length=100)]


class AdviceQuery(BaseModel):
    """How much advice, and of what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(10, ge=1, le=200)
    include_unavailable: bool = Field(False, description="Also inactive products and those without stock")


class RuleQuery(AdviceQuery):
    """How strong a link must be: its share of all orders, and of the orders with the product asked about. What is not
    given is as set for the product or the store."""

    min_support: Share | None = None
    min_confidence: Share | None = None


class BundleQuery(AdviceQuery):
    """Which bundles: all, or those with a product."""

    product_id: UUID | None = None


class Basket(Body):
    """The lines so far, by their products, and whose they are."""

    product_ids: Products = Field([], examples=[["0192f0c1-7b1e-7c3a-9d52-3f6a1c2b4d5e"]])
    customer_id: UUID | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.product_ids and self.customer_id is None:
            raise ValueError("A basket has products or a customer.|Uma cesta tem produtos ou um cliente.")
        return self


class BasketQuery(RuleQuery):
    """The same as a query: ``product_ids`` once for each product."""

    product_ids: AskedProducts = Field(default=[])
    customer_id: UUID | None = None


class AdvisedProduct(View):
    """A product that is advised."""

    product_id: UUID
    sku: str
    name: str
    unit: str
    base_price: Money
    available: SignedQuantity


class ComplementView(AdvisedProduct):
    """A product that is bought together with `from_product_id`, and how often."""

    from_product_id: UUID
    orders_together: int
    support: float
    confidence: float
    lift: float
    explanation: str


class Complements(View):
    """Strongest first: by confidence times lift."""

    items: list[ComplementView]


class SubstituteView(AdvisedProduct):
    """A product of the same category and unit at a similar price."""

    from_product_id: UUID
    price_difference_percent: float | None
    shared_customers: int = Field(description="How many customers have bought both")
    orders_together: int
    explanation: str


class Substitutes(View):
    """First what most customers have bought instead."""

    items: list[SubstituteView]


class BundleItem(AdvisedProduct):
    """A product of a bundle; ``chosen``: it is in the basket already."""

    chosen: bool


class BundleView(View):
    """Three to five products that are bought together, at today's prices."""

    bundle_id: UUID
    items: list[BundleItem]
    price: Money
    orders: int
    support: float
    lift: float
    explanation: str


class Bundles(View):
    """The highest leverage first: what is sold together most beyond chance."""

    items: list[BundleView]


class HabitView(AdvisedProduct):
    """What a customer usually buys and has not chosen yet."""

    times: int
    purchases: int
    last_bought_on: date
    usual_quantity: Quantity
    explanation: str


class Habits(View):
    """What was in most of the latest purchases first."""

    items: list[HabitView]


class BasketAdvice(View):
    """What goes with a basket: by each product's strongest link, to complete a bundle, by the customer's habits, and in
    place of what there is no stock of."""

    items: list[ComplementView]
    bundles: list[BundleView]
    habits: list[HabitView]
    substitutes: list[SubstituteView]


class RebuyList(ListQuery):
    """Who is due to buy what."""

    customer_id: UUID | None = None
    product_id: UUID | None = None
    within_days: int = Field(0, ge=0, le=365, description="Also those due in so many days")
    include_lapsed: bool = Field(False, description="Also those who have let a whole interval pass")


class RebuyView(View):
    """A purchase that is due; it leaves the list when it is made."""

    customer_id: UUID
    customer_name: str
    product_id: UUID
    sku: str
    name: str
    unit: str
    purchases: int
    interval_days: float
    interval_deviation_days: float
    last_bought_on: date
    due_on: date
    overdue_days: int
    usual_quantity: QuantityOrZero
    explanation: str


class SalesParametersNew(Body):
    """Replaces the parameters of a product, or of the whole store without one; what is left out has its default. A
    product has `min_support`, `min_confidence`, `price_band_percent` and `advised` of its own."""

    product_id: UUID | None = None
    min_support: Fraction | None = None
    min_confidence: Fraction | None = None
    price_band_percent: Annotated[Decimal, *decimal_field("0", "1000", 2)] | None = None
    habit_purchases: Annotated[int, Field(ge=1, le=8)] | None = None
    habit_least: Annotated[int, Field(ge=1, le=8)] | None = None
    rebuy_least_days: Annotated[int, Field(ge=1, le=365)] | None = None
    rebuy_variation_percent: Annotated[Decimal, *decimal_field("0", "1000", 2)] | None = None
    dismissed_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    bundle_min_support: Annotated[Decimal, *decimal_field("0.0001", "1", 4)] | None = None
    bundle_min_orders: Annotated[int, Field(ge=2, le=1_000_000)] | None = None
    advised: bool | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        own = {"product_id", "min_support", "min_confidence", "price_band_percent", "advised"}
        given = {name for name in type(self).model_fields if getattr(self, name) is not None}
        if self.product_id is not None and given - own:
            raise ValueError("A product has no such parameter.|Um produto não tem esse parâmetro.")
        if self.product_id is None and self.advised is not None:
            raise ValueError("Only a product is advised or not.|Só um produto é aconselhado ou não.")
        return self


class SalesParametersQuery(BaseModel):
    """Whose parameters: of the store, or of one product."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    product_id: UUID | None = None


class SalesParametersView(View):
    """`parameters` are those that were set, `effective` those that hold with the defaults of what was not."""

    product_id: UUID | None
    parameters: dict[str, Any]
    effective: dict[str, Any]


class SalesAnswersView(View):
    """What was made of a kind of advice, all in all."""

    kind: AdviceKind
    accepted: int
    changed: int
    dismissed: int
    snoozed: int


class SalesAnswersSum(View):
    """By kind of advice."""

    items: list[SalesAnswersView]


class SalesAnswerView(View):
    """What was answered."""

    kind: AdviceKind
    answer: Literal["accepted", "changed", "dismissed", "snoozed"]
    reason: AdviceReason | None
    until: date | None
