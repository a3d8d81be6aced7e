"""Lists that run from the newest to the oldest, with a range of days in the store's time zone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from runtime.web.pagination import ListQuery
from runtime.web.routing import Call

FIRST_MOMENT = datetime(1, 1, 1, tzinfo=UTC)
LAST_MOMENT = datetime(9999, 12, 31, tzinfo=UTC)
FIRST_ID = UUID(int=0)
LAST_ID = UUID(int=(1 << 128) - 1)
LOOKED_THROUGH = 10_000
"""Rows that one answer looks through for those that match what no index leads to, so that it takes the same in a long
history as in a short one."""

_DAY_FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _written_as_a_day(value: Any) -> Any:
    # Numbers would be read as seconds since 1970, and "infinity" as the end of time.
    if type(value) is date or (isinstance(value, str) and _DAY_FORM.fullmatch(value)):
        return value
    raise PydanticCustomError("date_parsing", "A day such as 2026-11-24 is expected")


# Beyond these years a day in some time zone would fall outside of what datetime can say.
Day = Annotated[
    date,
    Field(ge=date(1900, 1, 1), le=date(2999, 12, 31), examples=["2026-11-24"]),
    BeforeValidator(_written_as_a_day),
]

_NUMBER = re.compile(r"(?:[A-Za-z][A-Za-z0-9-]*-)?0*([0-9]{1,18})")


class NewestFirst(ListQuery):
    """Newest first; the days are the store's, both included."""

    sort: Literal["-created_at"] | None = None
    created_from: Day | None = Field(None, description="First day, in the store's time zone")
    created_to: Day | None = Field(None, description="Last day, in the store's time zone")


def bounds(call: Call[Any]) -> dict[str, Any]:
    """The keyset parameters of such a list: rows before (`before_at`, `before_id`), not older than `from_at`."""
    query: NewestFirst = call.query
    zone = ZoneInfo(call.tenant.time_zone)
    before_at, before_id = LAST_MOMENT, LAST_ID
    if query.created_to is not None:
        # The id sorts below all others, so the first moment of the next day is excluded.
        before_at, before_id = _midnight(query.created_to + timedelta(days=1), zone), FIRST_ID
    cursor = call.cursor()
    if cursor is not None:
        before_at, before_id = datetime.fromisoformat(cursor[0]), UUID(cursor[1])
    from_at = FIRST_MOMENT if query.created_from is None else _midnight(query.created_from, zone)
    return {"before_at": before_at, "before_id": before_id, "from_at": from_at, "limit": query.limit + 1}


def newest_key(row: Any) -> Sequence[object]:
    """What the cursor of such a list remembers of a row."""
    return [row["created_at"].isoformat(), row["id"]]


def serial_of(text: str | None) -> int | None:
    """The serial in a document number as people type it: 'COT-000012', '000012' and '12' are all 12."""
    match = None if text is None else _NUMBER.fullmatch(text)
    return None if match is None else int(match[1])


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
