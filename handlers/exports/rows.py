"""A list's items as rows of cells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from handlers.exports import words
from handlers.exports.columns import Column, names_of
from handlers.exports.formats import Cell
from handlers.exports.headings import heading
from runtime.data.queries import Query
from runtime.data.transactions import TenantTransaction

Item = Mapping[str, Any]
Names = Mapping[tuple[Query | None, str], Sequence[str | None]]
"""What an id is called, and its code where it has one."""


@dataclass(frozen=True, slots=True)
class Table:
    """What a file has of a list: its columns; ``part`` is the field with a list of parts that it has the rows of."""

    segments: tuple[str, ...]
    columns: tuple[Column, ...]
    part: str | None = None

    def headings(self, locale: str) -> list[str]:
        """The first row."""
        return [heading(column.name, locale) for column in self.columns]

    def title(self, locale: str) -> str:
        """The name of the file without its ending."""
        return words.title(self.segments, locale)

    async def names(self, tx: TenantTransaction, items: Iterable[Item]) -> Names:
        """What the ids in these items are called."""
        wanted: dict[Query, set[str]] = {}
        referring = [
            (column, query)
            for column in self.columns
            if column.kind == "name" and (query := names_of(column.field)) is not None
        ]
        for pair in self._pairs(items) if referring else ():
            for column, query in referring:
                found = _of(pair, column)
                if found is not None:
                    wanted.setdefault(query, set()).add(found)
        return {
            (query, str(row["id"])): (row["name"], row["code"])
            for query, ids in wanted.items()
            for row in await tx.fetch_all(query, ids=[UUID(found) for found in ids])
        }

    def rows(self, items: Sequence[Item], names: Names, locale: str, zone: ZoneInfo) -> list[list[Cell]]:
        """The cells of the items, or of their parts."""
        return [
            [_cell(column, _of(pair, column), names, locale, zone) for column in self.columns]
            for pair in self._pairs(items)
        ]

    def _pairs(self, items: Iterable[Item]) -> Iterator[tuple[Item, Item]]:
        """Each row's whole and part; the same where the file has the list's items themselves."""
        for item in items:
            if self.part is None:
                yield item, item
            else:
                for part in item[self.part] or ():
                    yield item, part


def _of(pair: tuple[Item, Item], column: Column) -> Any:
    return pair[0 if column.of_whole else 1].get(column.field)


def _cell(column: Column, value: Any, names: Names, locale: str, zone: ZoneInfo) -> Cell:
    if value is None:
        return None
    match column.kind:
        case "number":
            return Decimal(value) if isinstance(value, str) else value
        case "moment":
            # On the store's clock, to the second and without a zone, as spreadsheets keep it.
            return datetime.fromisoformat(value).astimezone(zone).replace(tzinfo=None, microsecond=0)
        case "day":
            return date.fromisoformat(value)
        case "flag":
            return bool(value)
        case "word":
            return words.value(str(value), locale)
        case "name" | "code":
            return names.get((names_of(column.field), value), (None, None))[column.kind == "code"]
        case "json":
            return orjson.dumps(value).decode()
        case _:
            return " ".join(value) if isinstance(value, list) else str(value)
