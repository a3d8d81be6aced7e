"""One operation as an aiohttp handler: tenant, identity, permission, limits, input, transaction, answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from runtime.data.database import Database
from runtime.errors import ForbiddenError, NotFoundError, RetryLaterError, UnauthorizedError
from runtime.host.logs import security_event
from runtime.web.call import Call, Identity, Reply, Tenant
from runtime.web.context import Context
from runtime.web.problems import locale_of
from runtime.web.reader import (
    MAX_BODY,
    MAX_PUBLIC_BODY,
    BodyReader,
    QueryReader,
    check_encoding,
    read_body,
)
from runtime.web.routing import PATH_READERS, Operation
from runtime.web.streaming import StreamedResponse
from runtime.web.tags import names, version_tag
from runtime.web.tenancy import admit
from runtime.web.tokens import Claims
from runtime.web.trace import TRACE, Trace
from runtime.web.writes import StoredAnswer, claim, claimed, idempotency_key, recall, record

HANDLER_DEADLINE_S = 15.0
JSON = "application/json"
REPLAYED = "Idempotent-Replayed"

_KEPT_HEADERS = ("ETag", "Location")


def endpoint(
    operation: Operation, context: Context
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The aiohttp handler of an operation; raises refusals, which the outer middleware answers."""
    return _Endpoint(operation, context).serve


