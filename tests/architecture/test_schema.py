from __future__ import annotations

import pytest

from runtime.data.migrations import Migration, check, migrate, pending, read_migrations
from runtime.errors import StartupError
from tests.architecture.schema import SCHEMA_FILE, dump


async def test_the_migrations_make_the_schema_on_record(
    empty_database_url: str, request: pytest.FixtureRequest
) -> None:
    if request.config.getoption("--database-url"):
        pytest.skip("dumps of other PostgreSQL releases read differently; runs on the embedded server")
    await migrate(empty_database_url)
    assert dump(empty_database_url) == SCHEMA_FILE.read_text(), "run `make schema` and look at the difference"


async def test_migrating_twice_changes_nothing_the_second_time(empty_database_url: str) -> None:
    assert len(await check(empty_database_url)) == len(read_migrations())
    assert len(await migrate(empty_database_url)) == len(read_migrations())
    assert await migrate(empty_database_url) == []
    assert await check(empty_database_url) == []


async def test_the_number_of_partitions_is_fixed_for_ever(empty_database_url: str) -> None:
    await migrate(empty_database_url, event_partitions=4)
    with pytest.raises(StartupError, match="EVENT_PARTITIONS: this installation was made with 4"):
        await migrate(empty_database_url, event_partitions=8)


def test_a_migration_changed_after_it_was_applied_stops_the_start() -> None:
    first = Migration(1, "first", "select 1")
    with pytest.raises(StartupError, match="0001 first was changed after it was applied"):
        pending([first], {1: "another checksum"})


def test_a_database_newer_than_the_program_stops_the_start() -> None:
    first = Migration(1, "first", "select 1")
    with pytest.raises(StartupError, match="the database has migration 0002"):
        pending([first], {1: first.checksum, 2: "x"})
