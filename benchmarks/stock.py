"""``python -m benchmarks.stock``: the stock engine's advice against the rule of thumb, over two simulated years.

Two hundred products (smooth, seasonal, lumpy, slow) with the same demand and the same random lead times for every
policy. Sales are lost when there is no stock, so policies see sales and not demand. Policies are compared where they
hold the same average stock (at cost): the service level of the engine's parameters is searched, class by class, until
its stock is that of the rule. Exits with 1 when the engine then serves no more than the rule.
"""

from __future__ import annotations

import heapq
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from rich.console import Console
from rich.table import Table

from benchmarks.stock_policies import REVIEW_DAYS, Arrival, Day, Engine, Policy, RuleOfThumb
from benchmarks.stock_traces import CLASSES, Trace, make_traces

PRODUCTS, DAYS, WARM_UP_DAYS = 200, 730, 120
SAFETY = 1.2


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one product after the warm-up: demand, what was served of it at once, average stock at the end of a day."""

    asked: float
    served: float
    stock: float
    orders: int


def simulate(traces: Sequence[Trace], policy: Policy, warm_up: int = WARM_UP_DAYS) -> list[Outcome]:
    """Live through all days of the traces; what happens before ``warm_up`` days is not counted."""
    count, days = len(traces), len(traces[0].demand)
    on_hand = [round(1.5 * trace.mean * (trace.lead_time + REVIEW_DAYS)) + 1 for trace in traces]
    asked, served, stock, placed = [0] * count, [0] * count, [0] * count, [0] * count
    coming: list[tuple[int, int, int, float]] = []
    policy.begins(on_hand)
    for number in range(days):
        while coming and coming[0][0] <= number:
            _, place, ordered, quantity = heapq.heappop(coming)
            on_hand[place] += int(quantity)
            policy.arrives(Arrival(place, quantity, on_hand[place], ordered, number))
        sold = [min(trace.demand[number], on_hand[place]) for place, trace in enumerate(traces)]
        for place, trace in enumerate(traces):
            on_hand[place] -= sold[place]
            if number >= warm_up:
                asked[place] += trace.demand[number]
                served[place] += sold[place]
                stock[place] += on_hand[place]
        for place, quantity in enumerate(policy.day_ends(Day(number, sold, on_hand))):
            if quantity:
                heapq.heappush(coming, (number + traces[place].lead_times[number], place, number, quantity))
                placed[place] += number >= warm_up
    return [
        Outcome(asked[place], served[place], stock[place] / (days - warm_up), placed[place])
        for place in range(count)
    ]


def service(outcomes: Sequence[Outcome]) -> float:
    """The share of the demand that was served at once, each product counting the same."""
    shares = [outcome.served / outcome.asked for outcome in outcomes if outcome.asked]
    return sum(shares) / len(shares)


def stock_value(traces: Sequence[Trace], outcomes: Sequence[Outcome]) -> float:
    """Average stock at cost."""
    return sum(trace.cost * outcome.stock for trace, outcome in zip(traces, outcomes, strict=True))


def at_equal_stock(
    traces: Sequence[Trace], value: float, warm_up: int = WARM_UP_DAYS, tries: int = 6
) -> tuple[float, list[Outcome]]:
    """The highest service level among those tried with which the engine holds no more stock than ``value``, and what
    comes of it. The safety factor that a level stands for is searched by regula falsi: stock grows with it."""
    best: tuple[float, list[Outcome]] | None = None
    below, above = (-2.0, 0.0), (2.0, 2.0 * value)
    for _ in range(tries):
        share = (value - below[1]) / (above[1] - below[1])
        factor = below[0] + min(max(share, 0.05), 0.9) * (above[0] - below[0])
        level = round(NormalDist().cdf(factor), 4)
        outcomes = simulate(traces, Engine(traces, level), warm_up)
        held = stock_value(traces, outcomes)
        if held <= value:
            below, best = (factor, held), (level, outcomes)
        else:
            above = (factor, held)
    if best is None:
        raise AssertionError("the engine holds more stock at every service level that was tried")
    return best


def main() -> int:
    """Print both tables; 1 when the engine serves less than the rule of thumb, or holds more stock."""
    started, console = time.perf_counter(), Console()
    traces = make_traces(PRODUCTS, DAYS)
    better = _print_classes(console, traces)
    frontier = Table("policy", "served", "average stock", "orders", title="More service, more stock")
    for safety in (SAFETY, 1.5, 2.0, 3.0):
        _add(frontier, traces, f"rule, × {safety}", simulate(traces, RuleOfThumb(traces, safety)))
    doubled = RuleOfThumb(traces, SAFETY, None)
    _add(frontier, traces, f"rule, × {SAFETY}, up to 2 × lead time demand", simulate(traces, doubled))
    for level in (0.5, 0.8, 0.9, 0.95):
        _add(frontier, traces, f"engine, service level {level}", simulate(traces, Engine(traces, level)))
    console.print(frontier)
    console.print(f"{PRODUCTS} products, {DAYS} days, {time.perf_counter() - started:.0f} s")
    return 0 if better else 1


def _print_classes(console: Console, traces: Sequence[Trace]) -> bool:
    """The engine with each class at the stock that the rule holds of it; whether it serves more of all together."""
    table = Table("demand", "rule served", "rule stock", "engine served", "engine stock", "at service level",
                  title="At equal stock")  # fmt: skip
    whole: tuple[list[Outcome], list[Outcome]] = ([], [])
    for name in CLASSES:
        of_class = [trace for trace in traces if trace.demand_class == name]
        rule = simulate(of_class, RuleOfThumb(of_class, SAFETY))
        level, advice = at_equal_stock(of_class, stock_value(of_class, rule))
        table.add_row(name, *_cells(of_class, rule), *_cells(of_class, advice), f"{level}")
        whole[0].extend(rule)
        whole[1].extend(advice)
    in_order = sorted(traces, key=lambda trace: CLASSES.index(trace.demand_class))
    table.add_row("all", *_cells(in_order, whole[0]), *_cells(in_order, whole[1]), "")
    console.print(table)
    return service(whole[1]) > service(whole[0])


def _cells(traces: Sequence[Trace], outcomes: Sequence[Outcome]) -> tuple[str, str]:
    return f"{service(outcomes):.1%}", f"{stock_value(traces, outcomes):,.0f}"


def _add(table: Table, traces: Sequence[Trace], name: str, outcomes: Sequence[Outcome]) -> None:
    orders = sum(outcome.orders for outcome in outcomes)
    table.add_row(name, *_cells(traces, outcomes), f"{orders:,}")


if __name__ == "__main__":
    sys.exit(main())
