"""A second store, for tests of what must not be seen of it."""

from __future__ import annotations

from uuid import UUID

import asyncpg
import pytest

from runtime.data.ids import new_id


@pytest.fixture
async def other_tenant(database_url: str) -> UUID:
    """The id of a second active store without users."""
    tenant_id = new_id()
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(
            "insert into tenants (id, slug, name) values ($1, 'other-yard', 'Other Yard')", tenant_id
        )
        await connection.execute(
            "insert into tenant_event_head (tenant_id, partition) values ($1, 0)", tenant_id
        )
    finally:
        await connection.close()
    return tenant_id
