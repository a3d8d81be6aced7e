"""``basecommerce doctor``: is this installation sound, and what to do where it is not."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from runtime.commands.opened import installation, opened
from runtime.commands.output import say
from runtime.errors import RetryLaterError, StartupError
from runtime.settings import Settings, weak_keys

if TYPE_CHECKING:
    import redis.asyncio as redis

_OLDEST_POSTGRES = 150_000
_OLDEST_REDIS = 7
_CLOCK_TOLERANCE_S = 2.0
_LAG_TOLERANCE_S = 60.0
_EXTENSIONS = ("btree_gin", "pg_trgm", "unaccent")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; ``advice`` says what to do, and None means that all is well."""

    what: str
    advice: str | None = None


Examination = Callable[[Settings], AsyncIterator[Finding]]


def doctor(*, oracles: bool = False) -> int:
    """Check settings, servers, schema, clocks, durability and lags; say what to do. Exits with 1 when ill.

    Parameters
    ----------
    oracles
        Also run the oracles: queries over all stores that find nothing while every promise is kept. They read
        whole tables.
    """
    return anyio.run(_examine_all, installation(), oracles)


async def _examine_all(settings: Settings, with_oracles: bool) -> int:
    ill = 0
    examinations: list[Examination] = [_keys, _postgres, _schema, _replica, _redis, _pipeline]
    if with_oracles:
        examinations.append(_oracles)
    for examine in examinations:
        try:
            async for finding in examine(settings):
                ill += finding.advice is not None
                say(
                    f"{'ok     ' if finding.advice is None else 'PROBLEM'} {finding.what}"
                    + _indented(finding.advice)
                )
        except StartupError as error:
            ill += len(error.problems)
            say(*(f"PROBLEM {problem}" for problem in error.problems))
        except RetryLaterError as error:
            ill += 1
            say(f"PROBLEM {error.reason}")
    say("", f"{ill} problems" if ill else "all well")
    return 1 if ill else 0


async def _keys(settings: Settings) -> AsyncIterator[Finding]:
    problems = weak_keys(settings)
    yield Finding("settings")
    for name, problem in problems.items():
        yield Finding(name, problem)


async def _postgres(settings: Settings) -> AsyncIterator[Finding]:
    from runtime.data.queries import sql

    async with opened(settings) as database, database.transaction() as tx:
        before = time.time()
        facts = await tx.fetch_one(sql.show_server_facts)
        skew_s = 0.0 if facts is None else facts["clock"] - (before + time.time()) / 2
        missing = [
            row["name"] for row in await tx.fetch_all(sql.select_missing_extensions, names=list(_EXTENSIONS))
        ]
    if facts is None:
        return
    version = facts["version"]
    yield _judged(
        version >= _OLDEST_POSTGRES,
        f"PostgreSQL {version // 10_000}.{version % 10_000}",
        "upgrade to 15 or newer",
    )
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        yield _judged(
            facts[name] != "off",
            f"{name} is {facts[name]}",
            f"set {name} = on: a crash would lose acknowledged writes",
        )
    yield _judged(
        not facts["in_recovery"], "the server takes writes", "DATABASE_URL names a standby; use the primary"
    )
    yield _judged(
        abs(skew_s) < _CLOCK_TOLERANCE_S,
        f"the clock of PostgreSQL differs by {skew_s:+.1f} s",
        "synchronise the clocks (chrony or systemd-timesyncd): tokens and quotes expire by them",
    )
    pools = (
        settings.database_pool_api
        + settings.database_pool_relay
        + settings.database_pool_engine
        + settings.database_pool_scheduler
    )
    yield _judged(
        settings.database_pooler == "transaction" or pools <= facts["max_connections"] - 10,
        f"one process with all roles takes up to {pools} of {facts['max_connections']} connections",
        "raise max_connections, lower DATABASE_POOL_*, or put PgBouncer before it",
    )
    yield _judged(not missing, f"extensions {', '.join(_EXTENSIONS)}", f"install {', '.join(missing)}")


async def _schema(settings: Settings) -> AsyncIterator[Finding]:
    from runtime.data.catalogue_check import check_catalogue
    from runtime.data.migrations import check

    missing = await check(settings.database_url)
    yield _judged(not missing, "the schema is up to date", "run: basecommerce migrate")
    async with opened(settings) as database:
        await check_catalogue(database)
    yield Finding("the walls between stores stand")


