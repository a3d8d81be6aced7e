"""One process from ready to drained: signals, operator's listener, loop delay and the supervised actors."""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable, Sequence

import anyio

from runtime.host.logs import get_logger
from runtime.host.loop_delay import measure_loop_delay
from runtime.host.ops import Readiness, ops_listener
from runtime.host.signals import watch_signals
from runtime.host.supervisor import ActorSpec, Supervisor
from runtime.host.watchdog import watch_loop
from runtime.settings import Settings

log = get_logger(__name__)


async def run_program(
    actors: Sequence[ActorSpec],
    settings: Settings,
    readiness: Readiness,
    *,
    announce: Callable[[], None] | None = None,
) -> None:
    """Run ``actors`` until a signal, then drain them. Health answers from before the first to after the last.

    ``announce`` is called once all are ready. Raises StartupError or ActorsGaveUpError. What the actors use
    (pools, clients) is opened before and closed after this call.
    """
    supervisor = Supervisor(actors, grace_s=settings.drain_seconds)
    readiness.add("actors", supervisor.problem)
    async with (
        ops_listener(settings.ops_host, settings.ops_port, readiness) as ops_port,
        anyio.create_task_group() as tasks,
    ):
        await tasks.start(watch_signals, supervisor.drain)
        tasks.start_soon(measure_loop_delay)
        tasks.start_soon(watch_loop)
        log.info("started", roles=settings.roles, ops_port=ops_port, actors=len(actors))
        await _supervised(supervisor, announce)
        tasks.cancel_scope.cancel()
    log.info("drained")


async def _supervised(supervisor: Supervisor, announce: Callable[[], None] | None) -> None:
    async with anyio.create_task_group() as tasks:
        await tasks.start(supervisor.run)
        if announce is not None and await supervisor.problem() is None:
            announce()


def calm_collector() -> None:
    """What start-up has made lives for ever, so the garbage collector is told not to look at it again, and to come less
    often: batches of events make many objects that are gone by reference count alone."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def run_in_loop(main: Callable[[], Awaitable[None]]) -> None:
    """Run ``main`` on uvloop; exceptions come out as they are, not wrapped in the groups of nested tasks."""
    calm_collector()
    try:
        anyio.run(main, backend="asyncio", backend_options={"use_uvloop": True})
    except BaseExceptionGroup as group:
        raise _first(group) from group


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
