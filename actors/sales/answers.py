"""What people answered to sales advice in a batch: the latest answer to each piece of it, and how many of which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from actors.sales.parameters import Policy
from runtime.data.ids import NIL
from runtime.data.queries import sql
from runtime.data.transactions import EngineTransaction
from runtime.events.catalogue import SalesAdviceAnswered

REBUY_RESTS_DAYS = 7
"""A reminder that somebody has acted upon is not shown again before the purchase could have come."""

AnswerKey = tuple[UUID, str, UUID, UUID, UUID]


@dataclass(slots=True)
class Answered:
    """The latest answer to a piece of advice, and how many there were."""

    said: SalesAdviceAnswered
    seq: int
    at: datetime
    rests_until: date | None
    counts: Counter[str] = field(default_factory=Counter)


def key_of(tenant_id: UUID, said: SalesAdviceAnswered) -> AnswerKey:
    """What the answer is about."""
    return tenant_id, said.kind, said.subject_id, said.from_id or NIL, said.customer_id or NIL


def rests_until(said: SalesAdviceAnswered, day: date, policy: Policy) -> date | None:
    """The first day on which the advice is shown again; None: there was no need to stop."""
    if said.answer == "snoozed":
        return said.until
    if said.answer == "dismissed":
        return day + timedelta(days=policy.dismissed_days)
    return day + timedelta(days=REBUY_RESTS_DAYS) if said.kind == "rebuy" else None


async def save_answers(tx: EngineTransaction, answers: Mapping[AnswerKey, Answered]) -> None:
    """Write them, in the order of their keys."""
    keys = sorted(answers)
    found = [answers[key] for key in keys]
    counts = {
        name: [one.counts[name] for one in found] for name in ("accepted", "changed", "dismissed", "snoozed")
    }
    await tx.execute(
        sql.save_sales_answers,
        tenant_ids=[key[0] for key in keys],
        kinds=[key[1] for key in keys],
        subject_ids=[key[2] for key in keys],
        from_ids=[key[3] for key in keys],
        customer_ids=[key[4] for key in keys],
        seqs=[one.seq for one in found],
        answers=[one.said.answer for one in found],
        reasons=[one.said.reason for one in found],
        rests_until=[one.rests_until for one in found],
        answered_at=[one.at for one in found],
        **counts,
    )
