"""``/tenant.json``: what a store looks like, for the page that asks for a password."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable

import orjson
from aiohttp import web

from runtime.web.context import Context
from runtime.web.trace import TRACE

MAX_AGE_S = 60


def endpoint(context: Context) -> Callable[[web.Request], Awaitable[web.Response]]:
    """The handler; the bare host answers the platform's own name."""

    async def branding(request: web.Request) -> web.Response:
        request[TRACE].route = "/tenant.json"
        tenant = await context.tenancy.named(request) or await context.directory.platform()
        body = orjson.dumps(
            {
                "slug": tenant.slug if tenant else "platform",
                "name": tenant.name if tenant else "Platform",
                "locale": tenant.locale if tenant else "en",
                "time_zone": tenant.time_zone if tenant else "UTC",
                "branding": dict(tenant.branding) if tenant else {},
            }
        )
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        headers = {"ETag": tag, "Cache-Control": f"public, max-age={MAX_AGE_S}", "Vary": "Host"}
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers=headers)
        return web.Response(body=body, headers={**headers, "Content-Type": "application/json"})

    return branding
