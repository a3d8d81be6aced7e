"""``python -m benchmarks.capacity``: what numbers of stores need and cost, as the table of docs/capacity.md.

Change ``MEASURED`` to what ``python -m benchmarks ratio trickle sizes scale`` says on your machine, ``STORE`` to what
your stores do, ``DROPLETS`` to what your provider asks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds of one processor, and bytes."""

    read_api_ms: float
    read_postgres_ms: float
    write_api_ms: float
    write_postgres_ms: float
    event_engines_ms: float
    """By all engines together, and the relay."""
    event_postgres_ms: float
    order_bytes: float
    """All that stays of an order for ever: its rows and its quote's, stock movements, audit entries, purchases."""
    event_bytes: float
    answer_bytes: float
    """Kept for a day under the key of a writing request."""
    known_bytes: float
    """What engines know of a store."""
    stream_entry_bytes: float
    session_bytes: float
    api_process_mib: float


@dataclass(frozen=True, slots=True)
class Store:
    """An average store on a working day. Assumptions, except for events an order."""

    orders: int = 30
    writes: int = 150
    """Quotes, sales, their steps, receipts, changes of products and prices."""
    reads: int = 1_500
    """Five people, three hundred pages and lists each."""
    stale_share: float = 0.5
    """Of the processor time of reads, what a replica may take (lists, searches, dashboard, insights)."""
    events_an_order: float = 7.6
    sessions: int = 5
    day_hours: float = 10.0
    peak: float = 3.0
    """The busiest hour against the mean of the day."""
    log_days: int = 8
    """Events stay in the log for ``RETENTION_DAYS`` after every consumer has them."""
    working_days: int = 300

    def peak_rate(self, a_day: float) -> float:
        """Per second, of what happens ``a_day`` times."""
        return a_day / (3_600 * self.day_hours) * self.peak


@dataclass(frozen=True, slots=True)
class Droplet:
    """A size that can be rented, with its price."""

    name: str
    processors: int
    memory_gib: int
    disk_gb: int
    dollars: float


@dataclass(frozen=True, slots=True)
class Need:
    """What so many stores use at the busiest hour, and keep after a year."""

    stores: int
    api_processors: float
    engine_processors: float
    postgres_processors: float
    stale_processors: float
    """Of PostgreSQL's, what replicas may take."""
    disk_gb: float
    hot_gib: float
    """Of it, what PostgreSQL should have in memory."""
    redis_mib: float


MEASURED = Measured(
    read_api_ms=0.75,
    read_postgres_ms=0.6,
    write_api_ms=1.8,
    write_postgres_ms=2.6,
    event_engines_ms=0.7,
    event_postgres_ms=0.5,
    order_bytes=15_000,
    event_bytes=463,
    answer_bytes=2_015,
    known_bytes=8_000_000,
    stream_entry_bytes=161,
    session_bytes=192,
    api_process_mib=100,
)
STORE = Store()
BUSY = 0.5
"""Share of the processors that the busiest hour may take: queues stay short, and half of the machines may be away."""
HOT_DAYS = 5
"""Working days whose rows PostgreSQL should have in memory."""
HOT_KNOWN = 0.25
"""And the share of what engines know: the products that are sold every week."""
VOLUME_DOLLARS_A_GB = 0.10

DROPLETS = (
    Droplet("2 GB / 1 vCPU", 1, 2, 50, 12),
    Droplet("4 GB / 2 vCPU", 2, 4, 80, 24),
    Droplet("8 GB / 4 vCPU", 4, 8, 160, 48),
    Droplet("16 GB / 8 vCPU", 8, 16, 320, 96),
)
SMALL, LARGE = DROPLETS[1], DROPLETS[-1]
REPLICAS_AT_MOST = 2
STORES = (100, 1_000, 10_000, 100_000)


