"""Faults of PostgreSQL: crashed, robbed of backends, held up by others, without room on its disk."""

from __future__ import annotations

import os
import signal

import anyio
import asyncpg

from tests.faults.kinds import fault
from tests.faults.site import Site

OURS = "application_name like 'basecommerce-%'"


@fault("database crashed")
async def crash(site: Site) -> None:
    await site.postgres.crash()


@fault("backend killed")
async def kill_backend(site: Site) -> str:
    """The server takes the death of a backend for a corrupted memory, and starts all of itself again."""
    rows = await site.postgres.run(
        f"select pid, application_name from pg_stat_activity where {OURS} order by pid"
    )
    victim = site.rng.choice(rows)
    os.kill(victim["pid"], signal.SIGKILL)
    return str(victim["application_name"])


@fault("all backends terminated, again and again")
async def terminate_backends(site: Site) -> str:
    times = site.rng.randint(3, 10)
    for _ in range(times):
        await site.postgres.run(f"select pg_terminate_backend(pid) from pg_stat_activity where {OURS}")
        await anyio.sleep(site.rng.uniform(0.05, 0.4))
    return f"{times} times"


@fault("statements cancelled, again and again", quick=False)
async def cancel_statements(site: Site) -> str:
    times = site.rng.randint(10, 40)
    for _ in range(times):
        await site.postgres.run(
            f"select pg_cancel_backend(pid) from pg_stat_activity where {OURS} and state <> 'idle'"
        )
        await anyio.sleep(0.05)
    return f"{times} times"


@fault("long transaction elsewhere")
async def long_transaction(site: Site) -> None:
    """One that has written and holds its snapshot: whoever follows transaction numbers would stand still."""
    connection = await asyncpg.connect(site.postgres.url)
    try:
        async with connection.transaction(isolation="repeatable_read"):
            await connection.execute("select pg_current_xact_id(), count(*) from event_outbox")
            await site.pause(3, 8)
    finally:
        await connection.close()


@fault("rows locked by somebody else", quick=False)
async def lock_rows(site: Site) -> None:
    """An operator's session that forgot to commit, over cursors and heads of one store."""
    connection = await asyncpg.connect(site.postgres.url)
    slug = site.rng.choice(site.shops).slug
    try:
        async with connection.transaction():
            for table in ("consumer_cursor", "tenant_event_head"):
                await connection.execute(
                    f"select 1 from {table} where tenant_id = (select id from tenants where slug = $1) for update",
                    slug,
                )
            await site.pause(3, 6)
    finally:
        await connection.close()


def _own_disk(site: Site) -> str | None:
    return None if site.postgres.has_own_disk else "a file system of its own needs the right to mount one"


@fault("disk full", needs=_own_disk, quick=False)
async def fill_disk(site: Site) -> str:
    """No byte free under the database: it may refuse, or panic and not come back before there is room."""
    await anyio.to_thread.run_sync(site.postgres.fill_disk)
    try:
        await site.pause(3, 6)
    finally:
        site.postgres.free_disk()
    died = site.postgres.server._process.poll() is not None
    if died:
        await site.postgres.start()
    return "the server died of it" if died else "the server stayed up"
