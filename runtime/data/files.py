"""Files that belong to stores: in a directory, or in a bucket of any S3-compatible service; a store sees its own only.

A store's files lie under its id. What is read or written is always named by the store and a plain name, so that no
name leads into another store's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit
from uuid import UUID

import anyio
import anyio.to_thread

from runtime.errors import RetryLaterError
from runtime.settings import Settings

if TYPE_CHECKING:
    from obstore.store import S3Store

_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]*(\.[0-9A-Za-z]+)?")
_TIMEOUT = "5s"


class Files(Protocol):
    """Where files are kept. All raise RetryLaterError (503) when the place does not answer."""

    async def put(self, tenant_id: UUID, name: str, content: bytes, media_type: str) -> None:
        """Keep a file; one of the same name is replaced."""

    async def get(self, tenant_id: UUID, name: str) -> bytes:
        """A file's content; FileNotFoundError when the store has none of this name."""

    async def delete(self, tenant_id: UUID, names: Sequence[str]) -> None:
        """Delete files; those that are gone are no fault."""


def open_files(settings: Settings) -> Files:
    """The place that the settings name; nothing is connected to before the first use."""
    if settings.files_url:
        return Bucket(settings)
    return Directory(settings.files_home)


class Directory:
    """A directory per store, for the program's own eyes only."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._limiter = anyio.CapacityLimiter(4)

    async def put(self, tenant_id: UUID, name: str, content: bytes, media_type: str) -> None:  # noqa: ARG002
        """Write the file beside its place first, so that it is never seen half written."""
        path = self._path(tenant_id, name)

        def write() -> None:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            half = path.with_name(f"{path.name}.part")
            half.touch(mode=0o600)
            half.write_bytes(content)
            half.replace(path)

        await anyio.to_thread.run_sync(write, limiter=self._limiter)

    async def get(self, tenant_id: UUID, name: str) -> bytes:
        """A file's content."""
        return await anyio.to_thread.run_sync(self._path(tenant_id, name).read_bytes, limiter=self._limiter)

    async def delete(self, tenant_id: UUID, names: Sequence[str]) -> None:
        """Delete files."""
        paths = [self._path(tenant_id, name) for name in names]

        def unlink() -> None:
            for path in paths:
                path.unlink(missing_ok=True)

        await anyio.to_thread.run_sync(unlink, limiter=self._limiter)

    def _path(self, tenant_id: UUID, name: str) -> Path:
        return self._root / str(tenant_id) / _plain(name)


class Bucket:
    """A prefix per store in a bucket; ``FILES_URL`` is ``s3://bucket`` or ``s3://bucket/prefix``."""

    def __init__(self, settings: Settings) -> None:
        url = urlsplit(settings.files_url)
        endpoint = settings.files_s3_endpoint
        given = {
            "access_key_id": settings.files_s3_access_key_id,
            "secret_access_key": settings.files_s3_secret_access_key.get_secret_value(),
            "endpoint": endpoint,
        }
        self._bucket = url.netloc
        self._prefix = url.path.strip("/")
        self._config = {name: value for name, value in given.items() if value}
        self._config["region"] = settings.files_s3_region
        self._plain_http = endpoint.startswith("http://")
        self._opened: S3Store | None = None

    async def put(self, tenant_id: UUID, name: str, content: bytes, media_type: str) -> None:
        """Keep a file."""
        from obstore.exceptions import BaseError

        try:
            await self._store().put_async(
                self._key(tenant_id, name), content, attributes={"Content-Type": media_type}
            )
        except BaseError as error:
            raise RetryLaterError("the file store does not take the file") from error

    async def get(self, tenant_id: UUID, name: str) -> bytes:
        """A file's content."""
        from obstore.exceptions import BaseError

        try:
            found = await self._store().get_async(self._key(tenant_id, name))
            return bytes(await found.bytes_async())
        except FileNotFoundError:
            raise
        except BaseError as error:
            raise RetryLaterError("the file store does not answer") from error

    async def delete(self, tenant_id: UUID, names: Sequence[str]) -> None:
        """Delete files."""
        from obstore.exceptions import BaseError

        try:
            await self._store().delete_async([self._key(tenant_id, name) for name in names])
        except FileNotFoundError:
            return
        except BaseError as error:
            raise RetryLaterError("the file store does not delete") from error

    def _store(self) -> S3Store:
        """The client, made at its first use: until then its threads are not there."""
        if self._opened is None:
            from datetime import timedelta

            from obstore.store import S3Store

            self._opened = S3Store(
                self._bucket,
                prefix=self._prefix or None,
                config=self._config,  # type: ignore[arg-type]
                client_options={
                    "timeout": _TIMEOUT,
                    "connect_timeout": _TIMEOUT,
                    "allow_http": self._plain_http,
                },
                retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=6)},
            )
        return self._opened

    def _key(self, tenant_id: UUID, name: str) -> str:
        return f"{tenant_id}/{_plain(name)}"


def _plain(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"not a plain file name: {name!r}")
    return name
