"""The scheduler's turn over files that are to be deleted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from handlers.kept_files import delete_due_files
from runtime.data.database import Database
from runtime.data.files import open_files
from runtime.settings import Settings

AN_HOUR_LATER = "update file_deletions set due_at = due_at - interval '1 hour 1 second'"


@pytest.fixture
def delete_files(
    settings: Settings, scheduler_database: Database, database: Database, owner: asyncpg.Connection
) -> Callable[..., Awaitable[int]]:
    """Deletes what is due, or what will be in an hour, from the settings' place or another; says how many."""

    async def delete(files: Any = None, *, an_hour_later: bool = False) -> int:
        if an_hour_later:
            await owner.execute(AN_HOUR_LATER)
        return await delete_due_files(scheduler_database, database, files or open_files(settings))

    return delete
