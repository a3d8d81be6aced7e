"""``basecommerce tenant``: the stores of this installation."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import anyio
import cyclopts

from runtime.commands.opened import installation, opened, tenant_id_of
from runtime.commands.output import say, say_table

app = cyclopts.App(name="tenant", help="Create, list, suspend, resume, export and import stores.")

_PAGE = 200


@app.command
def create(
    slug: str,
    name: str,
    *,
    owner: str | None = None,
    locale: Literal["pt-BR", "en"] = "pt-BR",
    time_zone: str = "America/Sao_Paulo",
    password_stdin: bool = False,
) -> None:
    """Make a store, and its first user when ``--owner`` is given.

    Parameters
    ----------
    slug
        Its subdomain.
    name
        What people call it.
    owner
        Address of its owner; a password is made and shown once.
    locale
        Language of its messages.
    time_zone
        Where its days begin and end.
    password_stdin
        Read the owner's password from the first line of standard input instead.
    """
    from handlers.permissions import Role
    from handlers.stores import create_store, create_user
    from runtime.commands.accounts import new_password
    from runtime.data.ids import new_id

    async def run() -> None:
        settings = installation()
        chosen = new_password(from_stdin=password_stdin, own_words=(slug, name)) if owner else None
        async with opened(settings) as database, database.tenant(new_id()) as tx:
            await create_store(
                tx, settings.event_partitions, slug=slug, name=name, locale=locale, time_zone=time_zone
            )
            if owner is not None and chosen is not None:
                await create_user(tx, email=owner, name=owner, role=Role.OWNER, password_hash=chosen[1])
        say(f"store {slug} made: {tx.tenant_id}")
        if owner is not None and chosen is not None:
            say(f"owner {owner}" if password_stdin else f"owner {owner}, password {chosen[0]}")

    anyio.run(run)


@app.command(name="list")
def list_stores(*, status: Literal["active", "suspended"] | None = None) -> None:
    """List the stores by slug.

    Parameters
    ----------
    status
        Only these.
    """
    import orjson

    from runtime.data.queries import sql

    async def run() -> None:
        stores: list[dict[str, str]] = []
        after: str | None = None
        async with opened(installation()) as database:
            while True:
                async with database.transaction() as tx:
                    rows = await tx.fetch_all(
                        sql.select_tenants, status=status, search=None, after=after, limit=_PAGE
                    )
                stores += [orjson.loads(row["body"]) for row in rows]
                if len(rows) < _PAGE:
                    break
                after = rows[-1]["slug"]
        say_table(
            ("SLUG", "STATUS", "NAME", "ID", "CREATED"),
            [(s["slug"], s["status"], s["name"], s["id"], s["created_at"][:10]) for s in stores],
        )

    anyio.run(run)


@app.command
def suspend(slug: str) -> None:
    """Refuse every request of a store within seconds; its data stays and its events are still processed."""
    _set_status(slug, "suspended")


@app.command
def resume(slug: str) -> None:
    """Let a suspended store work again."""
    _set_status(slug, "active")


@app.command
def export(slug: str, file: Path) -> None:
    """Write one store into a zip file: every row, its events, what the engines know of it, its images.

    Suspend it first when it is to move: what it does after the export stays behind.

    Parameters
    ----------
    slug
        Its subdomain.
    file
        A new file.
    """
    from runtime.data.backups.store import export_store

    async def run() -> None:
        settings = installation()
        manifest = await export_store(settings.database_url_of("backup"), slug, file, settings.files_home)
        say(f"store {slug}: {sum(manifest.rows.values())} rows and {manifest.images} images in {file}")

    anyio.run(run)


@app.command(name="import")
def import_(file: Path, *, slug: str | None = None) -> None:
    """Bring in a store that another installation of the same release has exported; its users sign in again.

    Parameters
    ----------
    file
        What ``tenant export`` wrote.
    slug
        Another subdomain than the one it had.
    """
    from runtime.data.backups.store import import_store

    async def run() -> None:
        settings = installation()
        url = settings.database_url_of("backup")
        manifest = await import_store(url, file, settings.files_home, slug=slug)
        say(f"store {slug or manifest.slug}: {sum(manifest.rows.values())} rows and {manifest.images} images")

    anyio.run(run)


def _set_status(slug: str, status: str) -> None:
    from runtime.data.queries import sql

    async def run() -> None:
        async with opened(installation()) as database:
            tenant_id = await tenant_id_of(database, slug)
            async with database.transaction() as tx:
                changed = await tx.execute(sql.set_tenant_status, id=tenant_id, status=status)
        say(f"store {slug} is {status}" if changed else f"store {slug} was {status} already")

    anyio.run(run)
