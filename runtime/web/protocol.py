"""What cannot even be read as HTTP, or fails before any operation is found, is answered by a problem document too."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from runtime.data.ids import new_id
from runtime.errors import RefusedError
from runtime.host import metrics
from runtime.host.logs import get_logger
from runtime.web import problems

log = get_logger(__name__)

LOCALE = "pt-BR"
_LOOK_AGAIN_S = 0.02
HEAD_DEADLINE_S = 15.0
"""For request line and headers together, counted from the first byte."""
STALL_S = 20.0
"""A client that has taken no byte of an answer for this long will not take the rest."""


class ProblemRunner(web.AppRunner):
    """Serves an application; refusals of the HTTP server itself look like those of its operations."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._is_draining = False

    async def drain(self, linger_s: float) -> None:
        """Accept no connection any more, and close each with its next answer; back when none is left.

        A proxy may be sending on a connection that it believes to be idle, and what it sends must not be lost: so idle
        connections stay open for up to ``linger_s`` seconds to answer one more request, which asks to close.
        """
        self._is_draining = True
        for site in list(self.sites):
            await site.stop()
        with anyio.move_on_after(linger_s):
            # aiohttp tells nobody when a connection goes.
            while self.server is not None and self.server.connections:  # noqa: ASYNC110
                await anyio.sleep(_LOOK_AGAIN_S)

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        return _ProblemServer(
            self._answering(server.request_handler),
            request_factory=server.request_factory,
            handler_cancellation=server.handler_cancellation,
            loop=server._loop,
            **server._kwargs,
        )

    def _answering(
        self, handler: Callable[[Any], Awaitable[web.StreamResponse]]
    ) -> Callable[[Any], Awaitable[web.StreamResponse]]:
        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            try:
                response = await handler(request)
            except web.HTTPException as error:
                # Raised before the middlewares: an Expect header of an unknown kind.
                response = _problem(problems.of_status(error.status), request.path[:500])
            if self._is_draining and not response.prepared:
                response.force_close()
            return response

        return answer


class _ProblemServer(web.Server):
    def __call__(self) -> web.RequestHandler:
        return _ProblemProtocol(self, loop=self._loop, **self._kwargs)


class _ProblemProtocol(web.RequestHandler):
    """One connection. Its parser's complaints come here, with a placeholder for the request there is not.

    A client that takes too long to say what it wants, or takes nothing of what it is sent, loses the connection.
    """

    __slots__ = ("_asking", "_taking", "_untaken")

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._asking: asyncio.TimerHandle | None = None
        self._taking: asyncio.TimerHandle | None = None
        self._untaken = 0

    def data_received(self, data: bytes) -> None:
        """Read; the deadline of a request's head begins with its first byte and ends with its last."""
        super().data_received(data)
        waits = self._waiter is not None and not self._waiter.done()
        if self._asking is not None:
            if not waits:
                self._asking.cancel()
                self._asking = None
        elif waits and data:
            self._asking = self._loop.call_later(HEAD_DEADLINE_S, self._give_up)

    def pause_writing(self) -> None:
        """The client is not taking what it is sent as fast as it could be: see that it takes something."""
        super().pause_writing()
        self._look_again()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None

    def connection_lost(self, exc: BaseException | None) -> None:
        for timer in (self._asking, self._taking):
            if timer is not None:
                timer.cancel()
        self._asking = self._taking = None
        super().connection_lost(exc)

    def _give_up(self) -> None:
        self._asking = None
        log.info("connection closed", reason="slow request")
        self.force_close()

    def _look_again(self) -> None:
        transport = self.transport
        if transport is None:
            return
        self._untaken = transport.get_write_buffer_size()
        self._taking = self._loop.call_later(STALL_S, self._check_taking)

    def _check_taking(self) -> None:
        self._taking = None
        transport = self.transport
        if transport is None:
            return
        if transport.get_write_buffer_size() < self._untaken:
            self._look_again()
            return
        log.info("connection closed", reason="nothing taken")
        # Closing would wait for the client to take the rest.
        transport.abort()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 (it may hold what the client sent)
    ) -> web.StreamResponse:
        """Answer and close the connection; raises ``ConnectionError`` when an answer has begun already."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was under way")
        if status >= 500:
            log.error("request failed outside of the application", exc_info=exc)
            refused = problems.internal()
        elif isinstance(exc, LineTooLong):
            refused = problems.of_status(431)
        else:
            refused = problems.of_status(status)
        response = _problem(refused, "/")
        response.force_close()
        return response


def _problem(refused: RefusedError, instance: str) -> web.Response:
    request_id = str(new_id())
    metrics.HTTP_REQUESTS.labels("none", "other", refused.status).inc()
    log.info("request refused by the server", status=refused.status, request_id=request_id)
    return web.Response(
        body=problems.document(refused, locale=LOCALE, instance=instance, request_id=request_id),
        status=refused.status,
        headers={
            "Content-Type": problems.CONTENT_TYPE,
            "Cache-Control": "no-store",
            "X-Request-Id": request_id,
            **problems.SECURITY_HEADERS,
        },
    )
