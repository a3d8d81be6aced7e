"""What a store may decide about its replenishment, with the values that hold where it has decided nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field

from actors.stock.model import safety_factor
from runtime.events.catalogue import ReplenishmentDefaultsSet, ReplenishmentParameters

MAX_WINDOW_DAYS = 365
LEAST_LEAD_TIMES = 3
"""So many lead times have to be seen before their deviation says more than the default one."""


class Parameters(BaseModel):
    """The parameters of one product: its own over the store's over these defaults. Times in days."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    method: Literal["statistical", "simple"] = "statistical"
    lead_time_days: float = Field(7.0, ge=0, le=365)
    lead_time_deviation_days: float = Field(1.0, ge=0, le=365)
    service_level: float = Field(0.95, gt=0, lt=1)
    review_period_days: float = Field(7.0, ge=0, le=365)
    safety_percent: float = Field(20.0, ge=0, le=1000)
    minimum: float | None = Field(None, ge=0)
    maximum: float | None = Field(None, ge=0)
    pack_size: float | None = Field(None, gt=0)
    window_days: int = Field(90, ge=1, le=MAX_WINDOW_DAYS)


@dataclass(frozen=True, slots=True)
class Policy:
    """Parameters as the formulas take them; ``z`` is the safety factor of the service level.

    A lead time that nobody has set (``lead_time_set``) gives way to what is observed, so does its deviation.
    """

    simple: bool
    lead_time: float
    lead_time_deviation: float
    z: float
    review_period: float
    safety_percent: float
    minimum: float | None
    maximum: float | None
    pack_size: float | None
    window_days: int
    lead_time_set: bool = False
    deviation_set: bool = False


@lru_cache(maxsize=4096)
def policy(store: str | None, product: str | None, defaults: str | None = None) -> Policy:
    """The policy of a product, from the JSON texts of the store's parameters, of its own, and of the store's settings,
    which hold where the others say nothing."""
    given = {**_given(store), **_given(product)}
    parameters = Parameters.model_validate({**_given(defaults), **given})
    return Policy(
        parameters.method == "simple",
        parameters.lead_time_days,
        parameters.lead_time_deviation_days,
        safety_factor(parameters.service_level),
        parameters.review_period_days,
        parameters.safety_percent,
        parameters.minimum,
        parameters.maximum,
        parameters.pack_size,
        parameters.window_days,
        "lead_time_days" in given,
        "lead_time_deviation_days" in given,
    )


def observed_policy(found: Policy, count: int, mean: float, squares: float) -> Policy:
    """The policy with the lead times seen so far (their number, mean and sum of squared deviations) in place of what
    nobody has set; the deviation from the third one on."""
    lead_time, deviation = found.lead_time, found.lead_time_deviation
    if not found.lead_time_set:
        lead_time = mean
    if not found.deviation_set and count >= LEAST_LEAD_TIMES:
        deviation = math.sqrt(max(squares, 0.0) / (count - 1))
    return replace(found, lead_time=lead_time, lead_time_deviation=deviation)


def parameters_json(given: ReplenishmentParameters) -> str:
    """What the engine keeps of parameters that were set: JSON without the absent ones."""
    return given.model_dump_json(exclude_none=True)


def defaults_json(given: ReplenishmentDefaultsSet) -> str:
    """What the engine keeps of a store's settings."""
    return given.model_dump_json()


def effective_parameters(store: str | None, defaults: str | None) -> str:
    """What holds for the products of a store that have no parameters of their own, as JSON."""
    effective = Parameters.model_validate({**_given(defaults), **_given(store)})
    return ReplenishmentParameters.model_validate(effective.model_dump()).model_dump_json()


def _given(text: str | None) -> dict[str, object]:
    return (
        {} if text is None else {key: value for key, value in orjson.loads(text).items() if value is not None}
    )
