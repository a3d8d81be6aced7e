"""The stores and users of a development installation, made once; their password is known to everybody."""

from __future__ import annotations

from handlers.permissions import Role
from handlers.stores import create_store, create_user
from runtime.commands.accounts import hashed
from runtime.commands.opened import opened
from runtime.data.ids import NIL, new_id
from runtime.data.queries import sql
from runtime.settings import Settings

DEMO_PASSWORD = "basecommerce-demo"
ADMIN = "admin@platform.localhost"
STORES = {"demo": "Casa Demo Materiais de Construção", "acme": "Acme Materiais de Construção"}
_USERS = {
    "owner": ("Olívia Prado", Role.OWNER),
    "seller": ("Sérgio Lima", Role.SELLER),
    "finance": ("Fernanda Reis", Role.FINANCE),
    "stock": ("Tiago Souza", Role.STOCK_KEEPER),
    "driver": ("Davi Rocha", Role.DRIVER),
}


async def ensure_demo_stores(settings: Settings) -> list[str]:
    """Make the demo stores that are missing, and the platform's administrator; returns the slugs of new stores."""
    made = []
    async with opened(settings) as database:
        async with database.transaction() as tx:
            missing = [
                slug for slug in STORES if await tx.fetch_one(sql.get_tenant_by_slug, slug=slug) is None
            ]
        async with database.tenant(NIL) as platform:
            no_admin = await platform.fetch_one(sql.get_sign_in, email=ADMIN) is None
        if not missing and not no_admin:
            return []
        password_hash = hashed(DEMO_PASSWORD)
        for slug in missing:
            async with database.tenant(new_id()) as own:
                await create_store(own, settings.event_partitions, slug=slug, name=STORES[slug])
                for account, (person, role) in _USERS.items():
                    email = f"{account}@{slug}.localhost"
                    await create_user(own, email=email, name=person, role=role, password_hash=password_hash)
            made.append(slug)
        if no_admin:
            async with database.tenant(NIL) as platform:
                await create_user(
                    platform,
                    email=ADMIN,
                    name="Platform administrator",
                    role=Role.PLATFORM_ADMIN,
                    password_hash=password_hash,
                )
    return made
