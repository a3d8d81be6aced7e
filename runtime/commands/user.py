"""``basecommerce user``: users of a store, or the administrators of the platform (store ``platform``)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

import anyio
import cyclopts

from handlers.permissions import Role
from runtime.commands.opened import installation, opened, tenant_id_of
from runtime.commands.output import say
from runtime.data.transactions import TenantTransaction

app = cyclopts.App(name="user", help="Create and disable users, reset passwords.")


@app.command
def create(store: str, email: str, *, role: Role, name: str = "", password_stdin: bool = False) -> None:
    """Make a user.

    Parameters
    ----------
    store
        Slug of the store, or ``platform``.
    email
        What the user signs in with.
    role
        What the user may do; ``platform-admin`` only in ``platform``.
    name
        The user's name; default: the address.
    password_stdin
        Read the password from the first line of standard input instead of making one.
    """
    from handlers.stores import create_user
    from runtime.commands.accounts import new_password

    password, password_hash = new_password(from_stdin=password_stdin, own_words=(email, store))

    async def run() -> None:
        async with opened(installation()) as database:
            tenant_id = await tenant_id_of(database, store)
            async with database.tenant(tenant_id) as tx:
                await create_user(tx, email=email, name=name or email, role=role, password_hash=password_hash)

    anyio.run(run)
    say(f"user {email} made" if password_stdin else f"user {email} made, password {password}")


@app.command
def disable(store: str, email: str) -> None:
    """End all sessions of a user and let no new one begin."""
    from runtime.data.queries import sql

    async def deactivate(tx: TenantTransaction, user_id: UUID) -> None:
        user = await tx.fetch_one(sql.lock_user, id=user_id)
        if user is not None:
            await tx.execute(sql.update_user, id=user_id, name=user["name"], role=user["role"], active=False)

    anyio.run(_change, store, email, deactivate)
    say(f"user {email} disabled")


@app.command(name="reset-password")
def reset_password(store: str, email: str, *, password_stdin: bool = False) -> None:
    """Give a user another password and end all sessions.

    Parameters
    ----------
    store
        Slug of the store, or ``platform``.
    email
        What the user signs in with.
    password_stdin
        Read the password from the first line of standard input instead of making one.
    """
    from runtime.commands.accounts import new_password
    from runtime.data.queries import sql

    password, password_hash = new_password(from_stdin=password_stdin, own_words=(email, store))

    async def replace(tx: TenantTransaction, user_id: UUID) -> None:
        await tx.execute(sql.set_password_hash, id=user_id, password_hash=password_hash)

    anyio.run(_change, store, email, replace)
    say(f"password of {email} changed" if password_stdin else f"password of {email} is now {password}")


async def _change(
    store: str, email: str, change: Callable[[TenantTransaction, UUID], Awaitable[None]]
) -> None:
    """Change a user and end the user's sessions, in the API's caches too."""
    from runtime.commands.accounts import user_id_of
    from runtime.data.queries import sql
    from runtime.events.streams import open_redis
    from runtime.web.sessions import Sessions

    settings = installation()
    client = open_redis(settings.redis_url, cluster=settings.redis_cluster, connections=2)
    try:
        async with opened(settings) as database:
            tenant_id = await tenant_id_of(database, store)
            async with database.tenant(tenant_id) as tx:
                user_id = await user_id_of(tx, email)
                await change(tx, user_id)
                live = [row["id"] for row in await tx.fetch_all(sql.select_live_sessions, of_user=user_id)]
                await tx.execute(sql.revoke_sessions_of_user, of_user=user_id)
                await Sessions(database, client).doubt(tenant_id, live)
    finally:
        await client.aclose()
