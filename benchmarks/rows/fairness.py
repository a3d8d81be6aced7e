"""What a store at full speed costs its neighbour, told apart from what any work on the same processors costs it."""

from __future__ import annotations

import asyncio

from benchmarks.http import Outcome, load
from benchmarks.installation import Installation, Shop, sign_in
from benchmarks.results import Result
from benchmarks.rows.requests import quotes_of

ROUNDS, ROUND_S = 3, 4.0
PER_SECOND = 40.0
LOUD_CONNECTIONS = 16


async def fairness(made: Installation) -> list[Result]:
    """p99 of a store that writes now and then: alone, beside another at full speed in the same process, and beside the
    same in a process of its own, which shares the machine and PostgreSQL with it but neither loop nor pool."""
    await made.fresh()
    loud, quiet = await made.shop("loja"), await made.shop("vizinha")
    program, elsewhere = made.start(roles="api"), made.start(roles="api")
    for store in (loud, quiet):
        sign_in(program.port, store)

    def at_ease() -> Outcome:
        return load(
            quotes_of(quiet), [program.port], connections=8, seconds=ROUND_S, per_second=PER_SECOND
        )  # fmt: skip

    async def beside(port: int) -> tuple[Outcome, float]:
        async with asyncio.TaskGroup() as tasks:
            noise = tasks.create_task(asyncio.to_thread(_at_full_speed, loud, port))
            ease = tasks.create_task(asyncio.to_thread(at_ease))
        return ease.result(), noise.result().per_second

    for port in (program.port, elsewhere.port):
        load(quotes_of(loud, quiet), [port], connections=8, seconds=1)
    await made.analyze()
    alone, same, other, rates = Outcome(0), Outcome(0), Outcome(0), []
    for _ in range(ROUNDS):
        alone.add(at_ease())
        outcome, rate = await beside(program.port)
        same.add(outcome)
        rates.append(rate)
        outcome, _rate = await beside(elsewhere.port)
        other.add(outcome)
    p99, p99_same, p99_other = (outcome.percentile_ms(0.99) for outcome in (alone, same, other))
    factor = p99_same / p99
    return [
        Result(
            "fairness", "p99 of a store's writes beside another at full speed", factor, "× that alone", "< 2 ×",
            factor < 2, p99_other / p99, "the other in a process of its own",
            note=f"p50 and p99 {_both(alone)} ms alone, {_both(same)} beside {sum(rates) / ROUNDS:,.0f} quotes/s, "
            f"{_both(other)} with those in another process",
            lower_is_better=True,
        )
    ]  # fmt: skip


def _at_full_speed(shop: Shop, port: int) -> Outcome:
    return load(quotes_of(shop), [port], connections=LOUD_CONNECTIONS, seconds=ROUND_S + 1)


def _both(outcome: Outcome) -> str:
    return f"{outcome.percentile_ms(0.5):.1f} and {outcome.percentile_ms(0.99):.1f}"
