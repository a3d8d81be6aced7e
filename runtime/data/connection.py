"""The driver's connection, with statements that travel in one message with others."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from runtime.data.literals import literal
from runtime.data.queries import Query

_POSITION = re.compile(r"\$([0-9]+)")


def _nothing_to_add(_error: Exception) -> Exception | None:
    return None


@dataclass(frozen=True, slots=True)
class Step:
    """A statement without a result that opens or ends a transaction, in the same message as ``begin`` or ``commit``.

    ``refused`` may say what a driver's error means here; None leaves that to ``runtime.data.errors``.
    """

    query: Query
    parameters: Mapping[str, Any]
    refused: Callable[[Exception], Exception | None] = _nothing_to_add


class Connection(asyncpg.Connection):  # type: ignore[misc]
    """A connection whose session is ours alone, so that a statement is planned once and then executed by its name.

    All settings are transaction-local, so a connection going back to the pool needs no reset round trip.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._named: set[str] = set()

    def get_reset_query(self) -> str:
        return ""

    async def as_text(self, query: Query, arguments: Sequence[Any]) -> str:
        """The statement with its arguments in it, ready to be sent with others in one message."""
        if query.name not in self._named:
            await self.execute(f'prepare "{query.name}" as {query.text}')
            self._named.add(query.name)
        given = ", ".join(map(literal, arguments))
        return f'execute "{query.name}"' + (f" ({given})" if given else "")


class PooledConnection(Connection):
    """A connection through a transaction pooler: the next transaction may meet another session."""

    async def as_text(self, query: Query, arguments: Sequence[Any]) -> str:
        """The same; written out, as nothing prepared would be found again."""
        return _POSITION.sub(lambda match: literal(arguments[int(match[1]) - 1]), query.text)
