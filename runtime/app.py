"""The composition root: the only module that sees the vertical's handlers and the engines' actors.

It turns roles into actors, opens what they share, and hands both to the host.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial

import anyio.to_thread

from runtime.data.catalogue_check import check_catalogue
from runtime.data.database import Database, DatabaseRole
from runtime.data.files import open_files
from runtime.data.replica import Replica
from runtime.errors import RetryLaterError, StartupError
from runtime.events.consumer import Consumer, Progress
from runtime.events.cursors import EngineCursors
from runtime.events.dead_letters import DeadLetterLimit
from runtime.events.engine import Engine
from runtime.events.engine_actor import EngineActor, Reconciler
from runtime.events.gauges import PipelineGauges
from runtime.events.jobs import Job, JobActor
from runtime.events.maintenance import Rolls, trim_streams
from runtime.events.redis_check import check_redis
from runtime.events.registry import Presence
from runtime.events.relay import Relay
from runtime.events.retention import (
    delete_ended_sessions,
    delete_old_deliveries,
    delete_old_events,
    delete_old_idempotency_keys,
)
from runtime.events.streams import REDIS_ERRORS, RedisClient, open_redis, servers_of
from runtime.events.wake import WakeListener, WakePublisher, WakeSignal
from runtime.events.webhooks.client import WebhookClient
from runtime.events.webhooks.sender import WebhookSender
from runtime.events.webhooks.signing import Signer
from runtime.host import metrics
from runtime.host.ops import Check, Readiness
from runtime.host.program import run_program
from runtime.host.supervisor import ActorSpec
from runtime.host.tracing import TRACING
from runtime.settings import Settings
from runtime.web.keys import KeyRing

_POOLS: dict[DatabaseRole, Callable[[Settings], int]] = {
    "api": lambda settings: settings.database_pool_api,
    "relay": lambda settings: settings.database_pool_relay,
    "engine": lambda settings: settings.database_pool_engine,
    "scheduler": lambda settings: settings.database_pool_scheduler,
}


_REQUEST_REDIS_TIMEOUT_S = 0.5


def engines() -> dict[str, Callable[[], Engine]]:
    """All engines of this release by name; made lazily, so that a process loads only those it runs."""

    def stock() -> Engine:
        from actors.stock.actor import StockEngine

        return StockEngine()

    def sales() -> Engine:
        from actors.sales.actor import SalesEngine

        return SalesEngine()

    def pricing() -> Engine:
        from actors.pricing.actor import PricingEngine

        return PricingEngine()

    def delivery() -> Engine:
        from actors.delivery.actor import DeliveryEngine

        return DeliveryEngine()

    return {"stock": stock, "sales": sales, "pricing": pricing, "delivery": delivery}


def consumers() -> list[str]:
    """Everybody who follows the log: the relay and the engines of this release."""
    return ["relay", *engines()]


def engines_of(roles: Sequence[str]) -> list[str]:
    """The engines that these roles run; raises ``StartupError`` for one that does not exist."""
    known = list(engines())
    if "engines" in roles:
        return known
    named = [role.removeprefix("engine:") for role in roles if role.startswith("engine:")]
    if unknown := [name for name in named if name not in known]:
        raise StartupError(
            *(f"ROLES: there is no engine '{name}' (there are {', '.join(known)})" for name in unknown)
        )
    return named


@dataclass(slots=True)
class _Parts:
    """What the actors of this process share, opened once and closed in reverse order."""

    settings: Settings
    stack: AsyncExitStack
    readiness: Readiness
    redis: RedisClient
    databases: dict[DatabaseRole, Database] = field(default_factory=dict)

    async def database(self, role: DatabaseRole) -> Database:
        """The pool of a role, opened and checked at first use."""
        if role not in self.databases:
            opened = await Database.open(
                self.settings.database_url_of(role),
                role,
                size=_POOLS[role](self.settings),
                pooler=self.settings.database_pooler,
            )
            self.stack.push_async_callback(opened.close)
            await check_catalogue(opened)
            self.databases[role] = opened
            self.readiness.add(f"database:{role}", _database_check(opened))
            metrics.POOL_CONNECTIONS.labels(role, "busy").set_function(partial(_connections, opened, 0))
            metrics.POOL_CONNECTIONS.labels(role, "limit").set_function(partial(_connections, opened, 1))
        return self.databases[role]


async def run(settings: Settings, *, announce: Callable[[], None] | None = None) -> None:
    """Run the roles of ``settings`` until a signal; returns when everything is drained and closed.

    Raises ``StartupError`` when the database is away, unmigrated or unsafe, and what ``run_program`` raises.
    """
    readiness = Readiness()
    async with AsyncExitStack() as stack:
        if settings.traces_endpoint:
            stop_tracing = TRACING.start(
                settings.traces_endpoint, settings.traces_share, role=",".join(settings.roles)
            )
            stack.push_async_callback(anyio.to_thread.run_sync, stop_tracing)
        client = open_redis(settings.redis_url, cluster=settings.redis_cluster)
        stack.push_async_callback(client.aclose)
        parts = _Parts(settings, stack, readiness, client)
        readiness.add("redis", _redis_check(client))
        await check_redis(client)
        try:
            actors = await _actors(parts)
        except RetryLaterError as error:
            raise StartupError(f"DATABASE_URL: {error.reason}") from error
        await run_program(actors, settings, readiness, announce=announce)


async def _actors(parts: _Parts) -> list[ActorSpec]:
    roles = parts.settings.roles
    actors: list[ActorSpec] = []
    signal = WakeSignal() if "relay" in roles else None
    for name in engines_of(roles):
        actors += await _engine_actors(parts, name)
    if signal is not None:
        actors += await _relay_actors(parts, signal)
    if "scheduler" in roles:
        actors += await _scheduler_actors(parts)
    if "api" in roles:
        actors += await _api_actors(parts, signal)
    return actors


async def _api_actors(parts: _Parts, signal: WakeSignal | None) -> list[ActorSpec]:
    from handlers.vertical import api_application
    from runtime.web.server import ApiServer

    database = await parts.database("api")
    actors = []
    if signal is not None:
        database.wake = signal.wake
    else:
        publisher = WakePublisher(parts.redis, parts.settings.event_partitions)
        database.wake = publisher.wake
        actors.append(ActorSpec("wake-publisher", publisher.run))
    # Requests ask for sessions and counters only, and have PostgreSQL to fall back on.
    quick = open_redis(
        parts.settings.redis_url, cluster=parts.settings.redis_cluster, timeout_s=_REQUEST_REDIS_TIMEOUT_S
    )
    parts.stack.push_async_callback(quick.aclose)
    replica = _replica(parts.settings, database)
    if replica is not None:
        parts.stack.push_async_callback(replica.close)
        actors.append(ActorSpec("replica", replica.run))
    application = api_application(parts.settings, database, quick, parts.readiness, replica)
    server = ApiServer(
        application, parts.settings.api_host, parts.settings.api_port, grace_s=parts.settings.drain_seconds
    )
    return [*actors, ActorSpec("api", server.run)]


def _replica(settings: Settings, primary: Database) -> Replica | None:
    replica = Replica.of(settings, primary)
    if replica is not None:
        metrics.REPLICA_LAG_SECONDS.set_function(lambda: replica.lag_s)
        for place, state in enumerate(("busy", "limit")):
            metrics.POOL_CONNECTIONS.labels("replica", state).set_function(
                partial(_connections, replica, place)
            )
    return replica


async def _relay_actors(parts: _Parts, signal: WakeSignal) -> list[ActorSpec]:
    publishing = open_redis(parts.settings.redis_url, cluster=parts.settings.redis_cluster, timeout_s=None)
    parts.stack.push_async_callback(publishing.aclose)
    relay = Relay(
        await parts.database("relay"),
        publishing,
        signal,
        partitions=parts.settings.event_partitions,
        observe=_observe_relay,
    )
    presence = Presence("relay", await parts.database("relay"))
    actors = [ActorSpec("relay:presence", presence.run), ActorSpec("relay", relay.run)]
    if "api" not in parts.settings.roles:
        actors.append(ActorSpec("wake-listener", WakeListener(parts.redis, signal).run))
    return actors


async def _engine_actors(parts: _Parts, name: str) -> list[ActorSpec]:
    database = await parts.database("engine")
    limit = DeadLetterLimit()
    consumer = Consumer(
        engines()[name](), database, limit=limit, on_failure=metrics.ENGINE_FAILURES.labels(name).inc
    )
    droplet = socket.gethostname()

    def observe(partition: int, progress: Progress) -> None:
        metrics.ENGINE_EVENTS.labels(name, partition).inc(progress.events)
        metrics.ENGINE_BATCH_SECONDS.labels(name).observe(progress.seconds)

    actors = {
        partition: EngineActor(
            consumer,
            parts.redis,
            partition,
            f"{droplet}-{parts.settings.ops_port}-{partition}",
            observe=observe,
        )
        for partition in range(parts.settings.event_partitions)
    }

    async def dead_letters_in_bounds() -> str | None:
        return "too large a share of events fails; parking has stopped" if limit.reached else None

    parts.readiness.add(f"engine:{name}", dead_letters_in_bounds)
    return [
        ActorSpec(f"{name}:presence", Presence(name, database).run),
        *(ActorSpec(f"{name}:{partition}", actor.run) for partition, actor in actors.items()),
        ActorSpec(f"{name}:reconciler", Reconciler(consumer, actors).run),
    ]


async def _scheduler_actors(parts: _Parts) -> list[ActorSpec]:
    from handlers.kept_files import delete_due_files
    from handlers.quotes.expiry import expire_due_quotes
    from handlers.stock.lot_expiry import expire_due_lots

    scheduler, api, engine = (
        await parts.database("scheduler"),
        await parts.database("api"),
        await parts.database("engine"),
    )
    settings = parts.settings
    files = open_files(settings)
    jobs = [
        Job("quote-expiry", 30, lambda: expire_due_quotes(scheduler, api)),
        Job("lot-expiry", 30, lambda: expire_due_lots(scheduler, api)),
        Job("file-deletion", 30, lambda: delete_due_files(scheduler, api, files)),
        Job("log-retention", 300, lambda: delete_old_events(scheduler, settings.retention_days)),
        Job("key-retention", 300, lambda: delete_old_idempotency_keys(scheduler)),
        Job("delivery-retention", 300, lambda: delete_old_deliveries(scheduler)),
        Job("session-retention", 300, lambda: delete_ended_sessions(scheduler)),
        Job("stream-trim", 30, lambda: trim_streams(scheduler, parts.redis, settings.event_partitions)),
    ]
    gauges = PipelineGauges(scheduler, parts.redis, consumers(), settings.event_partitions)
    jobs.append(Job("gauges", 10, gauges.step, everywhere=True))
    for name, make in engines().items():
        made = make()
        if type(made).roll is not Engine.roll:
            jobs.append(Job(f"roll-{name}", 15, Rolls(EngineCursors(made, engine)).step))
    jobs.append(_mining(engine))
    keys = KeyRing(
        "webhooks", settings.secret_key.get_secret_value(), settings.secret_key_previous.get_secret_value()
    )
    webhooks = WebhookSender(
        scheduler, engine, Signer(keys.verifying), WebhookClient(settings.webhook_allowed_networks)
    )
    return [
        *(ActorSpec(f"job:{job.name}", JobActor(job, scheduler).run) for job in jobs),
        ActorSpec("webhooks", webhooks.run),
    ]


def _mining(database: Database) -> Job:
    from actors.sales.actor import SalesEngine
    from actors.sales.miner import JOB, Miner

    return Job(JOB, 30, Miner(EngineCursors(SalesEngine(), database)).step)


def _observe_relay(published: Mapping[int, int], seconds: float) -> None:
    metrics.RELAY_BATCH_SECONDS.observe(seconds)
    for partition, count in published.items():
        metrics.RELAY_PUBLISHED.labels(partition).inc(count)


def _connections(database: Database | Replica, which: int) -> float:
    return database.connections[which]


def _database_check(database: Database) -> Check:
    async def check() -> str | None:
        try:
            async with database.transaction():
                return None
        except RetryLaterError as error:
            return error.reason

    return check


def _redis_check(client: RedisClient) -> Check:
    async def check() -> str | None:
        away = []
        try:
            for name, server in (await servers_of(client)).items():
                try:
                    await server.ping()
                except REDIS_ERRORS as error:
                    away.append(f"{name}: {type(error).__name__}")
        except REDIS_ERRORS as error:
            away.append(type(error).__name__)
        return ", ".join(away) or None

    return check
