"""The aiohttp application of a vertical: its operations, its documentation, and what all of them share."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from runtime.data.database import Database
from runtime.data.files import open_files
from runtime.data.replica import Replica
from runtime.host.ops import Readiness
from runtime.settings import Settings
from runtime.web import auth, branding, documentation
from runtime.web.context import Context
from runtime.web.cookies import Cookies
from runtime.web.endpoint import endpoint
from runtime.web.feeds import Feeds
from runtime.web.keys import KeyRing
from runtime.web.limits import RateLimits
from runtime.web.outer import Outer
from runtime.web.pagination import Cursors
from runtime.web.passwords import Passwords
from runtime.web.problem_codes import SHARED_CODES, ProblemCode
from runtime.web.reader import MAX_BODY
from runtime.web.reads import Reads
from runtime.web.routing import Operation, Routes
from runtime.web.sessions import Sessions
from runtime.web.tenancy import Directory, Tenancy
from runtime.web.throttle import Throttle
from runtime.web.tokens import Tokens
from runtime.web.trace import TRACE

CONTEXT: web.AppKey[Context] = web.AppKey("context", Context)


def create_application(
    settings: Settings,
    database: Database,
    redis: Any,
    *,
    routes: Sequence[Routes],
    permissions: Mapping[str, frozenset[str]],
    tenant_settings: type[BaseModel],
    problem_codes: Mapping[str, ProblemCode],
    readiness: Readiness | None = None,
    replica: Replica | None = None,
) -> web.Application:
    """All operations of ``routes`` and of sign-in, with health, readiness, branding and documentation.

    ``permissions`` says what each role may do; ``tenant_settings`` reads a store's settings from their JSON;
    ``problem_codes`` describes the refusals of the vertical's own. ``replica`` answers what is declared ``stale``.
    """
    directory = Directory(database, tenant_settings.model_validate)
    secret, previous = settings.secret_key.get_secret_value(), settings.secret_key_previous.get_secret_value()
    limits = RateLimits(settings.rate_limit_user, settings.rate_limit_tenant)
    tenancy = Tenancy(settings, directory, limits)
    context = Context(
        settings=settings,
        database=database,
        files=open_files(settings),
        permissions=permissions,
        cookies=Cookies(tenancy.peers, KeyRing("csrf", secret, previous)),
        cursors=Cursors(KeyRing("cursors", secret, previous)),
        directory=directory,
        feeds=Feeds(),
        reads=Reads(database, redis, replica),
        sessions=Sessions(database, redis),
        tokens=Tokens(settings),
        passwords=Passwords(),
        throttle=Throttle(redis),
        limits=limits,
        tenancy=tenancy,
    )
    outer = Outer(context, settings.cors_origins)

    @web.middleware
    async def surround(request: web.Request, handler: Any) -> web.StreamResponse:
        return await outer(request, handler)

    application = web.Application(middlewares=[surround], client_max_size=MAX_BODY)
    application[CONTEXT] = context
    everything = (auth.routes, *routes)
    for group in everything:
        for operation in group.operations:
            serve = endpoint(operation, context)
            application.router.add_route(operation.method, operation.path, serve)
            if operation.method == "GET":
                application.router.add_route("HEAD", operation.path, serve)
    _keep_apart(application, [operation for group in everything for operation in group.operations])
    application.router.add_get("/health", _health)
    application.router.add_get("/ready", _ready(readiness or Readiness()))
    application.router.add_get("/tenant.json", branding.endpoint(context))
    documentation.add_to(application, everything, permissions, {**SHARED_CODES, **problem_codes})

    async def close(_application: web.Application) -> AsyncIterator[None]:
        yield
        context.passwords.close()

    async def end_feeds(_application: web.Application) -> None:
        context.feeds.closing.set()

    application.cleanup_ctx.append(close)
    application.on_shutdown.append(end_feeds)
    return application


def _keep_apart(application: web.Application, operations: Sequence[Operation]) -> None:
    """Answer 405 for the other methods of an address like ``/products/import``, which would be another address's, like
    ``/products/{product_id}``, otherwise."""
    methods: dict[str, set[str]] = {}
    for operation in operations:
        methods.setdefault(operation.path, set()).update(
            ("GET", "HEAD") if operation.method == "GET" else (operation.method,)
        )
    shapes = [re.compile(re.sub(r"\{[^/]+\}", "[^/{}]+", path)) for path in methods if "{" in path]
    for path, allowed in methods.items():
        if "{" not in path and any(shape.fullmatch(path) for shape in shapes):
            application.router.add_route("*", path, _refusing_others(path, allowed))


def _refusing_others(path: str, allowed: set[str]) -> Callable[[web.Request], Any]:
    async def refuse(request: web.Request) -> web.Response:
        request[TRACE].route = path
        raise web.HTTPMethodNotAllowed(request.method, sorted(allowed))

    return refuse


_JSON = {"Content-Type": "application/json"}


async def _health(_request: web.Request) -> web.Response:
    return web.Response(body=b'{"status": "ok"}', headers=_JSON)


def _ready(readiness: Readiness) -> Callable[[web.Request], Any]:
    async def ready(request: web.Request) -> web.Response:
        request[TRACE].route = "/ready"
        failing = await readiness.failing()
        if failing:
            return web.json_response({"status": "unready", "failing": sorted(failing)}, status=503)
        return web.json_response({"status": "ready"})

    return ready
