"""One run: stores under load, one fault after the other, the judges during and after, and the negative control."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import aiohttp
import anyio
import asyncpg

from runtime.events.streams import stream_key
from tests.faults import oracles
from tests.faults.kinds import Kind, load_kinds
from tests.faults.kinds.redis_server import PARTITIONS
from tests.faults.load import Shop
from tests.faults.report import Fault, Latencies, Report
from tests.faults.site import POISONED, Site, open_site

CLIENTS_PER_SHOP = 3
THINK_S = 0.02
HEAL_DEADLINE_S = 90.0
WATCH_S = 3.0
CONTROL_SALES = 40
CONTROL_FAULTS = ("redis emptied", "streams trimmed to nothing", "engine killed", "entries published twice")
FROZEN_S = 1.0
SHORT_SCALE = 0.25
QUIET_STREAMS_S = 20.0

HEADS = """
select t.slug, h.tenant_id, h.head
from tenant_event_head as h
join tenants as t on t.id = h.tenant_id
where t.slug = any ($1::text[])
"""
REACHED = """
select count(*)
from unnest($1::uuid[], $2::bigint[]) as wanted (tenant_id, head)
cross join unnest($3::text[]) as consumers (name)
left join consumer_cursor as c on c.consumer = consumers.name and c.tenant_id = wanted.tenant_id
where coalesce(c.last_seq, 0) < wanted.head
"""
LATENCIES = """
select extract(epoch from e.at - o.recorded_at)::float8 * 1000 as ms
from effect_ledger as e
join event_outbox as o on (o.tenant_id, o.tenant_seq) = (e.tenant_id, e.tenant_seq)
join tenants as t on t.id = e.tenant_id
where t.slug = any ($1::text[])
"""


class Run:
    """A run on an open site. ``say`` is told each fault as it is over."""

    def __init__(self, site: Site, report: Report, say) -> None:
        self._site = site
        self._report = report
        self._say = say
        self._began = time.monotonic()

    async def faults(self, kinds: Sequence[Kind], *, seconds: float | None) -> None:
        """Every kind in random order, again and again until the time is over; once when there is no time given."""
        shops = await self._site.open_shops(["first-yard", "second-yard", "third-yard"])
        slugs = [shop.slug for shop in shops]
        async with under_load(shops, self._report.seed), anyio.create_task_group() as watch:
            watch.start_soon(self._watch, slugs)
            self._began = time.monotonic()
            over = False
            while not over:
                for kind in self._site.rng.sample(list(kinds), len(kinds)):
                    over = seconds is not None and time.monotonic() - self._began >= seconds
                    if over:
                        break
                    await self._one(kind, slugs)
                over = over or seconds is None
            self._report.seconds = round(time.monotonic() - self._began, 1)
            watch.cancel_scope.cancel()
        self._site.cured.touch()
        await oracles.quiet(self._site, [*slugs, POISONED])
        for promise, problems in (await oracles.all_judged(self._site, shops, [*slugs, POISONED])).items():
            self._report.broken.setdefault(promise, []).extend(problems)
        await self._count(shops, slugs)

    async def control(self, kinds: dict[str, Kind]) -> None:
        """The same stores' business without protections: the judges have to see it."""
        site = self._site
        for name in ("engines", "engines-2"):
            site.tree.programs[name].extra["FAULTS_NAIVE"] = "1"
            await site.tree.restart(name)
            await site.tree.ready(name)
        before = len(site.shops)
        shops = (await site.open_shops(["control-yard"]))[before:]
        async with under_load(shops, self._report.seed, clients=2):
            for name in CONTROL_FAULTS:
                await sales_beyond(shops, CONTROL_SALES // 2)
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(site.tree.pause, FROZEN_S, "engines", "engines-2")
                    await anyio.sleep(FROZEN_S / 2)  # long enough for entries that nobody has read yet
                    await kinds[name].inject(site)
                await sales_beyond(shops, CONTROL_SALES // 2)
        with anyio.move_on_after(QUIET_STREAMS_S):
            while not await self._streams_read():
                await anyio.sleep(0.1)
        self._report.control = await oracles.effects_judged(site, ["control-yard"], at_rest=True)

    async def _streams_read(self) -> bool:
        """Whether the group of the effects has read and acknowledged all: a design without cursors knows no more."""
        async with self._site.redis() as client:
            for partition in PARTITIONS:
                stream = await client.xinfo_stream(stream_key(partition))
                for group in await client.xinfo_groups(stream_key(partition)):
                    if group["name"] == b"effects" and (
                        group["pending"] or group["last-delivered-id"] != stream["last-generated-id"]
                    ):
                        return False
        return True

    async def _one(self, kind: Kind, slugs: list[str]) -> None:
        began = time.monotonic()
        detail = await kind.inject(self._site)
        over = time.monotonic()
        healed_s = await self._healed(slugs)
        fault = Fault(round(began - self._began, 1), kind.name, detail, round(over - began, 2), healed_s)
        self._report.faults.append(fault)
        self._say(fault)
        if healed_s is None:
            self._report.broken.setdefault("healed", []).append(f"{kind.name} at {fault.at_s} s")

    async def _healed(self, slugs: list[str]) -> float | None:
        """Seconds until every store's clients get through again and all that was said by then is applied."""
        over = time.monotonic()
        with anyio.move_on_after(HEAL_DEADLINE_S):
            for shop in self._site.shops:
                await sales_beyond([shop], 1)
            rows = await self._ask(HEADS, [*slugs, POISONED])
            wanted = [row["tenant_id"] for row in rows], [row["head"] for row in rows]
            while (await self._ask(REACHED, *wanted, list(oracles.ALL)))[0][0]:
                await anyio.sleep(0.05)
            return round(time.monotonic() - over, 2)
        return None

    async def _ask(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        while True:
            with suppress(asyncpg.PostgresError, OSError):
                return await self._site.postgres.run(query, *arguments)
            await anyio.sleep(0.1)

    async def _watch(self, slugs: list[str]) -> None:
        """Judge while it runs, too: what is repeated or out of order is so for good."""
        while True:
            await anyio.sleep(WATCH_S)
            with suppress(asyncpg.PostgresError, OSError, TimeoutError):
                said = await oracles.effects_judged(self._site, slugs, at_rest=False)
                seen = {name: found for name, found in said.items() if found}
                if seen:
                    self._report.broken.setdefault("during the run", []).append(str(seen)[:500])
                    return

    async def _count(self, shops: list[Shop], slugs: list[str]) -> None:
        run = self._site.postgres.run
        self._report.writes = sum(shop.ledger.writes for shop in shops)
        self._report.retries = sum(shop.ledger.retries for shop in shops)
        self._report.events = (await run("select count(*) from event_outbox"))[0][0]
        self._report.effects = (await run("select count(*) from effect_ledger"))[0][0]
        self._report.latencies = Latencies.of([row["ms"] for row in await run(LATENCIES, slugs)])
        self._report.exits = dict(self._site.tree.exits)


class under_load:  # noqa: N801 (a context manager reads as a verb)
    """Every shop's clients at work; at the end each gets its last definite answer."""

    def __init__(self, shops: Sequence[Shop], seed: int, clients: int = CLIENTS_PER_SHOP) -> None:
        self._shops, self._seed, self._clients = shops, seed, clients
        self._stop = anyio.Event()

    async def __aenter__(self) -> None:
        self._client = await aiohttp.ClientSession().__aenter__()
        self._tasks = await anyio.create_task_group().__aenter__()
        for shop in self._shops:
            for number in range(self._clients):
                rng = random.Random(f"{self._seed} {shop.slug} {number}")
                self._tasks.start_soon(shop.work, self._client, rng, self._stop)

    async def __aexit__(self, *error) -> None:
        self._stop.set()
        try:
            await self._tasks.__aexit__(*error)
        finally:
            await self._client.close()


async def sales_beyond(shops: Sequence[Shop], count: int) -> None:
    """The gate of the faults: as many further writes as this have been acknowledged."""
    target = sum(shop.ledger.writes for shop in shops) + count
    while sum(shop.ledger.writes for shop in shops) < target:
        await anyio.sleep(0.01)


async def run_suite(
    directory: Path,
    *,
    seconds: float | None,
    seed: int,
    names: Sequence[str] = (),
    clustered: bool = False,
    say=print,
) -> Report:
    """A whole run in ``directory``; without ``seconds`` the short one: the quick kinds, once and shortened."""
    report = Report(seed)
    short = seconds is None
    other = "server" if clustered else "cluster"
    known = {name: kind for name, kind in load_kinds().items() if kind.redis != other}
    chosen = [known[name] for name in names] or [kind for kind in known.values() if kind.quick or not short]
    async with open_site(
        directory, random.Random(seed), SHORT_SCALE if short else 1.0, clustered=clustered
    ) as site:
        report.left_out = {kind.name: why for kind in chosen if (why := kind.needs(site)) is not None}
        run = Run(site, report, say)
        await run.faults([kind for kind in chosen if kind.name not in report.left_out], seconds=seconds)
        await run.control(known)
    return report
