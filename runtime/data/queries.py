"""Named queries: every statement the program sends lies in ``sql/queries`` and is called by its name.

A file holds queries that each start with ``-- name: verb_object``; parameters are written ``$name`` and become
positional ones here, so that a query reads like SQL and is called with keywords.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SQL_DIRECTORY = Path(__file__).resolve().parents[2] / "sql"

_NAME = re.compile(r"^-- name: ([a-z][a-z0-9_]*)[ \t]*$", re.MULTILINE)
_PARAMETER = re.compile(r"(?<![\w$])\$([a-z_][a-z0-9_]*)")
_LINE_COMMENT = re.compile(r"--[^\n]*")

# What transactions fill in has one type everywhere; saying it spares PostgreSQL contradictory guesses.
_TYPES = {"tenant_id": "uuid", "user_id": "uuid", "now": "timestamptz"}


@dataclass(frozen=True, slots=True)
class Query:
    """One statement with its parameters in positional order; ``source`` keeps the comments for the tests."""

    name: str
    text: str
    parameters: tuple[str, ...]
    source: str

    def arguments(self, given: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[Any]:
        """The positional arguments; a parameter that is missing or unknown is a programming error."""
        values = []
        for name in self.parameters:
            if name in given:
                values.append(given[name])
            elif name in defaults:
                values.append(defaults[name])
            else:
                raise TypeError(f"query {self.name}: parameter ${name} is missing")
        if len(given) > len(self.parameters) or not given.keys() <= set(self.parameters):
            raise TypeError(f"query {self.name}: unknown {sorted(given.keys() - set(self.parameters))}")
        return values


def parse_queries(text: str) -> Iterator[Query]:
    """The queries of one file, in order."""
    starts = list(_NAME.finditer(text))
    for match, following in zip(starts, [*starts[1:], None], strict=True):
        source = text[match.end() : following.start() if following else len(text)].strip()
        statement = _LINE_COMMENT.sub("", source).strip().removesuffix(";").strip()
        parameters: dict[str, int] = {}

        def number(parameter: re.Match[str], known: dict[str, int] = parameters) -> str:
            position = known.setdefault(parameter[1], len(known) + 1)
            type_name = _TYPES.get(parameter[1])
            return f"${position}::{type_name}" if type_name else f"${position}"

        numbered = re.sub(r"\n\s*\n", "\n", _PARAMETER.sub(number, statement))
        yield Query(match[1], numbered, tuple(parameters), source)


class Queries:
    """All named queries, as attributes: ``sql.convert_quote``."""

    def __init__(self, directory: Path) -> None:
        self._queries: dict[str, Query] = {}
        for path in sorted(directory.glob("*.sql")):
            for query in parse_queries(path.read_text(encoding="utf-8")):
                if query.name in self._queries:
                    raise ValueError(f"query {query.name} is defined twice ({path.name})")
                self._queries[query.name] = query

    def __getattr__(self, name: str) -> Query:
        try:
            return self._queries[name]
        except KeyError:
            raise AttributeError(f"there is no query named {name} in sql/queries") from None

    def __iter__(self) -> Iterator[Query]:
        return iter(self._queries.values())


sql = Queries(SQL_DIRECTORY / "queries")
