"""No day or moment that a client sends is one that PostgreSQL or a calendar cannot hold, whichever field it is in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from runtime.web.examples import example_of
from tests.security.fuzz.values import with_text
from tests.support.operations import OPERATIONS

# The driver writes the last day that Python knows as "infinity", which no client can read.
ENDLESS = (
    "infinity",
    "-infinity",
    "9999-12-31",
    "0001-01-01",
    "9999-12-31T23:59:59.999999+00:00",
    "1e3",
    "NaN",
    "0",
)


def days_of(
    schema: Mapping[str, Any], definitions: Mapping[str, Any], at: tuple[str, ...] = ()
) -> Iterator[Any]:
    """The paths of all fields that hold a day or a moment."""
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rsplit("/", 1)[-1]]
    if schema.get("format") in ("date", "date-time"):
        yield at
    for part in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from days_of(part, definitions, at)
    if "items" in schema:
        yield from days_of(schema["items"], definitions, (*at, "[]"))
    for name, part in schema.get("properties", {}).items():
        yield from days_of(part, definitions, (*at, name))


def cases() -> dict[str, tuple[type[BaseModel], tuple[str, ...]]]:
    found = {}
    for operation in OPERATIONS:
        for model in (operation.body, operation.query):
            if model is not None:
                schema = model.model_json_schema()
                for at in days_of(schema, schema.get("$defs", {})):
                    found[f"{model.__name__} {'.'.join(at)}"] = (model, at)
    return found


CASES = cases()


@pytest.mark.parametrize("name", CASES)
def test_a_day_at_the_end_of_time_is_refused_where_it_stands(name: str) -> None:
    model, at = CASES[name]
    schema = model.model_json_schema()
    good = example_of(schema, schema.get("$defs", {}))
    field = [part for part in at if part != "[]"][-1]
    for text in ENDLESS:
        with pytest.raises(ValidationError) as refused:
            model.model_validate(with_text(good, at, text))
        assert any(field in error["loc"] for error in refused.value.errors()), (text, refused.value)


def test_there_are_days_to_try() -> None:
    assert len(CASES) > 20
