"""Files and the rows that name them, whatever becomes of the transactions in between."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from runtime.data.files import Directory
from runtime.data.queries import sql
from runtime.errors import RetryLaterError
from tests.integration.handlers.test_store_logo import LOGO, drawn, put
from tests.support.kept_files import AN_HOUR_LATER
from tests.support.stores import ApiClient, Store


class Away:
    """A place that does not answer."""

    async def delete(self, *_: Any) -> None:
        raise RetryLaterError("away")


@pytest.fixture
async def boss(client: ApiClient) -> ApiClient:
    await client.login("owner")
    return client


@pytest.fixture
def directory(settings, store: Store) -> Path:
    return settings.home / "files" / str(store.id)


def kept(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


async def test_a_file_whose_row_never_came_is_deleted_after_an_hour(
    boss: ApiClient, delete_files, directory: Path, owner
) -> None:
    """The transaction fails after the file is written, at its last statement."""
    await owner.execute("alter table store_logos add constraint broken check (width <> 90) not valid")
    assert (await put(boss, drawn((90, 30)))).status >= 400
    assert len(kept(directory)) == 1
    assert await delete_files() == 0
    assert await delete_files(an_hour_later=True) == 1
    assert kept(directory) == []


async def test_a_failed_commit_leaves_the_former_logo_as_it_was(
    boss: ApiClient, delete_files, directory: Path, owner
) -> None:
    assert (await put(boss, drawn((40, 40)))).status == 200
    former = kept(directory)
    shown = await (await boss.get(LOGO)).read()
    await owner.execute(
        """
        create function refuse() returns trigger language plpgsql as
        $$ begin raise serialization_failure using message = 'the commit fails'; end $$;
        create constraint trigger refuse after update or delete on store_logos deferrable initially deferred
          for each row execute function refuse();
        """
    )
    assert (await put(boss, drawn((90, 30)))).status == 503
    assert (await boss.delete(LOGO)).status == 503
    assert await (await boss.get(LOGO)).read() == shown
    await delete_files(an_hour_later=True)
    assert kept(directory) == former
    assert await (await boss.get(LOGO)).read() == shown


async def test_a_file_that_cannot_be_deleted_now_is_deleted_later(
    boss: ApiClient, delete_files, directory: Path, owner
) -> None:
    assert (await put(boss, drawn())).status == 200
    assert (await boss.delete(LOGO)).status == 204
    assert await delete_files(Away()) == 0
    assert len(kept(directory)) == 1
    assert await delete_files() == 1
    assert kept(directory) == []
    assert await owner.fetchval("select count(*) from file_deletions") == 0


async def test_a_file_that_was_abandoned_is_not_named_any_more(
    boss: ApiClient, directory: Path, owner, monkeypatch
) -> None:
    """Its deletion may be under way."""
    write = Directory.put

    async def slowly(*arguments: Any) -> None:
        await write(*arguments)
        await owner.execute(AN_HOUR_LATER)

    monkeypatch.setattr(Directory, "put", slowly)
    assert (await put(boss, drawn())).status == 503
    assert (await boss.get(LOGO)).status == 404


async def test_no_other_store_s_files_are_touched(
    boss: ApiClient, delete_files, directory: Path, database, new_tenant
) -> None:
    assert (await put(boss, drawn())).status == 200
    [name] = kept(directory)
    async with database.tenant(await new_tenant()) as tx:
        await tx.execute(sql.schedule_file_deletions, file_names=[name], due_at=tx.now - timedelta(seconds=1))
    assert await delete_files() == 1
    assert kept(directory) == [name]
