"""Seconds of processor that our processes and the servers have used, to say what a request or an event costs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class Used:
    """Seconds since the processes began; differences of two are what happened between."""

    program_s: float
    postgres_s: float
    redis_s: float
    machine_s: float
    """Of all processors together, whatever used them."""

    def __sub__(self, other: Used) -> Used:
        return Used(
            self.program_s - other.program_s,
            self.postgres_s - other.postgres_s,
            self.redis_s - other.redis_s,
            self.machine_s - other.machine_s,
        )


def used(program: Iterable[int]) -> Used:
    """By the processes with these ids, and by the servers that this process has started."""
    postgres = redis = 0.0
    for child in psutil.Process().children(recursive=True):
        try:
            name, times = child.name(), child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        if name.startswith("postgres"):
            postgres += times.user + times.system + times.children_user + times.children_system
        elif "valkey" in name or "redis" in name:
            redis += times.user + times.system
    machine = psutil.cpu_times()
    return Used(
        sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in program),
        postgres,
        redis,
        machine.user + machine.system + machine.softirq + machine.irq,
    )
