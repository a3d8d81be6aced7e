from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, StringConstraints

from runtime.web.examples import example_of
from runtime.web.fields import EmailText, Fraction, Money, Percent, Quantity, ShortText, SignedMoney


class Inner(BaseModel):
    quantity: Quantity
    kind: Literal["b", "a"]


class Everything(BaseModel):
    name: ShortText
    email: EmailText
    price: Money
    change: SignedMoney
    percent: Percent
    fraction: Fraction
    count: int = Field(gt=4, le=9)
    colour: Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$")]
    long: Annotated[str, StringConstraints(min_length=9, max_length=12)]
    items: list[Inner] = Field(min_length=2)
    yes: bool
    unit: str = "UN"
    left_out: int | None = None


def example(model: type[BaseModel]) -> object:
    schema = model.model_json_schema()
    return example_of(schema, schema.get("$defs", {}))


def test_an_example_is_valid_and_as_short_as_it_can_be() -> None:
    made = example(Everything)
    read = Everything.model_validate(made)
    assert len(read.items) == 2
    assert read.unit == "UN"
    assert "left_out" not in made


def test_a_model_may_name_its_own_example() -> None:
    class Own(BaseModel):
        model_config = {"json_schema_extra": {"examples": [{"a": 7}]}}
        a: int

    assert example(Own) == {"a": 7}


def test_a_model_that_holds_itself_comes_to_an_end() -> None:
    class Tree(BaseModel):
        branches: list[Tree]

    Tree.model_rebuild()
    Tree.model_validate(example(Tree))


@pytest.mark.parametrize(("kind", "text"), [(Fraction, "1.0000"), (Money, "12.50"), (Quantity, "12.500")])
def test_the_example_of_a_decimal_lies_within_its_bounds(kind: object, text: str) -> None:
    class Holder(BaseModel):
        value: kind  # type: ignore[valid-type]

    assert example(Holder) == {"value": text}
    assert Holder.model_validate({"value": text}).value == Decimal(text)
