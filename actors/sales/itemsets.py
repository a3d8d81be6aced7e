"""Frequent itemsets of three to five products; pure, and made to run in a process of its own.

This module imports nothing of the program: the process that mines starts with it alone.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil, prod

from efficient_apriori import itemsets_from_transactions  # type: ignore[import-untyped]

SMALLEST, LARGEST = 3, 5
_ID_BYTES = 16
_MOST_SETS = 5_000
"""With more sets than this at any size, only more frequent ones are looked for: it bounds time and memory."""
_KEPT = 500
_NICE = 10


@dataclass(frozen=True, slots=True)
class Bundle:
    """Products bought together: how often, and how many times as often as by chance."""

    product_ids: tuple[bytes, ...]
    orders: int
    support: float
    lift: float
    closed: bool
    """No larger bundle was bought as often."""


def mine_in_background(baskets: Sequence[bytes], least_share: float, least_orders: int) -> list[Bundle]:
    """``mine`` for a worker process, which steps back behind the processes that answer requests."""
    # Where a sandbox forbids it, the work is done all the same.
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)
    return mine(baskets, least_share, least_orders)


def mine(baskets: Sequence[bytes], least_share: float, least_orders: int) -> list[Bundle]:
    """The bundles in at least ``least_orders`` baskets and ``least_share`` of them, at most 500.

    A basket is its products' ids one after the other, 16 bytes each. First come those with the highest leverage
    (Piatetsky-Shapiro: share of the baskets beyond what chance would have put together); ids decide between equals.
    """
    if not baskets:
        return []
    transactions = [
        tuple(basket[start : start + _ID_BYTES] for start in range(0, len(basket), _ID_BYTES))
        for basket in baskets
    ]
    sets = _frequent(transactions, max(least_orders, ceil(least_share * len(transactions) - 1e-9)))
    singles = {one: count for (one,), count in sets.get(1, {}).items()}
    superset_orders: Counter[tuple[bytes, ...]] = Counter()
    for size in range(SMALLEST + 1, LARGEST + 1):
        for found, orders in sets.get(size, {}).items():
            for part in combinations(found, size - 1):
                superset_orders[part] = max(superset_orders[part], orders)
    total, ranked = len(transactions), []
    for size in range(SMALLEST, LARGEST + 1):
        for found, orders in sets.get(size, {}).items():
            chance = prod(singles[one] / total for one in found)
            bundle = Bundle(
                found, orders, orders / total, orders / total / chance, superset_orders[found] < orders
            )
            ranked.append((chance - orders / total, found, bundle))
    return [bundle for _, _, bundle in sorted(ranked, key=lambda one: one[:2])[:_KEPT]]


def _frequent(
    transactions: Sequence[tuple[bytes, ...]], least: int
) -> dict[int, dict[tuple[bytes, ...], int]]:
    """Frequent sets by size. They are looked for size by size, and the threshold rises when there are too many."""
    size = 2
    while True:
        # A hair below the share, so that the library's rounding never loses a set that is just frequent enough.
        share = (least - 0.5) / len(transactions)
        sets: dict[int, dict[tuple[bytes, ...], int]]
        sets, _ = itemsets_from_transactions(transactions, min(share, 1.0), max_length=size)
        if max((len(found) for found in sets.values()), default=0) > _MOST_SETS:
            least *= 2
        elif size == LARGEST or size not in sets:
            return sets
        else:
            size += 1
