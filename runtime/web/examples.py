"""Examples of requests and answers, made from the schemas that describe them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# Lists end here, and objects that hold themselves without a list between at twice that.
_DEEPEST = 8
_FORMATS: Mapping[str, str] = {
    "uuid": "0192f0c1-7b1e-7c3a-9d52-3f6a1c2b4d5e",
    "date-time": "2026-11-03T14:30:00Z",
    "date": "2026-11-03",
}
# Patterns whose texts cannot be guessed from their length alone.
_PATTERNS = ("0.00", "12.50", "12.500", "12", "1", "A", "a", "ABC-1", "#1a2b3c", "00000000000", "01001000")


def example_of(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Any:
    """A value that the schema takes: what it names as example or default, else the plainest that fits."""
    return _example(schema, definitions, 0)


def _example(schema: Mapping[str, Any], definitions: Mapping[str, Any], depth: int) -> Any:
    if "$ref" in schema:
        return _example(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions, depth)
    if schema.get("examples"):
        return schema["examples"][0]
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    if "default" in schema and schema["default"] is not None:
        return schema["default"]
    for choices in ("anyOf", "oneOf", "allOf"):
        if choices in schema:
            return _example(schema[choices][0], definitions, depth)
    return _of_type(schema, definitions, depth)


def _of_type(schema: Mapping[str, Any], definitions: Mapping[str, Any], depth: int) -> Any:
    kind = schema.get("type")
    if kind == "object":
        return _object(schema, definitions, depth)
    if kind == "array":
        wanted = schema.get("minItems", 1) if depth < _DEEPEST else 0
        return [_example(schema.get("items", {}), definitions, depth + 1) for _ in range(wanted)]
    if kind == "string":
        return _text(schema)
    if kind in ("integer", "number"):
        low = schema.get("minimum", schema.get("exclusiveMinimum", 0))
        return max(1, int(low) + ("exclusiveMinimum" in schema))
    return {"boolean": True, "null": None}.get(str(kind), {})


def _object(schema: Mapping[str, Any], definitions: Mapping[str, Any], depth: int) -> dict[str, Any]:
    if depth >= 2 * _DEEPEST:
        return {}
    # What may be left out and has no default often excludes something else, so an example does without it.
    required = schema.get("required", [])
    return {
        name: _example(part, definitions, depth + 1)
        for name, part in schema.get("properties", {}).items()
        if name in required or part.get("default", part) is not None
    }


def _text(schema: Mapping[str, Any]) -> str:
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    shortest, longest = schema.get("minLength", 0), schema.get("maxLength", 200)
    pattern = schema.get("pattern")
    for candidate in ("text", *_PATTERNS):
        text = candidate if len(candidate) >= shortest else candidate * shortest
        if shortest <= len(text) <= longest and (pattern is None or re.search(pattern, text)):
            return text
    return "text"
