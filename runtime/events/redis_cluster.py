"""A client of Redis Cluster: the map from slots to nodes, and a plain client of every node.

A node that is away takes nothing from the others, and what goes to one node goes over the same connections, with the
same time limits, as to a server alone. No command is repeated, unless a node answers that it belongs elsewhere, which
is to say that it was not run.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Self

import anyio
import redis.asyncio as redis
from redis.asyncio.client import PubSub
from redis.commands import AsyncCoreCommands
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot
from redis.event import EventDispatcher
from redis.exceptions import AskError, ClusterDownError, DataError, MovedError, RedisError

NODE_ERRORS = (RedisError, OSError, TimeoutError)
"""What a call may raise when its node is away, full, loading, or not the right one any more."""

MAP_DEADLINE_S = 1.0
MAP_INTERVAL_S = 0.5
AWAY_S = 2.0

Address = tuple[str, int]

_KEYLESS = frozenset({"PING", "PUBLISH"})


class ClusterClient(AsyncCoreCommands):
    """Commands with one key go to the node that holds it, those without a key to any node that answers.

    ``seeds`` are clients of nodes that tell of the others, ``open_node`` opens one of a node the map names, and
    ``deadline_s`` is how long a node may take for its part of a pipeline. The map is read at the first command, and
    again, at most every ``MAP_INTERVAL_S``, once a node did not answer or sent a command elsewhere.
    """

    _is_async_client: Literal[True] = True
    _event_dispatcher = EventDispatcher()

    def __init__(
        self, seeds: Sequence[redis.Redis], open_node: Callable[[str, int], redis.Redis], *, deadline_s: float
    ) -> None:
        self.seeds = list(seeds)
        self.deadline_s = deadline_s
        self._open_node = open_node
        self._nodes: dict[Address, redis.Redis] = {}
        self._places: list[Address | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
        self._is_current = False
        self._read_again_at = float("-inf")
        self._reading = anyio.Lock()
        self._failed_at: dict[redis.Redis, float] = {}

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Run one command; raises what a plain client raises, and ``ConnectionError`` while no node is known."""
        await self.know_nodes()
        key = _key(args)
        node = self.any_node() if key is None else self.node_of(key)
        try:
            try:
                return await _run(node, *args, **options)
            except AskError as error:  # and MovedError
                node = self._directed(node, error)
                if isinstance(error, MovedError):
                    return await _run(node, *args, **options)
                pipeline = node.pipeline(transaction=False)
                pipeline.execute_command("ASKING")
                pipeline.execute_command(*args, **options)
                return (await pipeline.execute())[1]
        except NODE_ERRORS as error:
            self.learn(node, error)
            raise

    def pipeline(self, transaction: bool = True) -> ClusterPipeline:
        """Commands sent together, a write per node; ``transaction`` takes keys of one slot only."""
        return ClusterPipeline(self, transaction)

    def pubsub(self) -> PubSub:
        """Subscriptions at some node; messages reach the whole cluster, so that any will do."""
        return self.any_node().pubsub()

    async def aclose(self) -> None:
        """Close all connections."""
        for client in (*self._nodes.values(), *self.seeds):
            await client.aclose()

    @property
    def nodes(self) -> Mapping[str, redis.Redis]:
        """The primaries by name, after ``know_nodes``."""
        return {f"{host}:{port}": node for (host, port), node in sorted(self._nodes.items())}

    @property
    def unheld_slots(self) -> int:
        """Slots that belong to no node, after ``know_nodes``."""
        return self._places.count(None)

    def node_of(self, key: str | bytes) -> redis.Redis:
        """The node that holds a key; raises ``ConnectionError`` when its slot belongs to nobody."""
        slot = _slot(key)
        address = self._places[slot]
        if address is None:
            self._is_current = False
            raise redis.ConnectionError(f"no node holds slot {slot}")
        return self._nodes[address]

    def any_node(self) -> redis.Redis:
        """A node, of those that did not fail just now if there are any."""
        return self._by_health()[0]

    def learn(self, node: redis.Redis, error: Exception) -> None:
        """Draw the conclusions from an error that a node answered with, or was answered for it."""
        if isinstance(error, MovedError):
            self._directed(node, error)
        elif isinstance(error, ClusterDownError) or not isinstance(error, redis.ResponseError):
            self._is_current = False
            self._failed_at[node] = anyio.current_time()

    async def know_nodes(self) -> None:
        """Read the map if there is none, or if it may be old; raises ``ConnectionError`` while there is none."""
        if self._is_current:
            return
        if self._nodes and (self._reading.locked() or anyio.current_time() < self._read_again_at):
            return
        async with self._reading:
            if not self._is_current and anyio.current_time() >= self._read_again_at:
                await self._read_map()
        if not self._nodes:
            raise redis.ConnectionError("no node of the cluster tells which slots it holds")

    async def _read_map(self) -> None:
        self._read_again_at = anyio.current_time() + MAP_INTERVAL_S
        for node in self._by_health():
            try:
                with anyio.fail_after(MAP_DEADLINE_S):
                    ranges = await _run(node, "CLUSTER SLOTS")
            except NODE_ERRORS:
                self._failed_at[node] = anyio.current_time()
                continue
            if ranges:  # a node that was reset knows of nobody
                await self._take_over(ranges, _host(node))
                return

    async def _take_over(self, ranges: Sequence[Any], asked: str) -> None:
        places: list[Address | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
        for first, last, primary, *_ in ranges:
            places[first : last + 1] = [_address(primary, asked)] * (last - first + 1)
        named = {address for address in places if address is not None}
        gone = [self._nodes.pop(address) for address in self._nodes.keys() - named]
        for address in named - self._nodes.keys():
            self._nodes[address] = self._open_node(*address)
        self._places, self._is_current = places, True
        for node in gone:
            self._failed_at.pop(node, None)
            await node.aclose()

    def _directed(self, node: redis.Redis, error: AskError) -> redis.Redis:
        """The node that another one points to; MOVED is for good, and more than this slot may have moved."""
        address = (error.host or _host(node), error.port)
        if address not in self._nodes:
            self._nodes[address] = self._open_node(*address)
        if isinstance(error, MovedError):
            self._places[error.slot_id] = address
            self._is_current = False
        return self._nodes[address]

    def _by_health(self) -> list[redis.Redis]:
        nodes = list(self._nodes.values())
        random.shuffle(nodes)
        since = anyio.current_time() - AWAY_S
        return sorted(
            (*nodes, *self.seeds), key=lambda node: self._failed_at.get(node, float("-inf")) > since
        )


class ClusterPipeline(AsyncCoreCommands):
    """Commands that are sent together, to all their nodes at once; the answers come in the order of the commands."""

    _is_async_client: Literal[True] = True
    _event_dispatcher = EventDispatcher()

    def __init__(self, client: ClusterClient, transaction: bool) -> None:
        self._client = client
        self._transaction = transaction
        self._commands: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._commands = []

    def execute_command(self, *args: Any, **options: Any) -> Self:
        """Add a command."""
        self._commands.append((args, options))
        return self

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Run what was added. Every node gets its part whatever becomes of the others.

        Raises the first error, or puts each in its answer's place. A transaction over several slots is a ``DataError``.
        """
        commands, self._commands = self._commands, []
        await self._client.know_nodes()
        answers: list[Any] = [None] * len(commands)
        parts: dict[redis.Redis, list[int]] = defaultdict(list)
        keys = [_key(args) for args, _ in commands]
        if self._transaction and len({_slot(key) for key in keys if key is not None}) != 1:
            raise DataError("the keys of a transaction lie in one slot")
        anywhere = self._client.any_node()
        for position, key in enumerate(keys):
            try:
                parts[anywhere if key is None else self._client.node_of(key)].append(position)
            except redis.ConnectionError as error:
                answers[position] = error

        async def run(node: redis.Redis, positions: list[int]) -> None:
            pipeline = node.pipeline(transaction=self._transaction)
            for position in positions:
                args, options = commands[position]
                pipeline.execute_command(*args, **options)
            found: list[Any]
            try:
                with anyio.fail_after(self._client.deadline_s):
                    found = await pipeline.execute(raise_on_error=False)
            except NODE_ERRORS as error:
                found = [error] * len(positions)
            for position, answer in zip(positions, found, strict=True):
                answers[position] = answer
                if isinstance(answer, Exception):
                    self._client.learn(node, answer)

        async with anyio.create_task_group() as tasks:
            for node, positions in parts.items():
                tasks.start_soon(run, node, positions)
        if raise_on_error:
            for answer in answers:
                if isinstance(answer, Exception):
                    raise answer
        return answers


async def _run(node: Any, *args: Any, **options: Any) -> Any:
    return await node.execute_command(*args, **options)


def _key(args: Sequence[Any]) -> str | bytes | None:
    """The key of a command of this program; a node that is asked for another's key says so."""
    if args[0] in _KEYLESS:
        return None
    key: str | bytes = args[args.index(b"STREAMS") + 1] if args[0] == "XREADGROUP" else args[1]
    return key


def _slot(key: str | bytes) -> int:
    return key_slot(key.encode() if isinstance(key, str) else key)


def _host(node: redis.Redis) -> str:
    return str(node.connection_pool.connection_kwargs["host"])


def _address(primary: Sequence[Any], asked: str) -> Address:
    """An endpoint of the map; a node that does not know its own, or must not tell it, is where it was asked."""
    host = (primary[0] or b"").decode()
    return (asked if host in ("", "?") else host, int(primary[1]))
