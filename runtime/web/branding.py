"""``/tenant.json``: what a store looks like, for the page that asks for a password."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import orjson
from aiohttp import web

from runtime.web.context import Context
from runtime.web.tags import cached
from runtime.web.trace import TRACE

MAX_AGE_S = 60
_HEADERS = {
    "Cache-Control": f"public, max-age={MAX_AGE_S}",
    "Content-Type": "application/json",
    "Vary": "Host",
}


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
        return cached(request, body, _HEADERS)

    return branding
