"""``/openapi.json`` and ``/docs``: the API described for tools and for people, from the application itself."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import orjson
from aiohttp import web

from runtime.web.openapi import openapi_document
from runtime.web.problems import known_codes
from runtime.web.routing import Routes
from runtime.web.trace import TRACE

TITLE = "BaseCommerce"

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2430}
h2{margin-top:2.5rem;border-bottom:1px solid #ccd}code,pre{font:13px/1.45 ui-monospace,monospace}
details{border:1px solid #dde;border-radius:6px;margin:.5rem 0;padding:.4rem .8rem}summary{cursor:pointer}
.m{display:inline-block;min-width:4.2em;font-weight:700}pre{background:#f5f6fa;padding:.8rem;overflow:auto}
.p{color:#667}
"""


def add_to(
    application: web.Application, groups: Sequence[Routes], permissions: Mapping[str, frozenset[str]]
) -> None:
    """Serve both. They are made at the first request, so that they cost the start nothing."""
    made: dict[str, bytes] = {}

    async def openapi(request: web.Request) -> web.Response:
        request[TRACE].route = "/openapi.json"
        if "openapi" not in made:
            made["openapi"] = orjson.dumps(document(groups, permissions))
        return _cached(request, made["openapi"], "application/json")

    async def docs(request: web.Request) -> web.Response:
        request[TRACE].route = "/docs"
        if "docs" not in made:
            made["docs"] = page(document(groups, permissions)).encode()
        return _cached(request, made["docs"], "text/html; charset=utf-8")

    application.router.add_get("/openapi.json", openapi)
    application.router.add_get("/docs", docs)


def document(groups: Sequence[Routes], permissions: Mapping[str, frozenset[str]]) -> dict[str, Any]:
    """The OpenAPI document of the running release."""
    return openapi_document(groups, permissions, title=TITLE, version=version("basecommerce"))


def page(described: Mapping[str, Any]) -> str:
    """The document as one readable page: no script, no request to anywhere."""
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>{TITLE} API</title><style>{_STYLE}</style><h1>{TITLE} API</h1>",
        f"<p>{html.escape(described['info']['description'])} "
        "The same as <a href=/openapi.json>OpenAPI 3.1</a>, for tools.</p>",
    ]
    by_tag: dict[str, list[str]] = {}
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            by_tag.setdefault(operation["tags"][0], []).append(_operation(path, method, operation))
    for tag, operations in by_tag.items():
        parts += [f"<h2 id='{html.escape(tag)}'>{html.escape(tag)}</h2>", *operations]
    parts.append(
        "<h2>Problems</h2><p>A refusal is <code>application/problem+json</code>; its type is one of these.</p>"
    )
    parts += [
        f"<p id='problem-{html.escape(code)}'><code>{html.escape(code)}</code> ({status}) {html.escape(en)}</p>"
        for code, status, en, _ in known_codes()
    ]
    parts.append("<h2>Shapes</h2>")
    parts += [
        f"<details id='shape-{html.escape(name)}'><summary><code>{html.escape(name)}</code></summary>"
        f"<pre>{html.escape(orjson.dumps(shape, option=orjson.OPT_INDENT_2).decode())}</pre></details>"
        for name, shape in described["components"]["schemas"].items()
    ]
    return "".join(parts)


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> str:
    permission = operation.get("x-permission")
    who = (
        f" <span class=p>{html.escape(permission)}: {', '.join(operation['x-roles'])}</span>"
        if permission
        else ""
    )
    takes = "".join(
        f"<li><code>{html.escape(parameter['name'])}</code> ({parameter['in']}) "
        f"{html.escape(parameter.get('description', ''))}</li>"
        for parameter in operation["parameters"]
    )
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    answers = "".join(
        f"<li>{status} {html.escape(answer['description'])} {_shape(answer)}</li>"
        for status, answer in operation["responses"].items()
    )
    return (
        f"<details><summary><span class=m>{method.upper()}</span><code>{html.escape(path)}</code> "
        f"{html.escape(operation['summary'])}{who}</summary><p>{html.escape(operation.get('description', ''))}</p>"
        + (f"<ul>{takes}</ul>" if takes else "")
        + (f"<p>Body: {_name(body)}</p>" if body else "")
        + f"<ul>{answers}</ul></details>"
    )


def _shape(answer: Mapping[str, Any]) -> str:
    for content in answer.get("content", {}).values():
        return _name(content["schema"])
    return ""


def _name(schema: Mapping[str, Any]) -> str:
    name = schema.get("$ref", "").rsplit("/", 1)[-1]
    return f"<a href='#shape-{html.escape(name)}'>{html.escape(name)}</a>" if name else "JSON"


def _cached(request: web.Request, body: bytes, content_type: str) -> web.Response:
    tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    headers = {
        "ETag": tag,
        "Cache-Control": "public, max-age=60",
        "Content-Type": content_type,
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    }
    if request.headers.get("If-None-Match") == tag:
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, headers=headers)
