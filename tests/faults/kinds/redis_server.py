"""Faults of Redis: killed, frozen, emptied, robbed of its last second, trimmed, without groups, full; those of what
it holds are a cluster's as well."""

from __future__ import annotations

import signal

import anyio
from redis.exceptions import ResponseError

from runtime.events.streams import stream_key
from tests.faults.kinds import fault
from tests.faults.site import Site

PARTITIONS = range(8)


@fault("redis killed", redis="server")
async def kill(site: Site) -> None:
    await site.valkey.kill()
    await site.valkey.start()


@fault("redis frozen", redis="server")
async def freeze(site: Site) -> None:
    process = site.valkey.server._process
    process.send_signal(signal.SIGSTOP)
    try:
        await site.pause(2, 5)
    finally:
        process.send_signal(signal.SIGCONT)


@fault("redis emptied")
async def empty(site: Site) -> None:
    async with site.redis() as client:
        await client.flushall()


@fault("redis lost its last writes", redis="server")
async def cut_tail(site: Site) -> str:
    await site.valkey.kill()
    taken = site.valkey.cut_tail(site.rng.randint(2_000, 60_000))
    await site.valkey.start()
    return f"{taken} bytes"


@fault("redis replaced by an empty server", redis="server")
async def replace(site: Site) -> None:
    await site.valkey.kill()
    site.valkey.erase()
    await site.pause(0, 1)
    await site.valkey.start()


@fault("streams trimmed to nothing")
async def trim(site: Site) -> None:
    async with site.redis() as client:
        for partition in PARTITIONS:
            await client.xtrim(stream_key(partition), maxlen=0, approximate=False)


@fault("consumers deleted with what they had pending")
async def delete_consumers(site: Site) -> str:
    deleted = 0
    async with site.redis() as client:
        for partition in PARTITIONS:
            key = stream_key(partition)
            try:
                for group in await client.xinfo_groups(key):
                    for consumer in await client.xinfo_consumers(key, group["name"]):
                        deleted += await client.xgroup_delconsumer(key, group["name"], consumer["name"])
            except ResponseError:
                continue
    return f"{deleted} entries were pending"


@fault("groups destroyed")
async def destroy_groups(site: Site) -> None:
    async with site.redis() as client:
        for partition in PARTITIONS:
            key = stream_key(partition)
            try:
                for group in await client.xinfo_groups(key):
                    await client.xgroup_destroy(key, group["name"])
            except ResponseError:
                continue


@fault("redis memory full", redis="server")
async def fill_memory(site: Site) -> None:
    async with site.valkey.client() as client:
        used = (await client.info("memory"))["used_memory"]
        await client.config_set("maxmemory", used)
        try:
            await site.pause(2, 4)
        finally:
            await client.config_set("maxmemory", 0)


@fault("entries published twice")
async def publish_again(site: Site) -> str:
    count = 0
    async with site.redis() as client:
        for partition in PARTITIONS:
            key = stream_key(partition)
            for _, fields in await client.xrevrange(key, count=30):
                await client.xadd(key, fields)
                count += 1
    return f"{count} entries"


@fault("entries forged")
async def forge(site: Site) -> None:
    """Events that never were, tenants that are not, and nonsense."""
    async with site.redis() as client:
        for partition in PARTITIONS:
            key = stream_key(partition)
            for _, fields in await client.xrevrange(key, count=1):
                await client.xadd(key, {**fields, b"tenant_seq": b"999999999"})
            await client.xadd(key, {"tenant_id": "00000000-0000-7000-8000-000000000001", "tenant_seq": "1"})
            await client.xadd(key, {"tenant_id": "nonsense"})
    await anyio.sleep(0.1)
