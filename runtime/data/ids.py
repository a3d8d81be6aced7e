"""Identifiers: UUIDv7, so that rows written together lie together in every index."""

from __future__ import annotations

import zlib
from uuid import UUID

from uuid_utils.compat import uuid7

NIL = UUID(int=0)
"""The reserved tenant of the platform itself, to which the platform administrators belong."""


def new_id() -> UUID:
    """A new time-ordered UUIDv7."""
    return uuid7()


def partition_of(tenant_id: UUID, partitions: int) -> int:
    """The event partition of a tenant, 0 ≤ n < ``partitions``; stable across processes and releases."""
    return zlib.crc32(tenant_id.bytes) % partitions
