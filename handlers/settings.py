"""A store's own settings and branding."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from runtime.web.fields import Fraction, Percent, QuantityOrZero

Prefix = Annotated[str, StringConstraints(min_length=1, max_length=10, pattern=r"^[A-Z][A-Z0-9-]*$")]


class TenantSettings(BaseModel):
    """What a store decides for itself; stored as JSON, missing values are the defaults below."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    seller_discount_limit_percent: Percent = Field(
        Decimal(5), description="Largest discount a seller may give; more takes finance or the owner"
    )
    quote_validity_days: int = Field(7, ge=1, le=365, description="Days a sent quote stays open")
    quote_prefix: Prefix = Field("COT-", description="Before the number of quotes")
    order_prefix: Prefix = Field("PED-", description="Before the number of orders")
    allow_negative_stock: bool = Field(
        False, description="Let goods go out that the books do not have"
    )
    default_lead_time_days: QuantityOrZero = Field(
        Decimal(7), le=365, description="Days from ordering to receiving, where a product says nothing else"
    )
    default_service_level: Fraction = Field(
        Decimal("0.95"), description="Wanted chance of not running out while waiting for a supplier"
    )
