"""What a store may decide about its prices, with the values that hold where it has decided nothing."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field

from runtime.events.catalogue import PricingParameters

CostMethod = Literal["best", "average", "last"]


class Policy(BaseModel):
    """The parameters of one product: its own over the store's over these defaults."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    cost_method: CostMethod = "best"
    variation_percent: float = Field(10.0, gt=0, le=1000)
    variation_days: int = Field(30, ge=1, le=365)
    margin_floor_percent: float = Field(15.0, ge=0, lt=100)
    monthly_money_percent: float = Field(1.5, ge=0, le=100)
    window_days: int = Field(180, ge=7, le=365)

    @property
    def monthly_rate(self) -> float:
        """The cost of money as a fraction per month."""
        return self.monthly_money_percent / 100.0


@lru_cache(maxsize=4096)
def policy(store: str | None, product: str | None) -> Policy:
    """The policy of a product, from the JSON texts of the store's parameters and of its own."""
    return Policy.model_validate({**_given(store), **_given(product)})


def parameters_json(given: PricingParameters) -> str:
    """What the engine keeps of parameters that were set: JSON without the absent ones."""
    return given.model_dump_json(exclude_none=True)


def effective_parameters(store: str | None, product: str | None = None) -> str:
    """What holds for a product, as JSON; without one, for the products that have no parameters of their own."""
    return PricingParameters.model_validate(policy(store, product).model_dump()).model_dump_json()


def _given(text: str | None) -> dict[str, object]:
    return {} if text is None else orjson.loads(text)
