"""What a store may decide about its sales advice, with the values that hold where it has decided nothing."""

from __future__ import annotations

from functools import lru_cache

import orjson
from pydantic import BaseModel, ConfigDict, Field

from runtime.events.catalogue import SalesParameters


class Policy(BaseModel):
    """A store's parameters over these defaults."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    min_support: float = Field(0.001, ge=0, le=1)
    min_confidence: float = Field(0.05, ge=0, le=1)
    price_band_percent: float = Field(30.0, ge=0, le=1000)
    habit_purchases: int = Field(3, ge=1, le=8)
    habit_least: int = Field(2, ge=1, le=8)
    rebuy_least_days: int = Field(5, ge=1, le=365)
    rebuy_variation_percent: float = Field(60.0, ge=0, le=1000)
    dismissed_days: int = Field(90, ge=1, le=3650)
    bundle_min_support: float = Field(0.005, gt=0, le=1)
    bundle_min_orders: int = Field(3, ge=2)
    advised: bool = True


@lru_cache(maxsize=4096)
def policy(parameters: str | None) -> Policy:
    """The policy of a store, from the JSON text of what it has set."""
    return Policy.model_validate({} if parameters is None else orjson.loads(parameters))


def parameters_json(given: SalesParameters) -> str:
    """What the engine keeps of parameters that were set: JSON without the absent ones."""
    return given.model_dump_json(exclude_none=True)


def effective_parameters(parameters: str | None) -> str:
    """What holds for a store, as JSON."""
    return SalesParameters.model_validate(policy(parameters).model_dump()).model_dump_json()
