"""``basecommerce engines``."""

from __future__ import annotations

import anyio
import cyclopts

from runtime.commands.opened import installation, opened, tenant_id_of
from runtime.commands.output import say
from runtime.errors import NotFoundError

app = cyclopts.App(name="engines", help="Rebuild what engines have learnt.")


@app.command
def rebuild(engine: str, *stores: str) -> None:
    """Forget what an engine knows of stores and apply their whole event log again.

    Refused for a store whose log retention has already cut: what was before the cut could not come back.

    Parameters
    ----------
    engine
        stock or sales.
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
