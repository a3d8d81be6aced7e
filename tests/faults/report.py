"""What a run has shown: the faults and how long each took to heal, latencies, and what the oracles said."""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

HEAL_GOAL_S = 10.0
"""Of a single fault; a burst of work is no fault, and has a minute."""
BURST_GOAL_S = 60.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: when it began (seconds into the run), how long it lasted, and how long after it all was caught up."""

    at_s: float
    kind: str
    detail: str | None
    lasted_s: float
    healed_s: float | None

    @property
    def goal_s(self) -> float:
        """Within how many seconds all should be caught up."""
        return BURST_GOAL_S if self.kind.startswith("burst") else HEAL_GOAL_S


@dataclass(frozen=True, slots=True)
class Latencies:
    """From the commit of an event to its effect, milliseconds."""

    count: int
    p50: float
    p99: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Latencies:
        """Of latencies in milliseconds."""
        ordered = sorted(values) or [0.0]
        return cls(
            len(values), statistics.median(ordered), ordered[int(0.99 * (len(ordered) - 1))], ordered[-1]
        )


@dataclass(slots=True)
class Report:
    """``broken`` maps each promise to what breaks it, empty lists when it is kept; ``control`` is the same of the
    run without protections, which must not be empty. ``left_out`` maps kinds to why this machine cannot do them."""

    seed: int
    seconds: float = 0.0
    faults: list[Fault] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    writes: int = 0
    retries: int = 0
    events: int = 0
    effects: int = 0
    latencies: Latencies = field(default_factory=lambda: Latencies.of([]))
    exits: dict[str, int] = field(default_factory=dict)
    broken: dict[str, list[str]] = field(default_factory=dict)
    control: dict[str, list[str]] = field(default_factory=dict)

    @property
    def violations(self) -> list[str]:
        """All that breaks a promise, one line each."""
        return [f"{promise}: {problem}" for promise, problems in self.broken.items() for problem in problems]

    @property
    def control_is_red(self) -> bool:
        """Whether the oracles saw losses and repetitions once the protections were off."""
        return bool(self.control.get("lost")) and bool(self.control.get("duplicated"))

    def write(self, path: Path) -> None:
        """As JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1))

    def text(self) -> str:
        """As people read it."""
        kinds: dict[str, list[Fault]] = defaultdict(list)
        for one in self.faults:
            kinds[one.kind].append(one)
        rows = [
            f"  {name:<46}{len(found):>5}{_seconds([f.healed_s for f in found]):>10}"
            for name, found in sorted(kinds.items())
        ]
        late = [f for f in self.faults if f.healed_s is None or f.healed_s > f.goal_s]
        return "\n".join(
            [
                f"seed {self.seed}, {self.seconds:.0f} s, {len(self.faults)} faults of {len(kinds)} kinds",
                "",
                f"  {'kind':<46}{'times':>5}{'healed s':>10}   (the slowest)",
                *rows,
                *(f"  {name:<46} left out: {why}" for name, why in self.left_out.items()),
                "",
                f"writes acknowledged {self.writes}, sent again {self.retries}; "
                f"events {self.events}, effects {self.effects}",
                f"commit to effect: p50 {self.latencies.p50:.0f} ms, p99 {self.latencies.p99:.0f} ms, "
                f"max {self.latencies.most:.0f} ms",
                "processes that ended: "
                + ", ".join(f"{name} ({count})" for name, count in sorted(self.exits.items())),
                "healed later than the goal: "
                + (", ".join(f"{f.kind} ({_seconds([f.healed_s])} s)" for f in late) or "none"),
                "",
                "judged: " + ", ".join(f"{len(found)} {name}" for name, found in self.broken.items()),
                *(f"  {line}" for line in self.violations[:40]),
                "control, protections off: "
                + ", ".join(f"{len(found)} {name}" for name, found in self.control.items()),
            ]
        )


def _seconds(values: Sequence[float | None]) -> str:
    return "never" if None in values else f"{max(v for v in values if v is not None):.1f}"
