"""What clients send and get about suppliers' prices and what products cost."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from handlers.insights.answers import AdviceAnswer
from runtime.events.catalogue import AdviceReason
from runtime.web.fields import Body, Money, QuantityOrZero, View, decimal_field
from runtime.web.pagination import ListQuery

CostMethod = Literal["best", "average", "last"]
Risk = Literal["high", "medium", "low"]
PricingAlertKind = Literal["margin", "price_rise", "price_drop"]
Days = Annotated[int, Field(ge=1, le=365)]


class OfferView(View):
    """What a supplier asks for a unit today, and how its price has behaved."""

    supplier_id: UUID
    supplier_name: str
    price: Money
    difference_percent: float = Field(description="How much dearer than the cheapest price")
    landed_cost: Money = Field(description="At today's value, with the money that its minimum quantity binds")
    minimum_quantity: QuantityOrZero
    payment_days: int
    lead_time_days: int | None
    valid_from: date
    valid_to: date | None
    mean: Money = Field(description="Of the prices in the window")
    deviation: Money
    prices_in_window: int
    lowest: Money = Field(description="Ever registered")
    highest: Money
    registered: int
    previous_price: Money | None
    changed_on: date | None
    stability: Literal["stable", "variable", "volatile"] | None = Field(
        description="Variation coefficient up to 5 %, up to 15 %, above; null with one price"
    )
    explanation: str


class ComparisonView(View):
    """The suppliers in use whose price counts today, the lowest landed cost first."""

    product_id: UUID
    usual_quantity: QuantityOrZero | None = Field(description="Mean of what was received at a time")
    monthly_money_percent: float | None
    items: list[OfferView]
    explanation: str


class ReasonView(View):
    """One reason for a supplier."""

    code: Literal[
        "only_supplier", "lowest_landed_cost", "lowest_price", "longest_payment", "fastest", "stable_price"
    ]
    text: str


class SupplierSuggestionView(View):
    """Whom to buy from, why, and who is nearly as good (landed cost within 5 %)."""

    product_id: UUID
    supplier: OfferView | None
    reasons: list[ReasonView]
    alternatives: list[OfferView]
    explanation: str


class BaseCostView(View):
    """What a unit costs the store, and the margin that its sale price leaves."""

    product_id: UUID
    method: CostMethod | None = Field(description="As set for the product or the store")
    source: Literal["best", "average", "last", "product"] | None = Field(
        description="What there was: the method, else the best price, the last purchase, or the product's cost"
    )
    base_cost: Money | None
    last_purchase_cost: Money | None
    last_purchase_on: date | None
    sale_price: Money | None
    margin_percent: float | None
    margin_floor_percent: float | None
    explanation: str


class PricingAlertList(ListQuery):
    """Which alerts: the open ones unless asked otherwise."""

    status: Literal["open", "closed"] = "open"
    kind: PricingAlertKind | None = None
    risk: Risk | None = None
    product_id: UUID | None = None
    include_answered: bool = Field(False, description="Also those that were answered, or rest until a day")


class PricingAlertView(View):
    """A price that moved, or a cost that leaves too little; it closes by itself when its cause ends."""

    product_id: UUID
    sku: str
    name: str
    supplier_id: UUID | None
    supplier_name: str | None
    kind: PricingAlertKind
    risk: Risk
    reference: Money = Field(description="The former price; of a margin alert the sale price")
    value: Money = Field(description="The price now; of a margin alert the base cost")
    percent: float = Field(description="The change; of a margin alert the margin that is left")
    status: Literal["open", "closed"]
    opened_at: datetime
    closed_at: datetime | None
    answer: Literal["accepted", "dismissed", "snoozed"] | None = Field(
        description="Until the alert opens anew, turns round or becomes urgent"
    )
    reason: AdviceReason | None
    until: date | None
    answered_at: datetime | None
    explanation: str


class PricingAlertAnswer(AdviceAnswer):
    """What to do with an alert: it was acted upon, it is of no use, or it may come back on a day."""

    kind: PricingAlertKind
    supplier_id: UUID | None = Field(None, description="Of an alert about a supplier's price")

    @model_validator(mode="after")
    def _names_supplier(self) -> Self:
        if (self.kind == "margin") != (self.supplier_id is None):
            raise ValueError(
                "An alert about a price, and no other, names its supplier."
                "|Um alerta de preço, e só ele, indica o fornecedor."
            )
        return self


class PricingAlertAnswerView(View):
    """What was answered."""

    product_id: UUID
    supplier_id: UUID | None
    kind: PricingAlertKind
    answer: Literal["accepted", "dismissed", "snoozed"]
    reason: AdviceReason | None
    until: date | None


class TrendFiguresView(View):
    """Theil-Sen slope in BRL and per cent per month, and one minus the p-value of the Mann-Kendall test; null below
    three prices in the window."""

    slope_per_month: float | None
    percent_per_month: float | None
    confidence: float | None
    direction: Literal["rising", "falling", "steady"] | None = Field(
        description="Rising or falling from 90 % confidence on"
    )
    points: int
    explanation: str


class SupplierTrendView(TrendFiguresView):
    """The same for one supplier."""

    supplier_id: UUID
    supplier_name: str


class TrendView(TrendFiguresView):
    """Where a product's prices are going, over all suppliers and for each."""

    product_id: UUID
    window_days: int | None
    items: list[SupplierTrendView]


class PricingParametersNew(Body):
    """Replaces the parameters of a product, or of the whole store without one; what is left out has its default."""

    product_id: UUID | None = None
    cost_method: CostMethod | None = None
    variation_percent: Annotated[Decimal, *decimal_field("0.01", "1000", 2)] | None = None
    variation_days: Days | None = None
    margin_floor_percent: Annotated[Decimal, *decimal_field("0", "99.99", 2)] | None = None
    monthly_money_percent: Annotated[Decimal, *decimal_field("0", "100", 2)] | None = None
    window_days: Annotated[int, Field(ge=7, le=365)] | None = None


class PricingParametersQuery(BaseModel):
    """Whose parameters: of the store, or of one product."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    product_id: UUID | None = None


class PricingParametersView(View):
    """`parameters` are those that were set, `effective` those that hold with the defaults of what was not."""

    product_id: UUID | None
    parameters: dict[str, Any]
    effective: dict[str, Any]
