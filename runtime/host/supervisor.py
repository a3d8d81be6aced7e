"""Run actors: start them in order, restart what crashes, give up when it keeps crashing, drain when asked."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Protocol

import anyio
from anyio.abc import TaskStatus

from runtime.errors import StartupError
from runtime.host import metrics
from runtime.host.logs import get_logger
from runtime.host.pauses import pause

log = get_logger(__name__)


class Actor(Protocol):
    """One supervised loop.

    Calls ``task_status.started()`` when it is ready, runs until ``stop`` is set, finishes what it has in hand
    and returns. Returning earlier counts as a crash. After the grace time it is cancelled.
    """

    def __call__(self, stop: anyio.Event, *, task_status: TaskStatus[None]) -> Awaitable[None]:
        """Run the loop."""


@dataclass(frozen=True, slots=True)
class ActorSpec:
    """A named actor; the name is what logs and metrics show, e.g. ``stock:3``."""

    name: str
    run: Actor


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """Back-off doubles from ``first_s`` to ``most_s`` with up to half of it added at random.

    More than ``crashes`` within ``window_s`` end the process: something outside has to look at it.
    """

    first_s: float = 0.1
    most_s: float = 15.0
    crashes: int = 20
    window_s: float = 300.0


class ActorsGaveUpError(Exception):
    """An actor crashed too often; the process should exit non-zero and be started again from outside."""


class Supervisor:
    """The actors of one process. ``run`` returns when all of them have ended after ``drain``."""

    def __init__(
        self, actors: Sequence[ActorSpec], *, grace_s: float = 30.0, policy: RestartPolicy | None = None
    ) -> None:
        self._actors = actors
        self._grace_s = grace_s
        self._policy = policy or RestartPolicy()
        self._stop = anyio.Event()
        self._all_ended = anyio.Event()
        self._failure: Exception | None = None
        self._started = False

    def drain(self) -> None:
        """Ask every actor to finish; what still runs after the grace time is cancelled."""
        self._stop.set()

    async def problem(self) -> str | None:
        """Why this process should get no more work, for the readiness check."""
        if self._failure is not None:
            return str(self._failure)
        if not self._started:
            return "starting"
        return "draining" if self._stop.is_set() else None

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Start the actors, each when the one before is ready, and stay until they are drained.

        Raises StartupError as an actor raised it, or ActorsGaveUpError; both after draining the others.
        """
        ready = _Once(task_status)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._run_all, ready)
            await self._stop.wait()
            with anyio.move_on_after(self._grace_s) as grace:
                await self._all_ended.wait()
            if grace.cancelled_caught:
                log.warning("actors cancelled", grace_s=self._grace_s)
                tasks.cancel_scope.cancel()
        ready.started()
        if self._failure is not None:
            raise self._failure

    async def _run_all(self, task_status: TaskStatus[None]) -> None:
        try:
            async with anyio.create_task_group() as tasks:
                for spec in self._actors:
                    if self._stop.is_set():
                        break
                    await tasks.start(self._supervise, spec)
                self._started = True
                task_status.started()
                if not self._actors:
                    await self._stop.wait()
        finally:
            self._all_ended.set()

    async def _supervise(self, spec: ActorSpec, *, task_status: TaskStatus[None]) -> None:
        """Run one actor again and again; its first crash counts as ready, so that it delays no other actor."""
        ready = _Once(task_status)
        crashes: deque[float] = deque(maxlen=self._policy.crashes + 1)
        backoff_s = self._policy.first_s
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                await spec.run(self._stop, task_status=ready)
                if self._stop.is_set():
                    break
                raise RuntimeError("the actor returned although nobody asked it to stop")
            except StartupError as error:
                self._give_up(error)
                break
            except Exception:
                log.exception("actor crashed", actor=spec.name)
            metrics.ACTOR_RESTARTS.labels(spec.name).inc()
            ready.started()
            now = time.monotonic()
            crashes.append(now)
            if len(crashes) > self._policy.crashes and now - crashes[0] <= self._policy.window_s:
                self._give_up(ActorsGaveUpError(f"actor {spec.name} crashed {len(crashes)} times"))
                break
            if now - began > self._policy.most_s:
                backoff_s = self._policy.first_s
            await pause(self._stop, backoff_s * random.uniform(1.0, 1.5))
            backoff_s = min(backoff_s * 2, self._policy.most_s)
        ready.started()

    def _give_up(self, error: Exception) -> None:
        """Keep the first reason and drain everything."""
        self._failure = self._failure or error
        self.drain()


class _Once(TaskStatus[None]):
    """Passes the first ``started()`` on: a restarted actor says it again."""

    def __init__(self, task_status: TaskStatus[None]) -> None:
        self._task_status: TaskStatus[None] | None = task_status

    def started(self, value: None = None) -> None:
        if self._task_status is not None:
            self._task_status.started(value)
            self._task_status = None
