"""An application served as it is in production, on a free port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

import anyio
from aiohttp import web

from runtime.web.server import ApiServer


@asynccontextmanager
async def served(application: web.Application) -> AsyncIterator[str]:
    """The address of the running server; fit for fixtures, which a task group is not: they end in another task."""
    server, stop, started = ApiServer(application, "127.0.0.1", 0, grace_s=0.1), anyio.Event(), anyio.Event()
    running = asyncio.create_task(server.run(stop, task_status=SimpleNamespace(started=started.set)))
    await started.wait()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        stop.set()
        await running
