"""``basecommerce engines``."""

from __future__ import annotations

import anyio
import cyclopts

from runtime.commands.opened import installation, opened, tenant_id_of
from runtime.commands.output import say
from runtime.errors import NotFoundError

app = cyclopts.App(name="engines", help="Rebuild what engines have learnt; retire an engine.")


@app.command
def rebuild(engine: str, *stores: str) -> None:
    """Forget what an engine knows of stores and apply their whole event log again.

    Refused for a store whose log retention has already cut: what was before the cut could not come back.

    Parameters
    ----------
    engine
        stock, sales, pricing or delivery.
    stores
        Slugs of the stores.
    """
    from runtime.app import engines
    from runtime.events.consumer import Consumer
    from runtime.events.replay import rebuild as rebuild_tenant

    known = engines()
    if engine not in known:
        raise NotFoundError("not_found", f"There is no engine '{engine}' ({', '.join(known)}).", "")

    async def run() -> None:
        async with opened(installation(), "engine") as database:
            consumer = Consumer(known[engine](), database)
            for slug in stores:
                events = await rebuild_tenant(consumer, await tenant_id_of(database, slug))
                say(f"{slug}: {events} events applied")

    anyio.run(run)


@app.command
def retire(engine: str) -> None:
    """Keep no events for an engine that does not run here any more; without this, retention waits for it.

    What it knows stays as it is. When it is started again it goes on with the oldest events kept.

    Parameters
    ----------
    engine
        stock, sales, pricing or delivery.
    """
    from runtime.events.registry import retire as retire_consumer

    async def run() -> None:
        async with opened(installation()) as database:
            await retire_consumer(database, engine)
        say(f"{engine}: retired")

    anyio.run(run)
