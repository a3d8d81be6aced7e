"""Reading one tenant's rows a statement at a time: the tenant is set by the statement that reads, and ends with it.

Each statement is a transaction of its own, so one round trip does what begin, statement and commit take three for. As
every statement of a transaction sees what was committed before the statement (READ COMMITTED), nothing is seen
differently. The order is sure: the join is lateral, so the statement's rows are not asked for before the tenant is set.
Were it not, row security would see no tenant and show nothing.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from runtime.data.errors import translate
from runtime.data.queries import Query
from runtime.data.transactions import Record, TenantTransaction

_CONFINED = """\
with confined as materialized (select set_config('app.tenant_id', ${number}::text, true) as tenant)
select found.*
from confined
cross join lateral (
select asked.* from (
{text}
) as asked
where confined.tenant is not null
offset 0
) as found"""


class TenantReading(TenantTransaction):
    """What a handler that only reads is given instead of a transaction; whoever writes in it gets a ``TypeError``."""

    def __init__(
        self, connection: Any, tenant_id: UUID, user_id: UUID | None, now: datetime | None = None
    ) -> None:
        super().__init__(connection, "", tenant_id, user_id, now)
        self._tenant = str(tenant_id)

    async def fetch_all(self, query: Query, /, **parameters: Any) -> list[Record]:
        """All rows."""
        arguments = query.arguments(parameters, self._defaults)
        try:
            rows: list[Record] = await self._connection.fetch(_confined(query), *arguments, self._tenant)
        except Exception as error:
            raise (translate(error) or error) from error
        return rows

    async def fetch_one(self, query: Query, /, **parameters: Any) -> Record | None:
        """The first row, or None."""
        arguments = query.arguments(parameters, self._defaults)
        try:
            row: Record | None = await self._connection.fetchrow(_confined(query), *arguments, self._tenant)
        except Exception as error:
            raise (translate(error) or error) from error
        return row

    async def execute(self, query: Query, /, **parameters: Any) -> int:
        """Refused: what changes something takes a transaction."""
        raise TypeError(f"query {query.name}: nothing is written while only reading ({sorted(parameters)})")

    def check_nothing_is_left(self) -> None:
        """Raise ``TypeError`` when the work has left something to be committed."""
        if self._last is not None or self.outgoing or self.trailing is not None or self._after_commit:
            raise TypeError("what leaves something behind takes a transaction")


@lru_cache(maxsize=1024)
def _confined(query: Query) -> str:
    return _CONFINED.format(number=len(query.parameters) + 1, text=query.text)
