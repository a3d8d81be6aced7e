"""``basecommerce dev``: a whole installation on one machine, as ``make run`` starts it."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial

import anyio

from runtime.commands.output import say
from runtime.errors import StartupError
from runtime.settings import Settings


def dev() -> None:
    """Start PostgreSQL and Valkey, migrate, make the demo stores, and run all roles until Ctrl-C.

    Everything is kept under BASECOMMERCE_HOME. Servers named by DATABASE_URL and REDIS_URL are used instead of own
    ones.
    """
    from runtime import app
    from runtime.commands.demo_stores import ensure_demo_stores
    from runtime.data.migrations import migrate
    from runtime.host.logs import configure_logs
    from runtime.host.program import run_in_loop
    from runtime.settings import load

    settings = load(development=True, servers=False)
    if not settings.is_development:
        raise StartupError("ENVIRONMENT: 'dev' makes users with a known password; on a server use 'run'")
    configure_logs(settings.log_level, settings.log_format)
    with ExitStack() as stack:
        settings = _with_servers(settings, stack)
        anyio.run(partial(migrate, settings.database_url, event_partitions=settings.event_partitions))
        anyio.run(ensure_demo_stores, settings)
        run_in_loop(partial(app.run, settings, announce=partial(_welcome, settings)))


def _with_servers(settings: Settings, stack: ExitStack) -> Settings:
    if settings.database_url and settings.redis_url:
        return settings
    from runtime.host.embedded import EmbeddedServers

    own = stack.enter_context(EmbeddedServers(settings.home))
    return settings.having(
        database_url=settings.database_url or own.database_url, redis_url=settings.redis_url or own.redis_url
    )


def _welcome(settings: Settings) -> None:
    from runtime.commands.demo_stores import DEMO_PASSWORD, STORES

    port = "" if settings.api_port == 80 else f":{settings.api_port}"
    say("", "BaseCommerce is running; Ctrl-C stops it.", "")
    for slug in STORES:
        say(
            f"  http://{slug}.{settings.base_domain}{port}   owner@{slug}.localhost"
            " (also seller@, finance@, stock@, driver@)"
        )
    say(
        f"  http://{settings.base_domain}{port}        admin@platform.localhost (the platform itself)",
        f"  password of all: {DEMO_PASSWORD}",
        f"  API reference: http://demo.{settings.base_domain}{port}/docs",
        "",
    )
