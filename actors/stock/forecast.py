"""Which forecast a product gets: the methods run side by side, and the one that errs least is believed.

A rolling back-test without a second look at history (prequential, Dawid 1984): at the beginning of each week every
method says what it expects per day, and at its end the week's demand is held against it. Errors of older weeks fade.
Days without stock are left out on both sides. Whole weeks, because they hold each weekday once, and because an error
per day would favour a forecast of nothing where most days have no demand. Methods are compared by their squared error,
which a mean minimises; shown are the absolute error as a share of demand (WAPE) and against the naive forecast that
repeats the week before (MASE, Hyndman and Koehler 2006).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

from actors.stock.demand import Tsb
from actors.stock.season import Season, yearly_factor

Method = Literal["mean", "recent", "croston", "tsb", "seasonal"]
METHODS: tuple[Method, ...] = ("mean", "recent", "croston", "tsb", "seasonal")

FADING = 0.95
"""What a week's error still weighs a week later."""
LEAST_WEEKS = 8
CHALLENGE = 0.9
"""Another method than the usual one has to have less than this share of its squared error."""
LEVEL_ALPHA = 0.2
BLOCK_DAYS = 7
_NOTHING = (-1.0,) * len(METHODS)
_ONE_DAY = timedelta(days=1)


@dataclass(slots=True)
class Score:
    """A method's faded sums: of the weeks, of squared and absolute errors per week, and of the demand."""

    weeks: float = 0.0
    squares: float = 0.0
    absolute: float = 0.0
    demand: float = 0.0

    def add(self, error: float, demand: float) -> None:
        """One more week."""
        self.weeks = FADING * self.weeks + 1.0
        self.squares = FADING * self.squares + error * error
        self.absolute = FADING * self.absolute + abs(error)
        self.demand = FADING * self.demand + demand

    @property
    def mean_square(self) -> float:
        """Mean squared error of a week; without a week, nothing is worse."""
        return self.squares / self.weeks if self.weeks else math.inf


# Faded sums of weeks never tell how many there were; this is what LEAST_WEEKS of them add up to.
_LEAST_WEIGHT = (1.0 - FADING**LEAST_WEEKS) / (1.0 - FADING) - 1e-9


@dataclass(slots=True)
class Forecaster:
    """The methods of one product with what is known of their errors. ``level`` is the demand per day without season."""

    season: Season = field(default_factory=Season)
    tsb: Tsb = field(default_factory=Tsb)
    level: float = -1.0
    week_days: int = 0
    week_stocked_days: int = 0
    week_quantity: float = 0.0
    week_before: float = -1.0
    naive: Score = field(default_factory=Score)
    expected: list[float] = field(default_factory=lambda: list(_NOTHING))
    scores: list[Score] = field(default_factory=lambda: [Score() for _ in METHODS])

    def close(self, day: date, quantity: float | None) -> bool:
        """The day is over; None: there was no stock to sell. True when it ends a week: then ``begin_week``."""
        if quantity is not None:
            quantity = max(quantity, 0.0)
            self.season.learn(day, quantity)
            self.tsb.add(quantity)
            self.week_quantity += quantity
            self.week_stocked_days += 1
        if (day + _ONE_DAY).month != day.month:
            self.season.end_month(day.month)
        self.week_days += 1
        return self.week_days == BLOCK_DAYS

    def begin_week(self, day: date, forecasts: Sequence[float]) -> None:
        """Judge the week that ``day`` ended, and take down what the methods expect of the next one: ``forecasts`` of
        the mean, the recent demand and Croston's, per day."""
        stocked, quantity = self.week_stocked_days, self.week_quantity
        yearly = self.season.yearly()
        factor = 1.0 if yearly is None else yearly_factor(yearly, day - timedelta(days=3))
        if stocked:
            for score, expected in zip(self.scores, self.expected, strict=True):
                if expected >= 0.0:
                    score.add(quantity - stocked * expected, quantity)
            if self.week_before >= 0.0:
                self.naive.add(quantity - stocked * self.week_before, quantity)
            self.week_before = quantity / stocked
            if yearly is not None:
                self._learn_level(self.week_before / max(factor, 0.1))
        ahead = -1.0
        if yearly is not None and self.level >= 0.0:
            ahead = self.level * yearly_factor(yearly, day + timedelta(days=4))
        self.expected = [*forecasts, self.tsb.forecast, ahead]
        self.week_days = self.week_stocked_days = 0
        self.week_quantity = 0.0

    def _learn_level(self, quantity: float) -> None:
        if self.level < 0.0:
            self.level = sum(self.season.months) / 12.0
        self.level += LEVEL_ALPHA * (quantity - self.level)

    def choose(self, usual: Method) -> Method:
        """The method with the least squared error, if that is clearly less than the usual one's."""
        best, least = usual, self.scores[METHODS.index(usual)].mean_square * CHALLENGE
        for method, score in zip(METHODS, self.scores, strict=True):
            if score.weeks >= _LEAST_WEIGHT and score.mean_square < least:
                best, least = method, score.mean_square
        return best

    def seasonal(self, day: date, days: int) -> float | None:
        """The seasonal forecast per day of ``days`` days from ``day`` on."""
        yearly = self.season.yearly()
        if yearly is None or self.level < 0.0:
            return None
        steps = range(0, max(days, 1), BLOCK_DAYS)
        factors = [yearly_factor(yearly, day + timedelta(days=step)) for step in steps]
        return self.level * sum(factors) / len(factors)

    def error(self, method: Method) -> tuple[float, float | None, float] | None:
        """WAPE, MASE (None while the naive forecast has not erred) and the standard error of a week's forecast; None
        before a few weeks are known."""
        score = self.scores[METHODS.index(method)]
        if score.weeks < _LEAST_WEIGHT or score.demand <= 0.0:
            return None
        naive = self.naive.absolute / self.naive.weeks if self.naive.weeks else 0.0
        mase = score.absolute / score.weeks / naive if naive > 0.0 else None
        return score.absolute / score.demand, mase, math.sqrt(score.mean_square)

    def to_numbers(self) -> list[float]:
        """The whole state as numbers, in the order ``from_numbers`` takes them."""
        season, tsb = self.season, self.tsb
        numbers = [
            season.days, season.spread, *season.weekdays, *season.months, season.month_quantity, season.month_days,
            tsb.chance, tsb.size, tsb.days, self.level, self.week_days, self.week_stocked_days, self.week_quantity,
            self.week_before, *self.expected,
        ]  # fmt: skip
        for score in (self.naive, *self.scores):
            numbers += (score.weeks, score.squares, score.absolute, score.demand)
        return numbers

    @classmethod
    def from_numbers(cls, numbers: Sequence[float]) -> Forecaster:
        """The state that ``to_numbers`` gave."""
        scores = [Score(*numbers[place : place + 4]) for place in range(36, len(numbers), 4)]
        return cls(
            Season(
                int(numbers[0]), numbers[1], list(numbers[2:9]), list(numbers[9:21]), numbers[21], int(numbers[22])
            ),
            Tsb(chance=numbers[23], size=numbers[24], days=int(numbers[25])),
            numbers[26], int(numbers[27]), int(numbers[28]), numbers[29], numbers[30],
            scores[0], list(numbers[31:36]), scores[1:],
        )  # fmt: skip
