"""Faults of a Redis Cluster: nodes that die, hang, come back empty or are replaced, and slots that move."""

from __future__ import annotations

import anyio
import anyio.to_thread

from tests.compat.cluster import Cluster, Node
from tests.faults.kinds import fault
from tests.faults.kinds.redis_server import PARTITIONS
from tests.faults.site import Site

MOVED = 3


@fault("a node killed", redis="cluster")
async def kill(site: Site) -> str:
    cluster, node = _any_node(site)
    await _call(node.kill)
    seconds = await site.pause(0, 4)
    await _call(node.spawn)
    await _call(cluster.be_whole)
    return f"away for {seconds:.1f} s"


@fault("all nodes killed", redis="cluster")
async def kill_all(site: Site) -> None:
    cluster, _ = _any_node(site)
    for node in cluster.nodes:
        await _call(node.kill)
    await site.pause(0, 2)
    for node in cluster.nodes:
        await _call(node.spawn)
    await _call(cluster.be_whole)


@fault("a node frozen", redis="cluster")
async def freeze(site: Site) -> None:
    """Its connections stay, and nothing comes back: for longer than the others wait for it, and for less."""
    cluster, node = _any_node(site)
    node.freeze(True)
    try:
        await site.pause(0.3, 6)
    finally:
        node.freeze(False)
    await _call(cluster.be_whole)


@fault("a node emptied", redis="cluster")
async def empty(site: Site) -> None:
    """It keeps its name and its slots, and nothing of what was in them."""
    cluster, node = _any_node(site)
    await _call(node.kill)
    await _call(node.erase)
    await _call(node.spawn)
    await _call(cluster.be_whole)


@fault("a node replaced by its replica", redis="cluster")
async def replace(site: Site) -> None:
    """The last one: of those whose addresses the processes were started with, some have to stay."""
    cluster, _ = _any_node(site)
    new = cluster.another_node()
    try:
        await _call(cluster.replace, cluster.nodes[-1], new)
    except BaseException:
        new.kill()
        raise
    await _call(cluster.be_whole)


@fault("slots moved", redis="cluster")
async def move(site: Site) -> str:
    """While streams are written and read."""
    cluster, _ = _any_node(site)
    chosen = site.rng.sample(list(PARTITIONS), MOVED)
    for partition in chosen:
        holder = await _call(cluster.holder, partition)
        target = site.rng.choice([node for node in cluster.nodes if node is not holder])
        await _call(cluster.move, partition, target)
    return "partitions " + ", ".join(map(str, chosen))


def _any_node(site: Site) -> tuple[Cluster, Node]:
    assert site.cluster is not None
    return site.cluster, site.rng.choice(site.cluster.nodes)


async def _call(work, *arguments):
    """What its operator does, who waits for answers, without holding up the judges."""
    return await anyio.to_thread.run_sync(work, *arguments)
