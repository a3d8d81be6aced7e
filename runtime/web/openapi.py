"""The OpenAPI 3.1 document, made from the same models that validate: there is no second description."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from runtime.web.cookies import COOKIE
from runtime.web.examples import example_of
from runtime.web.pagination import NOT_TAKEN
from runtime.web.problem_codes import ProblemCode
from runtime.web.routing import Operation, Routes

_REFERENCE = "#/components/schemas/{model}"
_PATH_SCHEMAS: Mapping[type, dict[str, Any]] = {
    int: {"type": "integer", "minimum": 0},
    str: {"type": "string", "minLength": 1, "maxLength": 100},
}
_UUID_SCHEMA = {"type": "string", "format": "uuid"}
_BYTES = {"type": "string", "format": "binary"}
# What the heads of requests may hold as the value of a header of ours.
_PRINTABLE = "^[ -~]+$"

_PROBLEM = {
    "type": "object",
    "description": "A refusal (RFC 9457). `code` is stable; `detail` is in the reader's language.",
    "required": ["type", "title", "status", "detail", "instance", "code", "request_id", "errors"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "code": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {"type": "string"},
                    "message": {"type": "string"},
                    "code": {"type": "string"},
                },
            },
        },
    },
}


def openapi_document(
    groups: Sequence[Routes],
    permissions: Mapping[str, frozenset[str]],
    problem_codes: Mapping[str, ProblemCode],
    *,
    title: str,
    version: str,
) -> dict[str, Any]:
    """The document of all operations of ``groups``; each says which permission it takes and who has it."""
    operations = [operation for group in groups for operation in group.operations]
    schemas, references = _schemas(operations)
    content = _Content(schemas, references)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(
            operation, content, permissions
        )
    schemas["Problem"] = _PROBLEM
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": version,
            "description": "The back office of building-material stores. A store is named by its subdomain.",
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in dict.fromkeys(operation.tag for operation in operations)],
        "paths": paths,
        "x-problem-codes": {
            code: {"statuses": list(described.statuses), "meaning": described.meaning}
            for code, described in sorted(problem_codes.items())
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "cookie": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": COOKIE,
                    "description": "For pages of the same origin, with `X-CSRF-Token` on whatever is not GET",
                },
            },
        },
    }


_Key = tuple[Any, str]


def _schemas(operations: Iterable[Operation]) -> tuple[dict[str, Any], dict[_Key, dict[str, Any]]]:
    """All component schemas, and the schema that stands for each (type, mode)."""
    wanted: dict[_Key, tuple[_Key, JsonSchemaMode, Any]] = {}

    def want(kind: Any, mode: JsonSchemaMode) -> None:
        key = (kind, mode)
        if kind is not None and key not in wanted:
            wanted[key] = (key, mode, TypeAdapter(kind).core_schema)

    for operation in operations:
        want(operation.body, "validation")
        want(operation.answers, "serialization")
    generator = GenerateJsonSchema(ref_template=_REFERENCE)
    by_key, definitions = generator.generate_definitions(list(wanted.values()))
    references = {key: by_key[(key, mode)] for key, mode, _ in wanted.values()}
    return dict(sorted(definitions.items())), references


class _Content:
    """Describes JSON by its schema and an example of it."""

    def __init__(self, schemas: Mapping[str, Any], references: Mapping[_Key, dict[str, Any]]) -> None:
        self._schemas = schemas
        self._references = references

    def of(self, kind: Any, mode: JsonSchemaMode) -> dict[str, Any]:
        """The ``content`` of a request body (mode validation) or an answer (mode serialization)."""
        schema = self._references[(kind, mode)]
        return {"application/json": {"schema": schema, "example": example_of(schema, self._schemas)}}


def _operation(
    operation: Operation,
    content: _Content,
    permissions: Mapping[str, frozenset[str]],
) -> dict[str, Any]:
    described: dict[str, Any] = {
        "tags": [operation.tag],
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": [*_path_parameters(operation), *_query_parameters(operation)],
        "responses": _responses(operation, content),
    }
    if operation.description:
        described["description"] = operation.description
    if not operation.public:
        described["security"] = [{"bearer": []}, {"cookie": []}]
    if operation.may is not None:
        described["x-permission"] = operation.may
        described["x-roles"] = sorted(str(role) for role, may in permissions.items() if operation.may in may)
    if operation.method == "POST" and operation.transaction:
        described["parameters"].append(
            _header("Idempotency-Key", "Sending the same request again under the same key changes nothing.")
        )
    if operation.method == "PATCH":
        described["parameters"].append(_header("If-Match", "The ETag read before; 412 when it is stale."))
    if operation.body is not None:
        required = any(field.is_required() for field in operation.body.model_fields.values())
        described["requestBody"] = {
            "required": required,
            "content": content.of(operation.body, "validation"),
        }
    if operation.takes:
        described["requestBody"] = {
            "required": True,
            "content": {media: {"schema": _BYTES} for media in operation.takes},
        }
    return described


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": _PATH_SCHEMAS.get(kind, _UUID_SCHEMA),
        }
        for name, kind in operation.parameters.items()
    ]


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    schema = operation.query.model_json_schema(mode="validation")
    definitions = schema.get("$defs", {})
    required = schema.get("required", [])
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "schema": _inlined({key: value for key, value in shape.items() if key != "title"}, definitions),
            **({"description": shape["description"]} if "description" in shape else {}),
        }
        for name, shape in schema["properties"].items()
        if not NOT_TAKEN.items() <= shape.items()
    ]


def _inlined(schema: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_inlined(part, definitions) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(definitions[re.sub(r"^.*/", "", schema["$ref"])], definitions)
    return {key: _inlined(value, definitions) for key, value in schema.items()}


def _responses(operation: Operation, content: _Content) -> dict[str, Any]:
    good: dict[str, Any] = {"description": HTTPStatus(operation.status).phrase}
    if operation.answers is not None:
        good["content"] = content.of(operation.answers, "serialization")
    if operation.media is not None:
        good["content"] = {operation.media: {"schema": _BYTES}}
    statuses = {400, 404, 429, 431, 503, *operation.errors}
    if not operation.public:
        statuses |= {401, 403}
    if operation.body is not None:
        statuses |= {413, 415, 422}
    if operation.query is not None:
        statuses.add(422)
    if operation.method == "POST" and operation.transaction:
        statuses |= {200, 409, 422}
    if operation.method in ("PATCH", "PUT"):
        statuses.add(409)
    if operation.method == "PATCH":
        statuses.add(412)
    responses = {str(operation.status): good}
    for status in sorted(statuses):
        if status == 200:
            responses.setdefault("200", good)
            continue
        responses.setdefault(
            str(status),
            {
                "description": HTTPStatus(status).phrase,
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        )
    return responses


def _header(name: str, description: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": _PRINTABLE},
    }
