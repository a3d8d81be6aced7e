"""Partial updates: what a PATCH asked for, laid over the row it locked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import Field

from runtime.data.queries import Query
from runtime.data.transactions import TenantTransaction
from runtime.errors import NotFoundError
from runtime.web.fields import Body

CheckVersion = Callable[[int], None]
"""Raises when the caller wanted to change another version of the thing than the present one."""


def _absent() -> Any:
    return None


def unchanged() -> Any:
    """The default of a field that may be left out of a change but may not be set to null."""
    return Field(default_factory=_absent)


def any_version(version: int) -> None:
    """The check of callers that change whatever version there is."""


async def lock(
    tx: TenantTransaction, query: Query, check_version: CheckVersion, **key: Any
) -> dict[str, Any]:
    """The columns of the one row, held until the transaction ends; 404 when there is none."""
    row = await tx.fetch_one(query, **key)
    if row is None:
        raise NotFoundError
    columns = dict(row)
    check_version(columns.pop("version"))
    return columns


def asked_changes(current: Mapping[str, Any], body: Body) -> dict[str, Any]:
    """The columns whose value the client gave and which are different now; empty when nothing changes."""
    return {name: value for name in body.model_fields_set if (value := getattr(body, name)) != current[name]}
