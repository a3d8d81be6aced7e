"""What every event is made of."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class Payload(BaseModel):
    """What an event says; ``event_type`` is the class name in snake case.

    A class that sets it is another reading of that event, which the catalogue does not list.
    """

    model_config = ConfigDict(frozen=True)

    event_type: ClassVar[str]
    version: ClassVar[int] = 1

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        if "event_type" not in vars(cls):
            cls.event_type = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


class Part(BaseModel):
    model_config = ConfigDict(frozen=True)


def absent(value: object) -> bool:
    return value is None


class Traded(Part):
    """``quantity`` and prices are for the product's own unit, in which its stock is counted.

    Goods that were sold in another one say which, and how many of it.
    """

    product_id: UUID
    quantity: Decimal
    sold_unit: str | None = Field(None, exclude_if=absent)
    sold_quantity: Decimal | None = Field(None, exclude_if=absent)
