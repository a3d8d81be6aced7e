"""The suite's build of the program: the real one, and one more engine that writes down every effect.

``python -m tests.faults.build run`` is ``basecommerce run`` with the engine ``effects``. What it writes has no unique
constraint, so an effect that comes twice shows; some quotes are poison to it. ``FAULTS_NAIVE`` takes the protections
off (``tests.faults.naive``), which is the negative control.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from enum import IntEnum
from pathlib import Path
from uuid import UUID

import anyio

from runtime import app
from runtime.data.transactions import EngineTransaction
from runtime.errors import PoisonError
from runtime.events import slow_start
from runtime.events.catalogue import CATALOGUE, QuoteSent
from runtime.events.engine import Engine
from runtime.events.event import Event

EFFECTS_TABLE = """
create table effect_ledger (
  position bigint generated always as identity,
  tenant_id uuid not null,
  tenant_seq bigint not null,
  event_id uuid not null,
  at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, position)
)
"""
POISON_ATTEMPTS = 4
POISON_PAUSE_S = 0.2
ATTEMPT_OVER = timedelta(seconds=3)
BLOCKED_LOOP_S = 5.0  # shorter than the deadline of a batch: it only has to be survived


class Poison(IntEnum):
    """Quotes (by the number of their id) whose sending the engine does not survive, or not at once."""

    RAISES = 0xBAD1
    KILLS = 0xBAD2
    HANGS = 0xBAD3
    BLOCKS_LOOP = 0xBAD4


class EffectsEngine(Engine):
    """One row per applied event, in the transaction that moves the cursor."""

    name = "effects"
    subscribes = tuple(CATALOGUE.values())

    def __init__(self) -> None:
        self._cured = Path(os.environ["FAULTS_CURED"])

    async def apply(self, tx: EngineTransaction, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event.payload, QuoteSent):
                await self._swallow(event.payload.quote_id.int)
        await tx._connection.execute(
            "insert into effect_ledger (tenant_id, tenant_seq, event_id) "
            "select * from unnest($1::uuid[], $2::bigint[], $3::uuid[])",
            [event.tenant_id for event in events],
            [event.seq for event in events],
            [event.event_id for event in events],
        )

    async def _swallow(self, quote: int) -> None:
        if quote == Poison.BLOCKS_LOOP:
            time.sleep(BLOCKED_LOOP_S)  # noqa: ASYNC251 (that is the fault)
        elif self._cured.exists():
            return
        elif quote == Poison.RAISES:
            raise PoisonError("this release cannot read the quote")
        elif quote == Poison.KILLS:
            os._exit(137)
        elif quote == Poison.HANGS:
            await anyio.sleep_forever()

    async def clear(self, tx: EngineTransaction, tenant_id: UUID) -> None:
        raise NotImplementedError("the ledger of effects is never rebuilt")


def install() -> None:
    """Add the engine, and have poison parked in seconds instead of minutes."""
    others = app.engines

    def engines() -> dict[str, Callable[[], Engine]]:
        return {**others(), "effects": EffectsEngine}

    naive = "FAULTS_NAIVE" in os.environ
    app.engines = (lambda: {"effects": EffectsEngine}) if naive else engines
    slow_start.MAX_ATTEMPTS = POISON_ATTEMPTS
    slow_start.ATTEMPT_OVER = ATTEMPT_OVER
    slow_start.pause_after = lambda _attempts: POISON_PAUSE_S
    if version := os.environ.get("FAULTS_QUOTE_SENT_VERSION"):
        QuoteSent.version = int(version)
    if naive:
        from tests.faults.naive import take_protections_off

        take_protections_off()


if __name__ == "__main__":
    install()
    from runtime.__main__ import main

    main()
