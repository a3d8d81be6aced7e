"""The operator's listener: ``/health`` (alive), ``/ready`` (may get work), ``/metrics``. Never public."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
from aiohttp import web

from runtime.errors import StartupError
from runtime.host import metrics
from runtime.host.logs import get_logger

log = get_logger(__name__)

Check = Callable[[], Awaitable[str | None]]

_CHECK_TIMEOUT_S = 2.0


class Readiness:
    """Named checks; each answers None or a sentence saying what is wrong."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}

    def add(self, name: str, check: Check) -> None:
        """Register ``check``; it is given two seconds, and an exception counts as its answer."""
        self._checks[name] = check

    async def failing(self) -> dict[str, str]:
        """Run all checks at once; name -> sentence of those that fail, in order of registration."""
        answers: dict[str, str | None] = {}

        async def run(name: str, check: Check) -> None:
            try:
                with anyio.fail_after(_CHECK_TIMEOUT_S):
                    answers[name] = await check()
            except TimeoutError:
                answers[name] = f"no answer within {_CHECK_TIMEOUT_S:.0f} s"
            except Exception as error:
                log.warning("readiness check failed", check=name, exc_info=True)
                answers[name] = type(error).__name__

        async with anyio.create_task_group() as tasks:
            for name, check in self._checks.items():
                tasks.start_soon(run, name, check)
        return {name: problem for name in self._checks if (problem := answers[name]) is not None}


def ops_application(readiness: Readiness) -> web.Application:
    """The three pages."""

    async def health(_request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def ready(_request: web.Request) -> web.Response:
        if failing := await readiness.failing():
            return web.json_response({"status": "unready", "failing": failing}, status=503)
        return web.json_response({"status": "ready"})

    async def show_metrics(_request: web.Request) -> web.Response:
        return web.Response(
            body=metrics.exposition(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        )

    application = web.Application()
    application.router.add_get("/health", health)
    application.router.add_get("/ready", ready)
    application.router.add_get("/metrics", show_metrics)
    return application


@asynccontextmanager
async def ops_listener(host: str, port: int, readiness: Readiness) -> AsyncIterator[int]:
    """Serve the pages for the life of the block; yields the port, which matters when 0 was asked for."""
    runner = web.AppRunner(
        ops_application(readiness), access_log=None, handle_signals=False, shutdown_timeout=1
    )
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise StartupError(f"OPS_PORT: cannot listen on {host}:{port} ({error.strerror})") from None
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