def need_of(stores: int, cost: Measured = MEASURED, store: Store = STORE) -> Need:
    """The demand of ``stores`` average stores."""
    reads, writes = (store.peak_rate(stores * each) for each in (store.reads, store.writes))
    events = store.peak_rate(stores * store.orders * store.events_an_order)
    stale = reads * cost.read_postgres_ms * store.stale_share / 1_000
    kept = stores * (store.orders * cost.order_bytes * store.working_days + cost.known_bytes)
    log = stores * store.orders * store.events_an_order * cost.event_bytes * store.log_days
    entries = stores * store.orders * store.events_an_order / 24 * cost.stream_entry_bytes
    return Need(
        stores,
        (reads * cost.read_api_ms + writes * cost.write_api_ms) / 1_000,
        events * cost.event_engines_ms / 1_000,
        (reads * cost.read_postgres_ms + writes * cost.write_postgres_ms + events * cost.event_postgres_ms) / 1_000,
        stale,
        (kept + log + stores * store.writes * cost.answer_bytes) / 1e9,
        stores * (store.orders * cost.order_bytes * HOT_DAYS + cost.known_bytes * HOT_KNOWN) / 2**30,
        (entries + stores * store.sessions * cost.session_bytes) / 2**20,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """Droplets for a need, by what they are for."""

    need: Need
    installations: int
    parts: tuple[tuple[str, int, Droplet], ...]
    """Of each installation: (what for, how many, which)."""

    @property
    def dollars(self) -> float:
        """A month, with volumes for what does not fit on the disks of PostgreSQL's droplets."""
        rent = sum(count * droplet.dollars for _, count, droplet in self.parts)
        servers = [(count, droplet) for what, count, droplet in self.parts if what in ("PostgreSQL", "all")]
        kept = self.need.disk_gb / self.installations
        volumes = sum(count * max(0.0, kept - 0.7 * droplet.disk_gb) for count, droplet in servers)
        return self.installations * (rent + volumes * VOLUME_DOLLARS_A_GB)

    def described(self) -> str:
        """The parts, in words."""
        parts = ", ".join(f"{count} × {droplet.name} {what}" for what, count, droplet in self.parts)
        return parts if self.installations == 1 else f"{self.installations} installations of: {parts}"


def plan_of(stores: int, cost: Measured = MEASURED, store: Store = STORE) -> Plan:
    """The cheapest arrangement: one droplet, or one for each purpose, or several installations of the latter.

    From the second arrangement on PostgreSQL has a standby, which answers reads when the primary cannot do it all.
    """
    need = need_of(stores, cost, store)
    everything = need.api_processors + need.engine_processors + need.postgres_processors
    for droplet in DROPLETS[1:3]:
        if everything / BUSY <= droplet.processors and need.hot_gib <= droplet.memory_gib / 4:
            return Plan(need, 1, (("all", 1, droplet),))
    installations = 1
    while (parts := _apart(need_of(math.ceil(stores / installations), cost, store), cost)) is None:
        installations += 1
    return Plan(need, installations, parts)


def _apart(need: Need, cost: Measured) -> tuple[tuple[str, int, Droplet], ...] | None:
    """Droplets by purpose; None when PostgreSQL's primary is too small for it even with all its replicas."""
    for replicas in range(1, REPLICAS_AT_MOST + 1):
        moved = (
            need.stale_processors if replicas > 1 or need.postgres_processors / BUSY > LARGE.processors else 0
        )
        for droplet in DROPLETS[1:]:
            fits = max(need.postgres_processors - moved, moved / replicas) / BUSY <= droplet.processors
            if fits and need.hot_gib <= droplet.memory_gib / 2:
                processes = math.ceil(need.api_processors / BUSY)
                api = max(2, math.ceil(processes / SMALL.processors))
                engines = max(1, math.ceil(need.engine_processors / BUSY / SMALL.processors))
                assert processes / api * cost.api_process_mib < 1_024 * SMALL.memory_gib
                redis = 1 if need.redis_mib < 1_024 * SMALL.memory_gib / 2 else 2
                return (
                    ("API and nginx", api, SMALL),
                    ("engines, relay, scheduler", engines, SMALL),
                    ("Redis", redis, DROPLETS[0] if need.redis_mib < 512 else SMALL),
                    ("PostgreSQL", 1 + replicas, droplet),
                )
    return None


def table() -> str:
    """The table in Markdown."""
    lines = [
        "| stores | requests/s, events/s | API | engines | PostgreSQL | disk after a year | Redis | droplets "
        "| $ a month | a store |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for stores in STORES:
        plan = plan_of(stores)
        need = plan.need
        rate = STORE.peak_rate(stores * (STORE.reads + STORE.writes))
        events = STORE.peak_rate(stores * STORE.orders * STORE.events_an_order)
        lines.append(
            f"| {stores:,} | {rate:,.0f}, {events:,.1f} | {need.api_processors:.2f} | {need.engine_processors:.2f} "
            f"| {need.postgres_processors:.2f} | {need.disk_gb:,.0f} GB | {need.redis_mib:,.0f} MiB "
            f"| {plan.described()} | {plan.dollars:,.0f} | {plan.dollars / stores:.3f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
