"""Values made from JSON schemas: such as they ask for, and such as they do not."""

from __future__ import annotations

import copy
import random
import string
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.security.fuzz.naughty import NUMBERS, TEXTS

Schema = Mapping[str, Any]
OwnId = Callable[[str], str]
Path = tuple[str | int, ...]

_LETTERS = string.ascii_letters + string.digits + " -áçãõé"
_MOST_ITEMS = 4
_DEEPEST = 10


class Values:
    """Makes values with one source of chance; ``own_id`` gives an id that the store has for a field's name."""

    def __init__(self, rng: random.Random, definitions: Mapping[str, Schema], own_id: OwnId) -> None:
        self.rng = rng
        self._definitions = definitions
        self._own_id = own_id

    def of(self, schema: Schema, name: str = "", depth: int = 0) -> Any:
        """A value that the schema takes, as far as schemas can say."""
        schema = self.resolved(schema)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self.rng.choice(schema["enum"])
        for choices in ("anyOf", "oneOf", "allOf"):
            if schema.get(choices):
                return self.of(self.rng.choice(schema[choices]), name, depth)
        kind = schema.get("type")
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            low = schema.get("minItems", 0)
            high = 0 if depth > _DEEPEST else min(schema.get("maxItems", _MOST_ITEMS), max(low, _MOST_ITEMS))
            return [
                self.of(schema.get("items", {}), name, depth + 1) for _ in range(self.rng.randint(low, high))
            ]
        if kind == "string":
            return self._text(schema, name)
        if kind in ("integer", "number"):
            return self._number(schema, whole=kind == "integer")
        return {"boolean": self.rng.random() < 0.5, "null": None}.get(str(kind))

    def spoiled(self, value: Any) -> Any:
        """A copy of the value with something wrong, somewhere in it."""
        value = copy.deepcopy(value)
        places = list(places_of(value))
        where = self.rng.choice(places)
        roll = self.rng.random()
        if not where or roll < 0.08:
            return (
                self.nonsense()
                if roll < 0.04
                else {**value, "surprise": 1}
                if isinstance(value, dict)
                else value
            )
        inner: Any = value
        for step in where[:-1]:
            inner = inner[step]
        if roll < 0.2:
            del inner[where[-1]]
        elif roll < 0.3 and isinstance(inner, list):
            inner.extend(copy.deepcopy(inner) * self.rng.choice((1, 3, 200)))
        else:
            inner[where[-1]] = self.nonsense()
        return value

    def nonsense(self) -> Any:
        """A text, a number or a container that nobody asked for."""
        roll = self.rng.random()
        if roll < 0.55:
            return self.rng.choice(TEXTS)
        if roll < 0.85:
            return self.rng.choice(NUMBERS)
        return self.rng.choice(([], {}, [[]], [None] * 300, {"": ""}, [{}] * 3, {"id": None}))

    def resolved(self, schema: Schema) -> Schema:
        """The schema itself, behind any reference."""
        while "$ref" in schema:
            schema = self._definitions[schema["$ref"].rsplit("/", 1)[-1]]
        return schema

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        required = schema.get("required", ())
        often = self.rng.choice((0.1, 0.4, 0.9))
        return {
            name: self.of(part, name, depth + 1)
            for name, part in schema.get("properties", {}).items()
            if name in required or (depth <= _DEEPEST and self.rng.random() < often)
        }

    def _text(self, schema: Schema, name: str) -> str:
        form = schema.get("format")
        if form == "uuid":
            return self._own_id(name)
        if form == "date":
            return f"{self.rng.choice((1900, 2024, 2025, 2026, 2026, 2027, 2999))}-{self.rng.randint(1, 12):02}-15"
        if form == "date-time":
            return f"202{self.rng.randint(4, 7)}-{self.rng.randint(1, 12):02}-15T12:00:00Z"
        if schema.get("examples"):
            examples = schema["examples"]
            if schema.get("pattern", "").startswith("^-?[0-9]"):
                return f"{self.rng.choice((0, 1, 3, 12, 250, 99999))}.{self.rng.choice((0, 5, 25, 50))}"
            if self.rng.random() < 0.6:
                return str(self.rng.choice(examples))
        low, high = schema.get("minLength", 0), min(schema.get("maxLength", 40), 40)
        length = self.rng.randint(low, max(low, high))
        return "".join(self.rng.choice(_LETTERS) for _ in range(length))

    def _number(self, schema: Schema, *, whole: bool) -> float | int:
        low = schema.get("minimum", schema.get("exclusiveMinimum", 0))
        high = schema.get("maximum", schema.get("exclusiveMaximum", low + 1000))
        if self.rng.random() < 0.2:
            return int(self.rng.choice((low, high)))
        if whole:
            return self.rng.randint(int(low), int(min(high, low + 1000)))
        return round(self.rng.uniform(low, min(high, low + 100_000)), self.rng.choice((0, 2, 3)))


def places_of(value: Any, at: Path = ()) -> Iterator[Path]:
    """Where there is something in a value, itself included."""
    yield at
    if isinstance(value, dict):
        for name, part in value.items():
            yield from places_of(part, (*at, name))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from places_of(part, (*at, number))


def text_fields(schema: Schema, definitions: Mapping[str, Schema], at: tuple[str, ...] = ()) -> Iterator[Any]:
    """The paths of all fields that hold texts, decimals and ids included, through lists (``[]``) and inner objects."""
    while "$ref" in schema:
        schema = definitions[schema["$ref"].rsplit("/", 1)[-1]]
    if schema.get("type") == "string" and "const" not in schema:
        yield at
    for part in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        yield from text_fields(part, definitions, at)
    if "items" in schema and len(at) < _DEEPEST:
        yield from text_fields(schema["items"], definitions, (*at, "[]"))
    for name, part in schema.get("properties", {}).items():
        if len(at) < _DEEPEST:
            yield from text_fields(part, definitions, (*at, name))


def with_text(value: Any, at: tuple[str, ...], text: str) -> Any:
    """The body with this text at that path; lists and objects on the way are made when they are not there."""
    if not at:
        return text
    if at[0] == "[]":
        first, *others = value if isinstance(value, list) and value else [None]
        return [with_text(first, at[1:], text), *others]
    given = value if isinstance(value, dict) else {}
    return {**given, at[0]: with_text(given.get(at[0]), at[1:], text)}
