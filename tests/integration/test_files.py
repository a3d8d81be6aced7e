"""Stores' files in a directory and in a bucket: the same promises, each store under its own prefix."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr

from runtime.data.files import Bucket, Directory, Files, open_files
from runtime.errors import RetryLaterError
from runtime.settings import Settings
from tests.support.buckets import Buckets


@pytest.fixture(params=["directory", "bucket"])
def files(request: pytest.FixtureRequest, settings: Settings) -> Files:
    if request.param == "directory":
        return open_files(settings)
    buckets: Buckets = request.getfixturevalue("buckets")
    return open_files(buckets.settings(settings))


async def test_a_kept_file_is_read_by_its_store_alone(files: Files) -> None:
    one, other = uuid4(), uuid4()
    await files.put(one, "a.jpg", b"picture", "image/jpeg")
    assert await files.get(one, "a.jpg") == b"picture"
    with pytest.raises(FileNotFoundError):
        await files.get(other, "a.jpg")
    await files.delete(other, ["a.jpg"])
    assert await files.get(one, "a.jpg") == b"picture"


async def test_deleting_a_file_that_is_gone_is_no_fault(files: Files) -> None:
    store = uuid4()
    await files.put(store, "a.jpg", b"picture", "image/jpeg")
    for _ in range(2):
        await files.delete(store, ["a.jpg", "never.jpg"])
    with pytest.raises(FileNotFoundError):
        await files.get(store, "a.jpg")


@pytest.mark.parametrize("name", ["../b.jpg", "a/b.jpg", "", ".hidden", "a.jpg/..", "a b.jpg", "a%2fb.jpg"])
async def test_no_name_leads_out_of_a_store(files: Files, name: str) -> None:
    with pytest.raises(ValueError, match="plain file name"):
        await files.put(uuid4(), name, b"", "image/jpeg")
    with pytest.raises(ValueError, match="plain file name"):
        await files.get(uuid4(), name)


async def test_an_object_lies_under_the_prefix_and_its_stores_id(
    buckets: Buckets, settings: Settings
) -> None:
    store = uuid4()
    await open_files(buckets.settings(settings)).put(store, "a.png", b"x", "image/png")
    [(key, media_type)] = buckets.objects(str(store))
    assert (key, media_type) == (f"yard/{store}/a.png", "image/png")


async def test_a_file_store_that_does_not_answer_is_asked_again_later(settings: Settings) -> None:
    nobody = settings.having(
        files_url="s3://files",
        files_s3_endpoint="http://127.0.0.1:9",
        files_s3_access_key_id="key",
        files_s3_secret_access_key=SecretStr("secret"),
    )
    files = open_files(nobody)
    assert isinstance(files, Bucket)
    with pytest.raises(RetryLaterError):
        await files.get(uuid4(), "a.jpg")


async def test_a_directory_is_for_the_program_alone(settings: Settings, tmp_path: Path) -> None:
    files, store = Directory(tmp_path / "files"), uuid4()
    await files.put(store, "a.jpg", b"picture", "image/jpeg")
    [path] = (tmp_path / "files" / str(store)).iterdir()
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0
