"""``/openapi.json`` and ``/docs``: the API described for tools and for people, from the application itself."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import anyio
import anyio.to_thread
import orjson
from aiohttp import web

from runtime.web.openapi import openapi_document
from runtime.web.problem_codes import ProblemCode
from runtime.web.routing import Routes
from runtime.web.tags import cached
from runtime.web.trace import TRACE

TITLE = "BaseCommerce"

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2430}
h2{margin-top:2.5rem;border-bottom:1px solid #ccd}code,pre{font:13px/1.45 ui-monospace,monospace}
details{border:1px solid #dde;border-radius:6px;margin:.5rem 0;padding:.4rem .8rem}summary{cursor:pointer}
.m{display:inline-block;min-width:4.2em;font-weight:700}pre{background:#f5f6fa;padding:.8rem;overflow:auto}
.p{color:#667}
"""


# The page brings one style sheet, named by its hash; nothing else may run, load or be sent.
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


def add_to(
    application: web.Application,
    groups: Sequence[Routes],
    permissions: Mapping[str, frozenset[str]],
    problem_codes: Mapping[str, ProblemCode],
) -> None:
    """Serve both. They are made at the first request, so that they cost the start nothing."""
    made: dict[str, bytes] = {}
    making = anyio.Lock()

    def make() -> None:
        described = document(groups, permissions, problem_codes)
        made["/openapi.json"] = orjson.dumps(described)
        made["/docs"] = page(described).encode()

    def serve(path: str, content_type: str) -> Callable[[web.Request], Awaitable[web.Response]]:
        headers = {
            "Cache-Control": "public, max-age=60",
            "Content-Type": content_type,
            "Content-Security-Policy": _POLICY,
        }

        async def answer(request: web.Request) -> web.Response:
            request[TRACE].route = path
            async with making:
                if path not in made:
                    # About a tenth of a second of work, which the other requests would wait for on the loop.
                    await anyio.to_thread.run_sync(make)
            return cached(request, made[path], headers)

        return answer

    application.router.add_get("/openapi.json", serve("/openapi.json", "application/json"))
    application.router.add_get("/docs", serve("/docs", "text/html; charset=utf-8"))


def document(
    groups: Sequence[Routes],
    permissions: Mapping[str, frozenset[str]],
    problem_codes: Mapping[str, ProblemCode],
) -> dict[str, Any]:
    """The OpenAPI document of the running release."""
    return openapi_document(groups, permissions, problem_codes, title=TITLE, version=version("basecommerce"))


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
        f"<p id='problem-{html.escape(code)}'><code>{html.escape(code)}</code> "
        f"({', '.join(map(str, problem['statuses']))}) {html.escape(problem['meaning'])}</p>"
        for code, problem in described["x-problem-codes"].items()
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
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    answers = "".join(
        f"<li>{status} {html.escape(answer['description'])} {_shape(answer)}</li>"
        for status, answer in operation["responses"].items()
    )
    return (
        f"<details><summary><span class=m>{method.upper()}</span><code>{html.escape(path)}</code> "
        f"{html.escape(operation['summary'])}{who}</summary><p>{html.escape(operation.get('description', ''))}</p>"
        + (f"<ul>{takes}</ul>" if takes else "")
        + (f"<p>Body: {_name(body['schema'])}</p>{_example(body['example'])}" if body else "")
        + f"<ul>{answers}</ul></details>"
    )


def _example(value: Any) -> str:
    return f"<pre>{html.escape(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())}</pre>"


def _shape(answer: Mapping[str, Any]) -> str:
    for content in answer.get("content", {}).values():
        return _name(content["schema"])
    return ""


def _name(schema: Mapping[str, Any]) -> str:
    name = schema.get("$ref", "").rsplit("/", 1)[-1]
    return f"<a href='#shape-{html.escape(name)}'>{html.escape(name)}</a>" if name else "JSON"
