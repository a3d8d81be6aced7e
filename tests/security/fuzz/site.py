"""Two stores that have traded, the platform's administrator, and a third store that may be suspended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import aiohttp
import asyncpg

from handlers.permissions import Role
from handlers.stores import create_user
from runtime.data.database import Database
from runtime.data.ids import NIL
from tests.support.platform import ADMIN
from tests.support.stores import _HASH, ApiClient, Store, create_store
from tests.support.traded import Traded, trade

FOREIGN_MARK = "CANARY-RIVAL"


@dataclass(frozen=True, slots=True)
class Stores:
    """The store that is called, and what is the other's and may never be seen."""

    own: Traded
    foreign: Traded

    @property
    def secrets(self) -> frozenset[bytes]:
        """The other store's mark and ids, as they would stand in an answer."""
        ids = {found.encode() for found in self.foreign.all_ids}
        return frozenset(ids | {FOREIGN_MARK.encode(), FOREIGN_MARK.lower().encode()})


class At:
    """What ``ApiClient`` needs of a client, for a program that listens elsewhere."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url

    async def request(self, method: str, path: str, **options: Any) -> aiohttp.ClientResponse:
        """One request to this address of the program."""
        return await self.session.request(method, self.url + path, **options)


async def open_stores(database: Database, owner: asyncpg.Connection, client: ApiClient) -> Stores:
    """Make them by the API; ``client`` is one of the store ``yard``, whose users there are already."""
    yard_id = await owner.fetchval("select id from tenants where slug = 'yard'")
    users = await owner.fetch("select role, id from users where tenant_id = $1", yard_id)
    yard = Store(yard_id, "yard", {row["role"]: row["id"] for row in users})
    rival_store = await create_store(database, "rival")
    rival = client.at("rival")
    await rival.login("owner")
    foreign = await trade(owner, rival, rival_store, FOREIGN_MARK)
    await client.login("owner")
    helper = {
        "email": "helper@yard.localhost",
        "name": "Helper",
        "role": "driver",
        "password": "tijolo azul na chuva",
    }
    own = await trade(owner, client, yard, "YARD")
    made = await client.json("POST", "users", helper, status=201)
    spare = await create_store(database, "spare-yard")
    async with database.tenant(NIL) as tx:
        await create_user(tx, email=ADMIN, name="Admin", role=Role.PLATFORM_ADMIN, password_hash=_HASH)
    ids = {**own.ids, "users": (*own.ids["users"], made["id"]), "tenants": (str(spare.id),)}
    return Stores(Traded(own.mark, own.tokens, ids), foreign)
