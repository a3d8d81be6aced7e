"""What is known about a request while it is being answered; becomes its one line in the log."""

from __future__ import annotations

from time import perf_counter

from aiohttp import web

from runtime.host.tracing import RequestSpan


class Trace:
    """Filled in as the request goes on: the route when it is found, the store and the user when they are known."""

    __slots__ = ("address", "locale", "request_id", "route", "span", "started", "tenant", "user_id")

    def __init__(self, request_id: str, address: str, locale: str) -> None:
        self.started = perf_counter()
        self.request_id = request_id
        self.address = address
        self.locale = locale
        self.route = ""
        self.tenant: str | None = None
        self.user_id: str | None = None
        self.span: RequestSpan | None = None


TRACE: web.RequestKey[Trace] = web.RequestKey("trace", Trace)
