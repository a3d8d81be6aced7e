"""``basecommerce top``: the installation at a glance, again and again."""

from __future__ import annotations

from contextlib import AsyncExitStack

import anyio

from runtime.commands.opened import installation, opened
from runtime.errors import StartupError


def top(*, interval: float = 2.0, once: bool = False, ops: str | None = None) -> None:
    """Show servers, consumers and processes until Ctrl-C: rates, lags, latencies, dead letters.

    Parameters
    ----------
    interval
        Seconds between two looks; rates and latencies are those between them.
    once
        Look twice, print, and end; what a script or a pipe wants.
    ops
        Where processes serve their metrics, comma-separated (``http://10.0.0.5:9464``); default: OPS_HOST and
        OPS_PORT of this machine.
    """
    from rich.console import Console
    from rich.live import Live

    from runtime.commands.readings import Reading, read
    from runtime.commands.top_view import view
    from runtime.events.streams import open_redis

    if not 0.2 <= interval <= 3600:
        raise StartupError("--interval: 0.2 to 3600 seconds")

    async def run() -> None:
        settings = installation()
        urls = (
            [url.strip() for url in ops.split(",")]
            if ops
            else [f"http://{settings.ops_host}:{settings.ops_port}"]
        )
        async with AsyncExitStack() as stack:
            database = await stack.enter_async_context(opened(settings, "scheduler", size=1))
            client = open_redis(settings.redis_url, cluster=settings.redis_cluster, connections=2)
            stack.push_async_callback(client.aclose)

            async def look() -> Reading:
                return await read(database, client, settings.event_partitions, urls)

            console = Console()
            before = await look()
            if once:
                await anyio.sleep(interval)
                console.print(view(before, await look()))
                return
            with Live(view(None, before), console=console, screen=True, auto_refresh=False) as live:
                while True:
                    await anyio.sleep(interval)
                    now = await look()
                    live.update(view(before, now), refresh=True)
                    before = now

    anyio.run(run)
