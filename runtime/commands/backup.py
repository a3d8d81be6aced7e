"""``basecommerce backup`` and ``basecommerce restore``."""

from __future__ import annotations

from pathlib import Path

import anyio

from runtime.commands.opened import installation
from runtime.commands.output import say
from runtime.errors import StartupError


def backup(*, directory: Path | None = None, keep: int = 14, verify: bool = False) -> None:
    """Write the whole installation, its images included, into a new directory; old ones beyond ``--keep`` go.

    Everything goes on meanwhile: the backup is one snapshot. Redis is not part of it, for it holds nothing that
    PostgreSQL does not know.

    Parameters
    ----------
    directory
        Where backups lie; ``BACKUP_DIRECTORY`` otherwise.
    keep
        How many to keep, the new one included; 0 keeps all.
    verify
        Also restore it into a scratch database of the same server, compare every count, and drop that again.
    """
    from runtime.data.backups import restoring, taking

    if keep < 0:
        raise StartupError("--keep: 0 or more")

    async def run() -> None:
        settings = installation()
        url = settings.database_url_of("backup")
        place = directory or settings.backups_home
        made = await taking.take(url, place, settings.files_home)
        say(f"written: {made}")
        if verify:
            manifest = await restoring.verify(url, made)
            say(f"verified: {sum(manifest.rows.values())} rows of {len(manifest.rows)} tables, row for row")
        for gone in taking.prune(place, keep):
            say(f"deleted: {gone}")

    anyio.run(run)


def restore(directory: Path) -> None:
    """Restore a backup into the empty database of ``DATABASE_URL`` and its images into ``FILES_DIRECTORY``.

    Stop every process first and start with an empty Redis. All users sign in again afterwards.

    Parameters
    ----------
    directory
        The directory that ``basecommerce backup`` wrote.
    """
    from runtime.data.backups import restoring

    async def run() -> None:
        settings = installation()
        url = settings.database_url_of("backup")
        manifest = await restoring.restore(url, directory, settings.files_home)
        say(
            f"restored: {sum(manifest.rows.values())} rows of {len(manifest.rows)} tables as of {manifest.made_at}",
            "next: basecommerce migrate, then basecommerce doctor --oracles, then start the processes",
        )

    anyio.run(run)