async def _replica(settings: Settings) -> AsyncIterator[Finding]:
    from runtime.data.replica import Replica

    async with opened(settings) as primary:
        replica = Replica.of(settings, primary)
        if replica is None:
            return
        try:
            await replica.step()
            yield _judged(
                not replica.complaint,
                f"replica: {replica.complaint or 'it answers'}",
                "DATABASE_READ_URL must name a streaming standby of DATABASE_URL; the primary answers meanwhile",
            )
        finally:
            await replica.close()


async def _redis(settings: Settings) -> AsyncIterator[Finding]:
    from runtime.events.redis_cluster import ClusterClient
    from runtime.events.streams import REDIS_ERRORS, open_redis, servers_of

    client = open_redis(settings.redis_url, cluster=settings.redis_cluster, connections=2)
    away = "check REDIS_URL and that the server runs"
    try:
        for name, server in (await servers_of(client)).items():
            try:
                async for finding in _redis_server(server, name):
                    yield finding
            except REDIS_ERRORS as error:
                yield Finding(f"{name} does not answer ({type(error).__name__})", away)
        if isinstance(client, ClusterClient):
            yield _judged(
                client.unheld_slots == 0,
                f"{client.unheld_slots} slots of the cluster belong to no node",
                "events of partitions there go the slow way; see: redis-cli --cluster check",
            )
    except REDIS_ERRORS as error:
        yield Finding(f"Redis does not answer ({error})", f"{away}; REDIS_CLUSTER is for a cluster only")
    finally:
        await client.aclose()


async def _redis_server(server: redis.Redis, name: str) -> AsyncIterator[Finding]:
    """Version, durability and eviction of one server; what it says of itself is told with its name."""
    told = await server.info("everything")
    version = str(told.get("valkey_version") or told["redis_version"])
    kind = "Valkey" if "valkey_version" in told else "Redis"
    place = f" ({name})" if ":" in name else ""
    yield _judged(
        int(version.split(".")[0]) >= _OLDEST_REDIS, f"{kind} {version}{place}", "upgrade to 7 or newer"
    )
    yield _judged(
        bool(told["aof_enabled"]),
        f"append-only file {'on' if told['aof_enabled'] else 'off'}{place}",
        "set appendonly yes: without it a restart makes the relay publish everything again",
    )
    policy = str(told["maxmemory_policy"])
    yield _judged(
        policy == "noeviction", f"maxmemory-policy {policy}{place}", "set maxmemory-policy noeviction"
    )


async def _pipeline(settings: Settings) -> AsyncIterator[Finding]:
    from runtime.app import consumers
    from runtime.data.ids import NIL
    from runtime.events.registry import pipeline_status

    async with opened(settings) as database, database.tenant(NIL) as tx:
        rows = await pipeline_status(tx, consumers())
    for row in rows:
        if row["state"] in ("retired", "not_deployed") and row["name"] != "relay":
            yield Finding(f"{row['name']} is {row['state'].replace('_', ' ')}")
            continue
        yield _judged(
            row["partial_tenants"] == 0,
            f"{row['name']} lacks the beginning of {row['partial_tenants']} stores' logs",
            "it came after retention had cut them; its figures begin there",
        )
        late = row["lag_events"] > 0 and row["lag_seconds"] > _LAG_TOLERANCE_S
        yield _judged(
            not late,
            f"{row['name']} is {row['lag_events']} events behind",
            f"for {row['lag_seconds']:.0f} s: is a process with that role running? its log says what it waits for",
        )
        yield _judged(
            row["dead_letters"] == 0,
            f"{row['name']} has {row['dead_letters']} dead letters",
            "see: basecommerce events dead-letters",
        )


async def _oracles(settings: Settings) -> AsyncIterator[Finding]:
    from runtime.data.ids import NIL
    from runtime.data.oracles import run_oracles
    from runtime.events.registry import registered

    async with opened(settings) as database:
        async with database.tenant(NIL) as tx:
            consumers = await registered(tx)
        broken = await run_oracles(database, consumers)
    for promise in broken:
        yield Finding(
            f"{promise.slug}: {promise.oracle}: {promise.problem}",
            "a promise is broken; keep the logs and report it",
        )
    if not broken:
        yield Finding("all oracles are silent")


def _judged(is_well: bool, what: str, advice: str) -> Finding:
    return Finding(what, None if is_well else advice)


def _indented(advice: str | None) -> str:
    return "" if advice is None else f"\n        {advice}"
