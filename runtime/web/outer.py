"""What surrounds every answer: refusals become problem documents, headers are added, one line is logged."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection
from time import perf_counter

from aiohttp import web

from runtime.data.errors import translate
from runtime.data.ids import new_id
from runtime.errors import RefusedError, RetryLaterError
from runtime.host import metrics
from runtime.host.logs import RequestLog, get_logger
from runtime.host.tracing import TRACING
from runtime.web import problems
from runtime.web.context import Context
from runtime.web.trace import TRACE, Trace

log = get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ALLOWED_METHODS = "GET, HEAD, POST, PATCH, PUT, DELETE"
_METHODS = frozenset((*_ALLOWED_METHODS.split(", "), "OPTIONS"))
_ALLOWED_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Accept-Language"
_EXPOSED_HEADERS = "ETag, Location, Retry-After, Idempotent-Replayed, X-Request-Id"


class Outer:
    """The one middleware. ``origins`` are the exact browser origins that may call from elsewhere."""

    def __init__(self, context: Context, origins: Collection[str]) -> None:
        self._context = context
        self._origins = frozenset(origins)
        self._log = RequestLog()

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a request, whatever happens in it."""
        # Asked every second by every balancer: no identity, no line in the log.
        if request.path == "/health" and request.method == "GET":
            return await handler(request)
        peers = self._context.tenancy.peers
        given = request.headers.get("X-Request-Id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) and peers.is_trusted(request) else str(new_id())
        locale = problems.locale_of(request.headers.get("Accept-Language"), "pt-BR")
        trace = request[TRACE] = Trace(request_id, peers.address(request), locale)
        if TRACING.is_on:
            trace.span = TRACING.request(
                request.headers.get("traceparent") if peers.is_trusted(request) else None
            )
        with metrics.HTTP_REQUESTS_IN_FLIGHT.track_inprogress():
            response = await self._answer(request, handler, trace)
        headers = response.headers
        for name, value in problems.SECURITY_HEADERS.items():
            headers.setdefault(name, value)
        headers["X-Request-Id"] = request_id
        headers.setdefault("Cache-Control", "no-store")
        self._share(request, response)
        self._record(request, response, trace)
        return response

    async def _answer(self, request: web.Request, handler: Handler, trace: Trace) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        if request.method == "OPTIONS" and origin is not None:
            return web.Response(status=204)
        try:
            return await handler(request)
        except RefusedError as error:
            refused = error
        except web.HTTPException as error:
            allowed = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
            refused = problems.of_status(error.status, allowed)
        except RetryLaterError as error:
            log.warning("dependency away", reason=error.reason, request_id=trace.request_id)
            refused = problems.of_retry(error)
        except TimeoutError:
            refused = problems.of_retry(RetryLaterError("deadline"))
        except Exception as error:
            known = translate(error)
            if isinstance(known, RefusedError):
                refused = known
            elif isinstance(known, RetryLaterError):
                refused = problems.of_retry(known)
            else:
                log.exception("request failed", request_id=trace.request_id, route=trace.route)
                refused = problems.internal()
        return web.Response(
            body=problems.document(
                refused, locale=trace.locale, instance=request.path[:500], request_id=trace.request_id
            ),
            status=refused.status,
            headers={"Content-Type": problems.CONTENT_TYPE, **refused.headers},
        )

    def _share(self, request: web.Request, response: web.StreamResponse) -> None:
        """CORS: an exact list of origins, never reflected from the request."""
        if not self._origins:
            return
        varies = response.headers.get("Vary")
        response.headers["Vary"] = f"{varies}, Origin" if varies else "Origin"
        origin = request.headers.get("Origin")
        if origin in self._origins:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Allow-Credentials"] = "true"
            response.headers["Access-Control-Expose-Headers"] = _EXPOSED_HEADERS
            if request.method == "OPTIONS":
                response.headers["Access-Control-Allow-Methods"] = _ALLOWED_METHODS
                response.headers["Access-Control-Allow-Headers"] = _ALLOWED_HEADERS
                response.headers["Access-Control-Max-Age"] = "600"

    def _record(self, request: web.Request, response: web.StreamResponse, trace: Trace) -> None:
        seconds = perf_counter() - trace.started
        route = trace.route or "none"
        # Anybody can make methods up, and each would be a time series of its own.
        method = request.method if request.method in _METHODS else "other"
        metrics.HTTP_REQUESTS.labels(route, method, response.status).inc()
        metrics.HTTP_REQUEST_SECONDS.labels(route, method).observe(seconds)
        if trace.span is not None:
            attributes: dict[str, str | int] = {
                "http.request.method": method,
                "http.route": route,
                "http.response.status_code": response.status,
                "basecommerce.tenant": trace.tenant or "",
                "basecommerce.request_id": trace.request_id,
            }
            trace.span.end(f"{method} {route}", attributes, failed=response.status >= 500)
        self._log.write(
            {
                "method": request.method,
                "route": route,
                "status": response.status,
                "ms": round(seconds * 1000, 2),
                "tenant": trace.tenant,
                "user_id": trace.user_id,
                "request_id": trace.request_id,
            }
        )
