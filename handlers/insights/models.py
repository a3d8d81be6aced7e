"""What clients send and get about the stock engine's advice."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from handlers.insights.forecast import ForecastView
from handlers.pages import Day
from runtime.web.fields import (
    Body,
    Money,
    Percent,
    Quantity,
    QuantityOrZero,
    ShortText,
    SignedMoney,
    SignedQuantity,
    View,
    decimal_field,
)
from runtime.web.pagination import ListQuery, Page

Risk = Literal["high", "medium", "low"]
Days = Annotated[Decimal, *decimal_field("0", "365", 2)]
ServiceLevel = Annotated[Decimal, *decimal_field("0.5", "0.9999", 4, pattern=r"^0\.[5-9][0-9]{0,3}0*$")]


class AlertList(ListQuery):
    """Which alerts: the open ones unless asked otherwise."""

    status: Literal["open", "closed"] = "open"
    kind: Literal["stock_out", "excess", "dead_stock"] | None = None
    risk: Risk | None = None


class StockFigures(View):
    """What is known of a product's stock and demand; demand is per day."""

    product_id: UUID
    sku: str
    name: str
    unit: str
    on_hand: SignedQuantity
    available: SignedQuantity
    on_order: QuantityOrZero
    mean_daily_demand: QuantityOrZero
    demand_deviation: QuantityOrZero
    recent_daily_demand: QuantityOrZero | None = Field(description="The latest days weigh most")
    reorder_point: QuantityOrZero
    maximum: QuantityOrZero
    days_until_stock_out: float | None
    kind: Literal["stock_out", "excess", "dead_stock"]
    risk: Risk
    status: Literal["open", "closed"]
    opened_at: datetime
    forecast: ForecastView
    explanation: str


class AlertView(StockFigures):
    """Something about a product's stock that wants attention; it closes by itself when its cause ends."""

    closed_at: datetime | None
    capital: SignedMoney | None = Field(
        description="Cost of the goods that are too many; null when unknown, and for whoever may not see costs"
    )


class PacksView(View):
    """Whole packs that hold at least what is suggested: how many of which unit, and what they hold."""

    unit: str
    packs: Quantity
    quantity: Quantity


class SuggestionView(StockFigures):
    """What to buy now of a product, and in whole packs if it is bought so. Priority 1 comes first, 9 last."""

    suggested_quantity: Quantity
    in_packs: PacksView | None
    estimated_cost: Money | None
    abc_class: Literal["A", "B", "C"]
    priority: int


class AbcView(View):
    """How much a product contributes to what the store sells, and how steadily."""

    product_id: UUID
    sku: str
    name: str
    abc_class: Literal["A", "B", "C"]
    xyz_class: Literal["X", "Y", "Z"] | None
    revenue: SignedMoney
    quantity: SignedQuantity
    share: float
    cumulative_share: float
    explanation: str


class ParametersNew(Body):
    """Replaces the parameters of a product, or of the whole store without one; what is left out has its default."""

    product_id: UUID | None = None
    method: Literal["statistical", "simple"] | None = None
    lead_time_days: Days | None = None
    lead_time_deviation_days: Days | None = None
    service_level: ServiceLevel | None = None
    review_period_days: Days | None = None
    safety_percent: Percent | None = None
    minimum: QuantityOrZero | None = None
    maximum: QuantityOrZero | None = None
    pack_size: Quantity | None = None
    window_days: Annotated[int, Field(ge=7, le=365)] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError("The minimum is above the maximum.|O mínimo está acima do máximo.")
        return self


class ParametersList(ListQuery):
    """Whose parameters: of all products that have their own, or of one."""

    product_id: UUID | None = None


class ProductParametersView(View):
    """A product's own parameters, and those that hold for it in all."""

    product_id: UUID
    sku: str
    name: str
    parameters: dict[str, Any]
    effective: dict[str, Any]


class ParametersPage(Page[ProductParametersView]):
    """The store's parameters and those of the products that have their own."""

    parameters: dict[str, Any]
    effective: dict[str, Any]


class Acceptance(Body):
    """How much is ordered; the suggested quantity unless given."""

    quantity: Quantity | None = None


class Dismissal(Body):
    """Why the suggestion is not followed."""

    reason: ShortText | None = None


class Snooze(Body):
    """On which day the suggestion is wanted again."""

    until: Day


class AnsweredView(View):
    """What became of a suggestion."""

    product_id: UUID
    status: Literal["accepted", "dismissed", "snoozed"]
    quantity: Quantity | None
    until: date | None = None


class FeedbackList(ListQuery):
    """Which answers: of one product, of one kind."""

    product_id: UUID | None = None
    answer: Literal["accepted", "changed", "dismissed", "snoozed"] | None = None


class FeedbackView(View):
    """What was answered to a suggestion; `quantity` is what was ordered."""

    product_id: UUID
    sku: str
    name: str
    answered_at: datetime
    answer: Literal["accepted", "changed", "dismissed", "snoozed"]
    suggested: QuantityOrZero
    quantity: Quantity | None
    reason: str | None
    until: date | None
