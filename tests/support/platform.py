"""The platform's own administrator, who belongs to no store."""

from __future__ import annotations

import pytest

from handlers.permissions import Role
from handlers.stores import create_user
from runtime.data.database import Database
from runtime.data.ids import NIL
from tests.support.stores import _HASH, ApiClient

ADMIN = "admin@platform.localhost"


@pytest.fixture
async def admin(client: ApiClient, database: Database) -> ApiClient:
    """A client on the bare host, signed in as the platform's administrator."""
    async with database.tenant(NIL) as tx:
        await create_user(tx, email=ADMIN, name="Admin", role=Role.PLATFORM_ADMIN, password_hash=_HASH)
    bare = client.at(None)
    await bare.login(email=ADMIN)
    return bare
