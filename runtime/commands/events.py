"""``basecommerce events``: the pipeline as an operator sees it."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import anyio
import cyclopts

from runtime.commands.opened import installation, opened
from runtime.commands.output import say, say_table

app = cyclopts.App(name="events", help="How far the pipeline is; dead letters.")

BY = "command line"
State = Literal["parked", "replay_requested", "replayed", "discarded"]


@app.command
def status(*, as_json: Annotated[bool, cyclopts.Parameter(name="--json")] = False) -> None:
    """Show whether the relay and every engine run, how far they are behind the log, and their dead letters.

    A partial store is one whose log had been cut by retention before the engine came.

    Parameters
    ----------
    as_json
        A JSON array for programs instead of a table.
    """
    from runtime.app import consumers
    from runtime.data.ids import NIL
    from runtime.events.registry import pipeline_status

    async def show() -> None:
        async with opened(installation()) as database, database.tenant(NIL) as tx:
            rows = await pipeline_status(tx, consumers())
        if as_json:
            import orjson

            say(orjson.dumps([dict(row) for row in rows], option=orjson.OPT_INDENT_2).decode())
            return
        say_table(
            (
                "CONSUMER",
                "STATE",
                "LAST SEEN",
                "LAG (EVENTS)",
                "LAG (S)",
                "BLOCKED STORES",
                "PARTIAL STORES",
                "DEAD LETTERS",
            ),
            [
                (
                    row["name"],
                    row["state"].replace("_", " "),
                    "" if row["seen_at"] is None else f"{row['seen_at']:%Y-%m-%d %H:%M:%S}",
                    row["lag_events"],
                    f"{row['lag_seconds']:.1f}",
                    row["blocked_tenants"],
                    row["partial_tenants"],
                    row["dead_letters"],
                )
                for row in rows
            ],
        )

    anyio.run(show)


@app.command(name="dead-letters")
def dead_letters(*, state: State = "parked", engine: str | None = None, limit: int = 50) -> None:
    """List events that an engine could not apply, newest first.

    Parameters
    ----------
    state
        Which of them.
    engine
        Only this engine's.
    limit
        At most so many.
    """
    from runtime.events.dead_letters import list_dead_letters

    async def show() -> None:
        async with opened(installation()) as database:
            rows = await list_dead_letters(database, state=state, consumer=engine, limit=limit)
        say_table(
            ("ID", "STORE", "ENGINE", "EVENT", "TYPE", "ATTEMPTS", "PARKED AT", "ERROR"),
            [
                (
                    row["id"],
                    row["slug"],
                    row["consumer"],
                    row["tenant_seq"],
                    row["event_type"],
                    row["attempts"],
                    f"{row['parked_at']:%Y-%m-%d %H:%M:%S}",
                    row["error"],
                )
                for row in rows
            ],
        )

    anyio.run(show)


@app.command
def replay(*ids: UUID) -> None:
    """Ask the engines to apply dead letters again; a running engine does it within seconds.

    Parameters
    ----------
    ids
        As ``dead-letters`` lists them.
    """
    _resolve(ids, "replay", "will be applied again")


@app.command
def discard(*ids: UUID) -> None:
    """Close dead letters for good: their events will never take effect.

    Parameters
    ----------
    ids
        As ``dead-letters`` lists them.
    """
    _resolve(ids, "discard", "discarded")


def _resolve(ids: tuple[UUID, ...], action: Literal["replay", "discard"], done: str) -> None:
    from runtime.data.ids import NIL
    from runtime.events.dead_letters import resolve

    async def ask() -> None:
        async with opened(installation()) as database:
            for dead_letter_id in ids:
                async with database.tenant(NIL) as tx:
                    await resolve(tx, dead_letter_id, action, BY)
                say(f"{dead_letter_id}: {done}")

    anyio.run(ask)
