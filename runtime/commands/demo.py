"""``basecommerce demo``."""

from __future__ import annotations

from functools import partial

import anyio
import cyclopts

from runtime.commands.opened import installation, opened, tenant_id_of
from runtime.commands.output import say
from runtime.settings import Settings

app = cyclopts.App(name="demo", help="Fill a store with believable business.")

_CONNECTIONS = 6


@app.command
def load(
    store: str = "demo", *, days: int = 180, size: float = 1.0, seed: str = "", again: bool = False
) -> None:
    """Write months of business into a store through the API's own functions: goods, customers, quotes, sales.

    Parameters
    ----------
    store
        Slug of the store.
    days
        How far back it begins.
    size
        1 is about 30 sales a day.
    seed
        The same seed and days make the same business.
    again
        Add to a store that has orders already.
    """
    anyio.run(partial(_load, installation(), store, days, size, seed, again))


async def _load(settings: Settings, store: str, days: int, size: float, seed: str, again: bool) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from handlers.demo.load import DEFAULT_SEED
    from handlers.demo.load import load as load_demo

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    async with opened(settings, size=_CONNECTIONS) as database:
        with Progress(*columns, transient=True, console=Console(stderr=True)) as bar:
            task = bar.add_task(store, total=days)
            summary = await load_demo(
                database,
                store,
                days,
                seed=seed or DEFAULT_SEED,
                size=size,
                again=again,
                progress=lambda done, total, what: bar.update(
                    task, completed=done, total=total, description=what
                ),
            )
    await _learn_in_order(settings, store)
    say(
        f"{store}: {summary.products} products, {summary.customers} customers, {summary.quotes} quotes,"
        f" {summary.orders} orders, {summary.sales} sales, {summary.movements} movements"
        f" in {summary.seconds:.1f} s"
    )


async def _learn_in_order(settings: Settings, store: str) -> None:
    """Have the engines apply the store's log from its beginning.

    A store that was open before has engines that live in the present; to them the months just written came late.
    """
    from runtime.app import engines
    from runtime.events.consumer import Consumer
    from runtime.events.replay import rebuild

    async with opened(settings, "engine") as database:
        for make in engines().values():
            await rebuild(Consumer(make(), database), await tenant_id_of(database, store))
