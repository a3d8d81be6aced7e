"""``basecommerce migrate``."""

from __future__ import annotations

import anyio

from runtime.commands.output import say


def migrate(*, check: bool = False) -> int:
    """Apply the migrations that are missing; safe to run from several machines at once.

    Parameters
    ----------
    check
        Change nothing; exit with 1 when migrations are missing.
    """
    from runtime.data import migrations
    from runtime.settings import load

    settings = load(servers=False, secrets=False)
    url = settings.required("DATABASE_URL")
    if check:
        missing = anyio.run(migrations.check, url)
        say(*(f"missing: {migration.number:04} {migration.name}" for migration in missing))
        return 1 if missing else 0
    applied = anyio.run(lambda: migrations.migrate(url, event_partitions=settings.event_partitions))
    say(*(f"applied: {migration.number:04} {migration.name}" for migration in applied))
    say("the schema is up to date")
    return 0
