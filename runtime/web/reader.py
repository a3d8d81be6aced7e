"""The one reader of requests: JSON bodies and query strings, bounded and unambiguous."""

from __future__ import annotations

import asyncio
import json
from typing import Any, get_origin

import orjson
from aiohttp import web
from pydantic import BaseModel, ValidationError

from runtime.errors import RefusedError
from runtime.web.problems import invalid

MAX_BODY = 1024 * 1024
MAX_PUBLIC_BODY = 64 * 1024
"""Of somebody who has not signed in: reading a megabyte is milliseconds of the event loop that anybody could take."""
MAX_DEPTH = 32
READ_DEADLINE_S = 15.0


async def read_body(request: web.Request, most: int = MAX_BODY) -> bytes:
    """The whole body of at most so many bytes; 413 when it is larger, 408 in the shape of a 400 when the client is too
    slow."""
    length = request.content_length
    if length is not None and length > most:
        raise _too_large(most)
    if not request.body_exists:
        return b""
    data = bytearray()
    try:
        async with asyncio.timeout(READ_DEADLINE_S):
            async for part in request.content.iter_any():
                data += part
                if len(data) > most:
                    raise _too_large(most)
        return bytes(data)
    except TimeoutError:
        raise _malformed("slow_body", "The body took too long.", "O corpo demorou demais.") from None
    except (web.RequestPayloadError, ConnectionError, ValueError):
        raise _malformed("body", "The body could not be read.", "O corpo não pôde ser lido.") from None


def parse_json(request: web.Request, data: bytes) -> Any:
    """The body's JSON: UTF-8, at most 32 levels, no NaN, no NUL, no lone surrogates, no key given twice."""
    _check_content_type(request)
    try:
        parsed = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise _malformed("json", "The body is not valid JSON.", "O corpo não é um JSON válido.") from None
    keys = _count_keys(parsed)
    # Every key has a colon of its own outside of strings, so equal numbers mean that no key was given twice.
    if data.count(b":") != keys:
        _refuse_duplicates(data)
    return parsed


class BodyReader:
    """Validates bodies against one model; pydantic's validator is built once."""

    __slots__ = ("_validate", "empty_allowed")

    def __init__(self, model: type[BaseModel]) -> None:
        self._validate = model.__pydantic_validator__.validate_python
        self.empty_allowed = not any(field.is_required() for field in model.model_fields.values())

    def read(self, request: web.Request, data: bytes) -> Any:
        """The validated body; 400 when it is not JSON, 422 when its content is refused."""
        if not data and self.empty_allowed:
            parsed: Any = {}
        else:
            parsed = parse_json(request, data)
        try:
            return self._validate(parsed)
        except ValidationError as error:
            raise invalid(error) from None


class QueryReader:
    """Validates query strings against one model; a parameter given twice is refused unless it is a list."""

    __slots__ = ("_default", "_lists", "_validate")

    def __init__(self, model: type[BaseModel]) -> None:
        self._validate = model.__pydantic_validator__.validate_python
        self._lists = frozenset(
            name
            for name, field in model.model_fields.items()
            if get_origin(field.annotation) in (list, tuple, set, frozenset)
        )
        required = any(field.is_required() for field in model.model_fields.values())
        self._default = None if required else model()

    def read(self, request: web.Request) -> Any:
        """The validated query; 422 with pointers that start with ``/query``."""
        if self._default is not None and not request.query_string:
            return self._default
        values: dict[str, Any] = {}
        for name, value in request.query.items():
            if "\0" in value or "\0" in name:
                raise _malformed("query", "The query has a NUL.", "A consulta contém um NUL.")
            if name in self._lists:
                values.setdefault(name, []).append(value)
            elif name in values:
                raise _malformed(
                    "query", "A parameter is given twice.", "Um parâmetro foi informado duas vezes."
                )
            else:
                values[name] = value
        try:
            return self._validate(values)
        except ValidationError as error:
            raise invalid(error, at="/query") from None


def _count_keys(parsed: Any) -> int:
    """How many keys there are in all objects; refuses deep nesting and NUL on the way."""
    keys = 0
    level: list[Any] = [[parsed]]
    for _ in range(MAX_DEPTH + 1):
        following: list[Any] = []
        for container in level:
            values = container
            if type(container) is dict:
                keys += len(container)
                values = container.values()
                for key in container:
                    if "\0" in key:
                        raise _nul()
            for value in values:
                kind = type(value)
                if kind is str:
                    if "\0" in value:
                        raise _nul()
                elif kind is dict or kind is list:
                    following.append(value)
        if not following:
            return keys
        level = following
    raise _malformed("json_depth", "The JSON is nested too deeply.", "O JSON tem níveis demais.")


def _refuse_duplicates(data: bytes) -> None:
    def unique(pairs: list[tuple[str, Any]]) -> None:
        if len({key for key, _ in pairs}) != len(pairs):
            raise _malformed("duplicate_key", "A key is given twice.", "Uma chave foi informada duas vezes.")

    json.loads(data, object_pairs_hook=unique)


def _check_content_type(request: web.Request) -> None:
    if request.headers.get("Content-Type") == "application/json":
        return
    content_type, charset = request.content_type, request.charset
    is_json = content_type == "application/json" or content_type.endswith("+json")
    if not is_json or (charset is not None and charset.lower() not in ("utf-8", "utf8")):
        raise RefusedError(
            "media_type",
            "The body has to be application/json in UTF-8.",
            "O corpo deve ser application/json em UTF-8.",
            415,
        )


def check_encoding(request: web.Request) -> None:
    """415 when the body is compressed."""
    # A few bytes of a compressed body can be gigabytes of zeros; nobody needs one within 1 MiB.
    encoding = request.headers.get("Content-Encoding")
    if encoding is not None and encoding.strip().lower() != "identity":
        raise RefusedError(
            "content_encoding",
            "The body has to come uncompressed.",
            "O corpo deve vir sem compressão.",
            415,
            headers={"Accept-Encoding": "identity"},
        )


def _nul() -> RefusedError:
    return _malformed("nul", "The JSON has a NUL character.", "O JSON contém um caractere NUL.")


def _too_large(most: int) -> RefusedError:
    size = f"{most // 1024} KiB"
    return RefusedError("too_large", f"The body is larger than {size}.", f"O corpo passa de {size}.", 413)


def _malformed(code: str, en: str, pt: str) -> RefusedError:
    return RefusedError(code, en, pt, 400)
