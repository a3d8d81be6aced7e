"""What is asked again and again takes the same in a long history as in a short one, whatever the planner is told."""

from __future__ import annotations

import asyncpg
import pytest

from benchmarks.history import grow
from benchmarks.plans import read_plan
from benchmarks.rows.history import GROWING, MANY_PAGES, PROBES

STORES, EVENTS = 2, 30_000
MANY_ROWS = 1_700
"""Less than any growing table has of the large store, more than any answer takes."""


@pytest.fixture
async def past(owner: asyncpg.Connection) -> asyncpg.Connection:
    """The owner of a database with two stores that have 15,000 events each."""
    await grow(owner, stores=STORES, events=EVENTS)
    return owner


async def test_no_statement_reads_more_than_an_answer_takes(past: asyncpg.Connection) -> None:
    """By their generic plans, with nothing given that could be left out, of the large store."""
    faults = []
    for probe in PROBES:
        if not probe.grows:
            read = await read_plan(past, probe.role, probe.tenant, probe.query, probe.parameters)
            if read.buffers > MANY_PAGES or read.rows > MANY_ROWS or read.scanned & GROWING:
                faults.append(f"{probe.what}: {read.buffers} pages, {read.rows} rows, {set(read.scanned)}")
    assert not faults, "\n".join(faults)
