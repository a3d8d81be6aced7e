"""What people answer to an engine's advice, whatever it is about: followed, not followed and why, or later."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal, Self

from pydantic import Field, model_validator

from handlers.pages import Day
from runtime.events.catalogue import AdviceReason
from runtime.web.fields import Body
from runtime.web.problems import field_refused

SNOOZE_AT_MOST = timedelta(days=366)


class AdviceAnswer(Body):
    """An answer; the base of the bodies that say what it is about."""

    answer: Literal["accepted", "dismissed", "snoozed"]
    reason: AdviceReason | None = Field(None, description="Why not; a dismissal has one")
    until: Day | None = Field(None, description="Of a snoozed one: the first day on which it is shown again")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.answer == "dismissed" and self.reason is None:
            raise ValueError("A dismissal has a reason.|Uma recusa tem um motivo.")
        if (self.answer == "snoozed") != (self.until is not None):
            raise ValueError(
                "A snoozed advice, and no other, has a day until which it rests."
                "|Um conselho adiado, e só ele, tem um dia até o qual descansa."
            )
        return self

    def check_until(self, today: date) -> None:
        """422 when it is to rest until a day that is not to come, or longer than a year."""
        if self.until is not None:
            check_snooze(self.until, today)


def check_snooze(until: date, today: date) -> None:
    """422 for advice that is to rest until a day that is not to come, or longer than a year."""
    if not today < until <= today + SNOOZE_AT_MOST:
        raise field_refused(
            "/until",
            "out_of_range",
            "The day is to come, and within a year.",
            "O dia deve ser futuro e dentro de um ano.",
        )
