"""A guard: a piece of the program that keeps a promise, how to take it away, and who must notice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


class StaleGuardError(Exception):
    """The sources no longer hold what the guard would take away: the table must follow them."""


@dataclass(frozen=True, slots=True)
class Guard:
    """``text`` stands exactly once in ``file``; with ``without`` in its place one of ``tests`` must turn red.

    Tests are node ids of pytest, or whole files of tests.
    """

    name: str
    file: str
    text: str
    without: str
    tests: Sequence[str]

    def mutated(self, source: str) -> str:
        """The source with the guard taken away; raises ``StaleGuardError``."""
        if source.count(self.text) != 1:
            raise StaleGuardError(
                f"{self.name}: {source.count(self.text)} times in {self.file}: {self.text!r}"
            )
        return source.replace(self.text, self.without)


def taken_away(file: str, name: str, text: str, *tests: str, without: str = "") -> Guard:
    """A guard of ``file`` that is simply deleted, or replaced by ``without``."""
    return Guard(name, file, text, without, tests)