class _Endpoint:
    """Everything that can be prepared once is prepared here, so that a request only runs."""

    def __init__(self, operation: Operation, context: Context) -> None:
        self._operation = operation
        self._context = context
        self._body = None if operation.body is None else BodyReader(operation.body)
        self._query = None if operation.query is None else QueryReader(operation.query)
        self._readers = [(name, PATH_READERS[kind]) for name, kind in operation.parameters.items()]
        self._is_post = operation.method == "POST"
        self._largest = MAX_PUBLIC_BODY if operation.public else MAX_BODY
        self._is_get = operation.method == "GET"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        operation, trace = self._operation, request[TRACE]
        trace.route = operation.path
        call: Call[Any] = Call(self._context, request, trace.request_id, trace.address, trace.locale)
        await self._admit(call, trace)
        try:
            return await self._answer(call, request)
        finally:
            # Also after a fault: what was committed before it, or with it, is to be seen.
            if operation.is_write and not operation.public:
                await self._context.reads.wrote(call.identity)

    async def _answer(self, call: Call[Any], request: web.Request) -> web.StreamResponse:
        operation = self._operation
        call.arguments = arguments = self._path_arguments(request)
        call.query = None if self._query is None else self._query.read(request)
        check_encoding(request)
        data = b""
        key = idempotency_key(request) if self._is_post and operation.transaction else None
        if self._body is not None:
            data = await read_body(request, self._largest)
            arguments["body"] = self._body.read(request, data)
        elif key is not None and not operation.reads_body:
            data = await read_body(request, self._largest)
        if not operation.transaction:
            async with asyncio.timeout(HANDLER_DEADLINE_S):
                reply = await operation.handler(call, **arguments)
            if isinstance(reply.body, AsyncGenerator):
                return StreamedResponse(
                    reply.body, status=reply.status or operation.status, headers=reply.headers or {}
                )
            return self._response(call, reply)
        if operation.prepare is not None:
            if key is not None and not operation.reads_body:
                stored = await recall(call, operation, key, data)
                if stored is not None:
                    return _replay(stored)
            async with asyncio.timeout(HANDLER_DEADLINE_S):
                call.prepared = await operation.prepare(call, **arguments)
        return await self._in_transaction(call, arguments, key, data or call.content)

    async def _in_transaction(
        self, call: Call[Any], arguments: dict[str, Any], key: str | None, data: bytes
    ) -> web.Response:
        if not self._operation.stale:
            return await self._transact(self._context.database, call, arguments, key, data)
        return await self._context.reads.run(
            call.identity, lambda database: self._transact(database, call, arguments, None, b"")
        )

    async def _transact(
        self, database: Database, call: Call[Any], arguments: dict[str, Any], key: str | None, data: bytes
    ) -> web.Response:
        operation = self._operation
        user_id = None if operation.public else call.identity.user_id
        first = None if key is None else claim(call, operation, key, data)
        opened = (
            database.reading(call.tenant.id, user_id=user_id)
            if operation.only_reads
            else database.tenant(call.tenant.id, user_id=user_id, first=first)
        )
        async with opened as tx:
            call.tx = tx
            tx.correlation_id = call.request_id
            if (span := call.request[TRACE].span) is not None:
                tx.traceparent = span.traceparent
            # The deadline covers the work and leaves the commit alone, whose outcome would be unknown if cut short.
            async with asyncio.timeout(HANDLER_DEADLINE_S):
                if key is not None:
                    stored = await claimed(call, operation, key, data)
                    if stored is not None:
                        return _replay(stored)
                reply = await operation.handler(call, **arguments)
                response = self._response(call, reply)
                if not self._is_get or call.audited:
                    kept = {name: value for name in _KEPT_HEADERS if (value := response.headers.get(name))}
                    record(call, operation, key, response.status, response.body, kept)  # type: ignore[arg-type]
        return response

    async def _admit(self, call: Call[Any], trace: Trace) -> None:
        """Set the call's store and identity, or refuse: 404, 401, 403, 429."""
        context, request = self._context, call.request
        tenant = await context.tenancy.named(request)
        if tenant is not None:
            self._speak_as(call, trace, tenant)
        if self._operation.public:
            if tenant is None:
                tenant = await self._platform()
                self._speak_as(call, trace, tenant)
        else:
            claims = self._claims(request)
            if tenant is None:
                tenant = admit(
                    context.directory.recall(claims.tenant_id)
                    or await context.directory.by_id(claims.tenant_id)
                )
                self._speak_as(call, trace, tenant)
            if tenant.id != claims.tenant_id:
                security_event(
                    "tenant_mismatch",
                    tenant=tenant.slug,
                    token_of=str(claims.tenant_id),
                    user_id=str(claims.user_id),
                )
                raise ForbiddenError(
                    "tenant_mismatch",
                    "Your sign-in belongs to another store.",
                    "Seu acesso pertence a outra loja.",
                )
            call.identity = await self._identify(claims, tenant)
            trace.user_id = str(claims.user_id)
        call.tenant = tenant
        if self._operation.public:
            context.limits.check_address(call.address)
        else:
            self._authorize(call)

    def _claims(self, request: web.Request) -> Claims:
        """Who the request says it is of: its bearer token, else the cookie of a page of ours."""
        cookies = self._context.cookies
        token = None if "Authorization" in request.headers else cookies.read(request)
        if token is None:
            return self._context.tokens.read(_bearer(request))
        claims = self._context.tokens.read(token)
        cookies.check(request, claims.session_id)
        return claims

    @staticmethod
    def _speak_as(call: Call[Any], trace: Trace, tenant: Tenant) -> None:
        """From here on the log line names the store, and refusals are in its language."""
        trace.tenant = tenant.slug
        call.locale = trace.locale = locale_of(call.request.headers.get("Accept-Language"), tenant.locale)

    async def _platform(self) -> Tenant:
        tenant = await self._context.directory.platform()
        if tenant is None:
            raise RetryLaterError("the platform's own tenant is missing")
        return tenant

    async def _identify(self, claims: Claims, tenant: Tenant) -> Identity:
        session = await self._context.sessions.find(tenant.id, claims.session_id)
        if session is None or session.user_id != claims.user_id:
            raise UnauthorizedError(
                "session_ended",
                "Your session has ended; sign in again.",
                "Sua sessão terminou; entre novamente.",
            )
        return Identity(
            tenant_id=tenant.id,
            user_id=claims.user_id,
            role=session.role,
            session_id=claims.session_id,
            permissions=self._context.permissions.get(session.role, frozenset()),
        )

    def _authorize(self, call: Call[Any]) -> None:
        identity, may = call.identity, self._operation.may
        self._context.limits.check(identity.tenant_id, identity.user_id)
        if may is not None and may not in identity.permissions:
            security_event(
                "forbidden",
                tenant=call.tenant.slug,
                user_id=str(identity.user_id),
                role=identity.role,
                may=may,
            )
            raise ForbiddenError

    def _path_arguments(self, request: web.Request) -> dict[str, Any]:
        arguments: dict[str, Any] = {}
        for name, read in self._readers:
            value = read(request.match_info[name])
            if value is None:
                raise NotFoundError
            arguments[name] = value
        return arguments

    def _response(self, call: Call[Any], reply: Reply) -> web.Response:
        headers: CIMultiDict[str] = CIMultiDict()
        if reply.headers is not None:
            headers.update(reply.headers)
        status = reply.status or self._operation.status
        if reply.version is not None:
            headers["ETag"] = tag = version_tag(reply.version)
            if self._is_get and names(call.request.headers.get("If-None-Match", ""), tag):
                return web.Response(status=304, headers=headers)
        if reply.body is None:
            return web.Response(status=204 if status == 200 else status, headers=headers)
        headers.setdefault("Content-Type", JSON)
        return web.Response(body=reply.content(), status=status, headers=headers)


def _bearer(request: web.Request) -> str:
    header = request.headers.get("Authorization", "")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise UnauthorizedError
    return token


def _replay(stored: StoredAnswer) -> web.Response:
    headers: CIMultiDict[str] = CIMultiDict(stored.headers)
    headers[REPLAYED] = "true"
    if stored.body:
        headers["Content-Type"] = JSON
    return web.Response(body=stored.body.encode(), status=stored.status, headers=headers)
