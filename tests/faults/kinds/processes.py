"""Faults of our own processes: killed, frozen, drained, with a wrong clock, of two releases at once."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import anyio

from tests.faults.kinds import fault
from tests.faults.kinds.events import NewerQuoteSent, say
from tests.faults.site import Site

CLOCK = Path(__file__).with_name("clock.c")
ENGINES = ("engines", "engines-2")


@fault("api killed")
async def kill_api(site: Site) -> None:
    site.tree.kill("api")


@fault("relay killed")
async def kill_relay(site: Site) -> str:
    for _ in range(2):
        site.tree.kill("relay")
        await site.pause(0.2, 2)
    return "twice"


@fault("engine killed")
async def kill_engine(site: Site) -> str:
    name = site.rng.choice(ENGINES)
    site.tree.kill(name)
    return name


@fault("scheduler killed", quick=False)
async def kill_scheduler(site: Site) -> None:
    site.tree.kill("scheduler")


@fault("all processes killed")
async def kill_all(site: Site) -> None:
    site.tree.kill(*site.tree.programs)


@fault("api paused", quick=False)
async def pause_api(site: Site) -> None:
    await site.tree.pause(site.rng.uniform(1, 5), "api")


@fault("relay paused", quick=False)
async def pause_relay(site: Site) -> None:
    await site.tree.pause(site.scale * site.rng.uniform(1, 4), "relay")


@fault("engine paused", quick=False)
async def pause_engine(site: Site) -> str:
    name = site.rng.choice(ENGINES)
    await site.tree.pause(site.scale * site.rng.uniform(1, 6), name)
    return name


@fault("engine paused past every limit", quick=False)
async def pause_engine_for_long(site: Site) -> str:
    """Longer than the database lets a session stand idle in its transaction."""
    name = site.rng.choice(ENGINES)
    await site.tree.pause(35, name)
    return name


@fault("all engines stopped, then resumed")
async def stop_engines(site: Site) -> None:
    await site.tree.pause(site.scale * site.rng.uniform(4, 8), *ENGINES)


@fault("drained by SIGTERM")
async def drain(site: Site) -> str:
    name = site.rng.choice(tuple(site.tree.programs))
    code = await site.tree.restart(name)
    assert code == 0, f"{name} drained with exit code {code}"
    return name


@fault("rolling restart", quick=False)
async def roll(site: Site) -> None:
    for name in site.tree.programs:
        code = await site.tree.restart(name)
        assert code == 0, f"{name} drained with exit code {code}"
        await site.tree.ready(name)


@fault(
    "wrong clock",
    quick=False,
    needs=lambda _site: None if shutil.which("cc") else "no C compiler to build the clock with",
)
async def skew_clock(site: Site) -> str:
    """One process lives an hour ahead of or behind the others."""
    library = site.directory / "clock.so"
    if not library.exists():
        command = ["cc", "-shared", "-fPIC", "-O1", "-o", library, CLOCK, "-ldl"]
        await anyio.to_thread.run_sync(lambda: subprocess.run(command, check=True))
    name, offset_s = site.rng.choice(("relay", *ENGINES, "scheduler")), site.rng.choice((-3600, 3600))
    await site.tree.restart(name, LD_PRELOAD=str(library), CLOCK_OFFSET_S=str(offset_s))
    await site.tree.ready(name)
    await site.pause(3, 6)
    await site.tree.restart(name)
    return f"{name} by {offset_s} s"


@fault("two releases at once", quick=False)
async def two_releases(site: Site) -> str:
    """A newer engine beside an older one, and an event that only the newer can read."""
    newer = {"FAULTS_QUOTE_SENT_VERSION": "2"}
    seq = await say(site, site.rng.getrandbits(100), NewerQuoteSent)
    await site.tree.restart("engines-2", **newer)
    with anyio.fail_after(60):
        while not await site.postgres.run(
            "select 1 from effect_ledger where tenant_id = $1 and tenant_seq = $2", site.poisoned.id, seq
        ):
            await anyio.sleep(0.1)
    await site.tree.restart("engines-2")
    return "the older one waited, the newer one applied it"
