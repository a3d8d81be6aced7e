"""Waking the relay the moment something was committed: in memory within a process, by PUBLISH between processes.

A wake-up may be lost; the relay's sweep finds what was committed all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from uuid import UUID

import anyio
from anyio.abc import TaskStatus

from runtime.data.ids import partition_of
from runtime.events.streams import REDIS_ERRORS, RedisClient, wake_channel
from runtime.host.logs import get_logger

WAKE_QUEUE = 10_000
GATHER_S = 0.003

log = get_logger(__name__)


class WakeSignal:
    """The tenants that have something new, waiting for the relay's next turn."""

    def __init__(self) -> None:
        self._tenants: set[UUID] = set()
        self._event = anyio.Event()

    def wake(self, tenant_id: UUID) -> None:
        """Note a tenant and wake the relay."""
        self._tenants.add(tenant_id)
        self._event.set()

    def put(self, tenants: Iterable[UUID]) -> None:
        """Note tenants that have more than the last turn took."""
        self._tenants.update(tenants)

    def take(self, limit: int) -> set[UUID]:
        """Take up to ``limit`` tenants for a turn."""
        if len(self._tenants) <= limit:
            taken, self._tenants = self._tenants, set()
        else:
            taken = {self._tenants.pop() for _ in range(limit)}
        if not self._tenants and self._event.is_set():
            self._event = anyio.Event()
        return taken

    async def wait(self, timeout_s: float) -> None:
        """Wait until a tenant is noted, at most ``timeout_s``."""
        with anyio.move_on_after(timeout_s):
            await self._event.wait()


class WakePublisher:
    """Tells the relays of other processes, fire and forget: a full queue drops, a failed PUBLISH is not repeated."""

    def __init__(self, client: RedisClient, partitions: int) -> None:
        self._redis = client
        self._partitions = partitions
        self._waiting: asyncio.Queue[UUID] = asyncio.Queue(WAKE_QUEUE)

    def wake(self, tenant_id: UUID) -> None:
        """Have the tenant published soon; never waits."""
        try:
            self._waiting.put_nowait(tenant_id)
        except asyncio.QueueFull:
            return

    async def run(self, stop: anyio.Event, *, task_status: TaskStatus[None]) -> None:
        """Publish what is noted, many at a time, until ``stop``."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._publish)
            task_status.started()
            await stop.wait()
            tasks.cancel_scope.cancel()

    async def _publish(self) -> None:
        while True:
            tenants = {await self._waiting.get()}
            while self._waiting.qsize():
                tenants.add(self._waiting.get_nowait())
            pipeline = self._redis.pipeline(transaction=False)
            for tenant_id in tenants:
                pipeline.publish(wake_channel(partition_of(tenant_id, self._partitions)), str(tenant_id))
            try:
                await pipeline.execute()
                await anyio.sleep(GATHER_S)  # the first goes at once, what follows closely goes together
            except REDIS_ERRORS as error:
                log.debug("wake-up lost", error=repr(error))
                await anyio.sleep(0.5)


class WakeListener:
    """Hears the wake-ups of other processes and passes them to the relay of this one."""

    def __init__(self, client: RedisClient, signal: WakeSignal) -> None:
        self._redis = client
        self._signal = signal

    async def run(self, stop: anyio.Event, *, task_status: TaskStatus[None]) -> None:
        """Listen until ``stop``; without Redis the relay's sweep has to do."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._listen)
            task_status.started()
            await stop.wait()
            tasks.cancel_scope.cancel()

    async def _listen(self) -> None:
        while True:
            try:
                async with self._redis.pubsub() as subscription:
                    await subscription.psubscribe("wake:*")
                    while True:
                        message = await subscription.get_message(ignore_subscribe_messages=True, timeout=5)
                        if message is not None:
                            self._signal.wake(UUID(message["data"].decode()))
            except REDIS_ERRORS as error:
                log.debug("not listening for wake-ups", error=repr(error))
                await anyio.sleep(1)
            except ValueError:
                continue
