"""A Redis Cluster of three on loopback, and the parts of the event pipeline on it."""

from __future__ import annotations

import random
import shutil
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import count
from pathlib import Path

import anyio
import redis
from redis.crc import key_slot

from runtime.data.database import Database
from runtime.events.consumer import Consumer
from runtime.events.engine import Engine
from runtime.events.engine_actor import EngineActor, Reconciler
from runtime.events.relay import Relay
from runtime.events.streams import open_redis, stream_key
from runtime.events.wake import WakeListener, WakePublisher, WakeSignal
from tests.compat.servers import RedisServer, redis_servers
from tests.faults.process import ROOT
from tests.support.events import PARTITIONS

SLOTS = 16_384
DEADLINE_S = 20.0
OPTIONS = {
    "include": str(ROOT / "infra/redis/cluster.conf"),
    "cluster-node-timeout": "600",
    "appendonly": "yes",
    "repl-diskless-sync-delay": "0",
}


class Node(RedisServer):
    """A server with cluster mode on, and a blocking client of its own to speak to it as its operator does."""

    def __init__(self, directory: Path) -> None:
        self.bus = str(lasting_port())
        ports = {"cluster-port": self.bus, "port": str(lasting_port())}
        super().__init__(directory, redis_servers()["valkey"], **OPTIONS, **ports)
        self.client = redis.Redis.from_url(self.url)

    def tell(self, *command: object) -> object:
        """Run a command; one that cannot connect yet is tried again."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            try:
                return self.client.execute_command(*command)
            except redis.ConnectionError:
                assert time.monotonic() < deadline, self.log.read_text()[-2000:]
                time.sleep(0.01)

    def erase(self) -> None:
        """Throw away what it has kept of its data while it is dead; it still knows its cluster."""
        shutil.rmtree(self.log.parent / "appendonlydir", ignore_errors=True)

    @property
    def id(self) -> bytes:
        """Its name in the cluster."""
        return self.tell("CLUSTER", "MYID")


class Cluster:
    """Three primaries, a third of the slots each."""

    def __init__(self, directory: Path) -> None:
        self._names = (directory / f"node-{number}" for number in count())
        self.nodes = [self.another_node() for _ in range(3)]

    def another_node(self) -> Node:
        """A server more, which belongs to no cluster yet."""
        return Node(next(self._names))

    @property
    def url(self) -> str:
        """All nodes, as ``REDIS_URL`` names them."""
        return ",".join(node.url for node in self.nodes)

    def form(self) -> None:
        """Have them meet, and wait until each knows all slots."""
        share = SLOTS // 3 + 1
        for number, node in enumerate(self.nodes):
            node.tell("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            node.tell("CLUSTER", "ADDSLOTSRANGE", number * share, min(SLOTS, (number + 1) * share) - 1)
            node.tell("CLUSTER", "MEET", "127.0.0.1", self.nodes[0].port, self.nodes[0].bus)
        self.be_whole()

    def be_whole(self) -> None:
        """Wait until every node knows all slots and takes writes; one that comes back gives itself two seconds."""
        wanted = (b"cluster_state:ok", b"cluster_slots_ok:%d" % SLOTS, b"cluster_size:3")
        for node in self.nodes:
            wait_until(lambda node=node: all(line in node.tell("CLUSTER", "INFO") for line in wanted))

    def replace(self, old: Node, new: Node) -> None:
        """Have a new node, a replica of the old one so far, take its place when that dies now."""
        new.tell("CLUSTER", "MEET", "127.0.0.1", old.port, old.bus)
        wait_until(lambda: new.tell("CLUSTER", "NODES").count(b" connected") == len(self.nodes) + 1)
        name = old.id
        new.tell("CLUSTER", "REPLICATE", name)
        wait_until(lambda: new.client.info("replication").get("master_link_status") == "up")
        old.kill()
        new.tell("CLUSTER", "FAILOVER", "TAKEOVER")
        self.nodes[self.nodes.index(old)] = new
        for node in self.nodes:
            node.tell("CLUSTER", "FORGET", name)

    def holder(self, partition: int) -> Node:
        """The node of a partition's stream."""
        slot = key_slot(stream_key(partition).encode())
        for first, last, primary, *_ in self.nodes[0].tell("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return next(node for node in self.nodes if node.port == primary[1])
        raise AssertionError(f"nobody holds slot {slot}")

    def move(self, partition: int, target: Node) -> None:
        """Give the slot of a partition's stream, with what is in it, to another node."""
        key, source = stream_key(partition), self.holder(partition)
        slot = key_slot(key.encode())
        target.tell("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
        source.tell("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)
        source.tell("MIGRATE", "127.0.0.1", target.port, key, 0, 5000)
        for node in (target, source, *self.nodes):
            node.tell("CLUSTER", "SETSLOT", slot, "NODE", target.id)

    def stop(self) -> None:
        """Kill all."""
        for node in self.nodes:
            node.kill()
            node.client.close()


def lasting_port() -> int:
    """A loopback port below those of outgoing connections, so that nobody has it when a dead node comes back."""
    while True:
        port = random.randrange(12_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def wait_until(has_come: Callable[[], bool]) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + DEADLINE_S
    while not has_come():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@contextmanager
def cluster_of_three(directory: Path) -> Iterator[Cluster]:
    """The cluster, formed; killed at the end."""
    cluster = Cluster(directory)
    try:
        cluster.form()
        yield cluster
    finally:
        cluster.stop()


@asynccontextmanager
async def pipeline(
    url: str, engine: Engine, database: Database, relays: Database, engines: Database, *, reconciled: bool
) -> AsyncIterator[Relay]:
    """Relay, actors of one engine, and wake-ups from process to process, at work; with or without a reconciler."""
    clients = [open_redis(url, cluster=True, timeout_s=timeout_s) for timeout_s in (8.0, 8.0, None)]
    shared, other, publishing = clients
    signal = WakeSignal()
    publisher = WakePublisher(other, PARTITIONS)
    database.wake = publisher.wake
    relay = Relay(relays, publishing, signal, partitions=PARTITIONS)
    consumer = Consumer(engine, engines)
    actors = {partition: EngineActor(consumer, shared, partition, "test") for partition in range(PARTITIONS)}
    stop = anyio.Event()
    async with anyio.create_task_group() as tasks:
        for runs in (*actors.values(), relay, publisher, WakeListener(shared, signal)):
            await tasks.start(runs.run, stop)
        if reconciled:
            await tasks.start(Reconciler(consumer, actors).run, stop)
        try:
            yield relay
        finally:
            stop.set()
    for client in clients:
        await client.aclose()
