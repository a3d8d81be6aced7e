"""Taking a register's file in, chunk by chunk.

Each chunk is a transaction of its own, and a row that says what is known already changes nothing. So a file that was
cut short, by a fault or by the time one request may take, is sent again and goes on where it ended.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import BaseModel, ValidationError

from handlers.imports.models import RegisterImportQuery, RegisterImportView
from handlers.imports.reading import Field, GivenRow, read_rows
from handlers.own_transactions import transaction
from handlers.tables.cells import Problem
from handlers.tables.uploads import read_table, shown
from runtime.data.errors import UniqueViolationError
from runtime.data.transactions import TenantTransaction
from runtime.errors import InvalidError
from runtime.web.call import Call
from runtime.web.problems import invalid
from runtime.web.writes import record_audit

CHUNK_ROWS = 500
TIME_BUDGET_S = 9.0
MAX_SHOWN = 200


@dataclass(slots=True)
class Outcome:
    """What has become of rows; ``seen`` is where each thing of the file stood first."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    problems: list[Problem] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)

    def is_first(self, row: GivenRow, key: str, column: str) -> bool:
        """Whether this is the first row with the key; notes the problem otherwise."""
        first = self.seen.setdefault(key, row.number)
        if first != row.number:
            self.problems.append(
                Problem(
                    row.number, column, "duplicate", f"The same is already in row {first}.",
                    f"O mesmo já está na linha {first}.",
                )
            )  # fmt: skip
        return first == row.number


class Register(Protocol):
    """What is taken in: its fields, and how a chunk of rows becomes things of the store."""

    @property
    def fields(self) -> Sequence[Field]:
        """All columns that a file may have."""

    @property
    def needed(self) -> Sequence[str]:
        """The fields without whose columns nothing can be known."""

    async def take(
        self,
        call: Call[Any],
        tx: TenantTransaction,
        rows: Sequence[GivenRow],
        outcome: Outcome,
        dry_run: bool,
    ) -> None:
        """Create and change what the rows say, with the events and audit entries of single writes."""


async def run(call: Call[RegisterImportQuery], register: Register) -> RegisterImportView:
    """Take the request's body in; see the endpoints for what it may be."""
    started, dry_run = time.monotonic(), call.query.dry_run
    rows = await read_table(call, lambda lines: read_rows(lines, register.fields, register.needed))
    total, complete = Outcome(), True
    taken = 0
    for start in range(0, len(rows), CHUNK_ROWS):
        if time.monotonic() - started > TIME_BUDGET_S:
            complete = False
            break
        chunk = rows[start : start + CHUNK_ROWS]
        taken += len(chunk)
        total.problems += [row for row in chunk if isinstance(row, Problem)]
        given = [row for row in chunk if isinstance(row, GivenRow)]
        try:
            outcome = await _take(call, register, given, total.seen, dry_run)
        except UniqueViolationError:
            # Somebody has just added one of them: now it is found.
            outcome = await _take(call, register, given, total.seen, dry_run)
        total.created += outcome.created
        total.updated += outcome.updated
        total.unchanged += outcome.unchanged
        total.problems += outcome.problems
        total.seen = outcome.seen
    problems = sorted(total.problems, key=lambda problem: problem.row)
    return RegisterImportView(
        dry_run=dry_run,
        complete=complete,
        rows=taken,
        created=total.created,
        updated=total.updated,
        unchanged=total.unchanged,
        failed=len(problems),
        errors=[shown(problem, call.locale) for problem in problems[:MAX_SHOWN]],
    )


async def _take(
    call: Call[Any], register: Register, rows: Sequence[GivenRow], seen: Mapping[str, int], dry_run: bool
) -> Outcome:
    outcome = Outcome(seen=dict(seen))
    call.audited.clear()
    async with transaction(call) as tx:
        await register.take(call, tx, rows, outcome, dry_run)
        if call.audited:
            await record_audit(call, tx)
    return outcome


def checked(model: type[BaseModel], row: GivenRow, values: Mapping[str, Any]) -> Any:
    """The values as the model of a single write takes them, or the first problem they have."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        return problem_of(row, invalid(error))


def problem_of(row: GivenRow, refused: InvalidError) -> Problem:
    """The refusal of a single write as the problem of a row."""
    found = refused.fields[0]
    return Problem(row.number, found.pointer.split("/")[1] or None, found.code, found.en, found.pt)
