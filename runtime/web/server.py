"""The API as an actor: it listens until it is asked to stop, then lets the requests in flight finish."""

from __future__ import annotations

import anyio
from aiohttp import web
from anyio.abc import TaskStatus

from runtime.errors import StartupError
from runtime.host.logs import get_logger
from runtime.web.protocol import ProblemRunner

log = get_logger(__name__)

# Longer than nginx keeps an idle connection (60 s), so that it is nginx that closes them.
KEEP_ALIVE_S = 75.0
LINGER_S = 2.0


class ApiServer:
    """Serves ``application`` on ``host:port``; ``port`` 0 takes a free one, found in ``port`` once ready."""

    def __init__(self, application: web.Application, host: str, port: int, *, grace_s: float) -> None:
        self._application = application
        self._host = host
        self.port = port
        self._grace_s = grace_s

    async def run(self, stop: anyio.Event, *, task_status: TaskStatus[None]) -> None:
        """Listen until ``stop``; then every connection gets one more answer, and requests in flight the grace time.

        A taken port stops the start.
        """
        runner = ProblemRunner(
            self._application,
            access_log=None,
            handle_signals=False,
            # Nobody may send compressed bodies, and what unpacks them fails in ways that are not ours to answer.
            auto_decompress=False,
            keepalive_timeout=KEEP_ALIVE_S,
            shutdown_timeout=self._grace_s,
        )
        await runner.setup()
        try:
            try:
                await web.TCPSite(runner, self._host, self.port, backlog=1024).start()
            except OSError as error:
                raise StartupError(
                    f"API_PORT: cannot listen on {self._host}:{self.port} ({error.strerror})"
                ) from None
            self.port = runner.addresses[0][1]
            log.info("listening", address=f"{self._host}:{self.port}")
            task_status.started()
            await stop.wait()
            await runner.drain(LINGER_S)
        finally:
            await runner.cleanup()
