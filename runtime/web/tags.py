"""Entity tags: what ``If-None-Match`` and ``If-Match`` are compared with."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from aiohttp import web


def version_tag(version: int) -> str:
    """The tag of a resource's version."""
    return f'"{version}"'


def content_tag(body: bytes) -> str:
    """The tag of a document that has no version but its own content."""
    return f'"{hashlib.sha256(body).hexdigest()[:16]}"'


def names(header: str, tag: str) -> bool:
    """Whether the header's list holds this tag, or ``*``.

    A weak form counts as the tag itself: a proxy that compresses makes every tag weak on its way to the client, and
    ours name a version, which is the same however it is encoded.
    """
    given = [one.strip().removeprefix("W/") for one in header.split(",")]
    return tag in given or given == ["*"]


def cached(request: web.Request, body: bytes, headers: Mapping[str, str]) -> web.Response:
    """The document with its tag, or 304 when the client has it already."""
    tag = content_tag(body)
    if names(request.headers.get("If-None-Match", ""), tag):
        kept = {name: value for name, value in headers.items() if name != "Content-Type"}
        return web.Response(status=304, headers={**kept, "ETag": tag})
    return web.Response(body=body, headers={**headers, "ETag": tag})
