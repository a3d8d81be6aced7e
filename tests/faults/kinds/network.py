"""Faults of the network between our processes and the servers, made by the proxies."""

from __future__ import annotations

from tests.faults.kinds import fault
from tests.faults.proxy import Mode, Proxy
from tests.faults.site import Site


@fault("database unreachable", quick=False)
async def refuse_database(site: Site) -> None:
    await _for_a_while(site, site.database_proxy, Mode.REFUSE)


@fault("redis unreachable", quick=False, redis="server")
async def refuse_redis(site: Site) -> None:
    await _for_a_while(site, site.redis_proxy, Mode.REFUSE)


@fault("replies of the database lost")
async def lose_database_replies(site: Site) -> None:
    """Statements arrive, COMMITs among them, and nobody learns what became of them."""
    await _for_a_while(site, site.database_proxy, Mode.LOSE_REPLIES)


@fault("replies of redis lost", redis="server")
async def lose_redis_replies(site: Site) -> None:
    """Every XADD that was sent is there, and the relay has to send it again."""
    await _for_a_while(site, site.redis_proxy, Mode.LOSE_REPLIES)


@fault("network to the database swallows everything", quick=False)
async def swallow_database(site: Site) -> None:
    await _for_a_while(site, site.database_proxy, Mode.SWALLOW)


@fault("network to redis swallows everything", quick=False, redis="server")
async def swallow_redis(site: Site) -> None:
    await _for_a_while(site, site.redis_proxy, Mode.SWALLOW)


@fault("connections to the database half open", quick=False)
async def half_open_database(site: Site) -> None:
    """Nobody is told; who waits for an answer waits until his own limit."""
    site.database_proxy.half_open()


@fault("connections to redis half open", quick=False, redis="server")
async def half_open_redis(site: Site) -> None:
    site.redis_proxy.half_open()


@fault("connections reset, again and again")
async def reset(site: Site) -> str:
    times = site.rng.randint(3, 8)
    for _ in range(times):
        site.rng.choice((site.database_proxy, site.redis_proxy)).drop()
        await site.pause(0.1, 0.4)
    return f"{times} times"


async def _for_a_while(site: Site, proxy: Proxy, mode: Mode) -> None:
    """The mode for present and new connections; afterwards they are reset, as a router that comes back does."""
    proxy.mode = mode
    if mode is Mode.REFUSE:
        proxy.drop()
    try:
        await site.pause(1.5, 3)
    finally:
        proxy.mode = Mode.PASS
        proxy.drop()
