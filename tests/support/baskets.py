"""Baskets for the engines that learn what goes together: generated, with some things that do."""

from __future__ import annotations

import random
from itertools import pairwise
from uuid import UUID

import numpy as np

GROUPS = ((0, 1, 2), (3, 4, 5, 6), (7, 8, 9, 10, 11))


def generated(count: int, products: int = 40, seed: int = 1) -> list[list[int]]:
    """Baskets of products 0 to ``products`` - 1: some hold a group of three to five, all hold some by chance."""
    dice = random.Random(seed)
    baskets = []
    for _ in range(count):
        chosen = {int(products * dice.random() ** 2) for _ in range(dice.randrange(1, 7))}
        if dice.random() < 0.3:
            chosen.update(dice.choice(GROUPS))
        baskets.append(sorted(chosen))
    return baskets


def product_id(number: int) -> UUID:
    """The id of a product of the generated baskets; ids rise with the numbers."""
    return UUID(int=1000 + number)


def packed(basket: list[int]) -> bytes:
    """A basket as the engine keeps it."""
    return b"".join(product_id(number).bytes for number in sorted(basket))


def fp_growth(baskets: list[list[int]], least_orders: int) -> dict[tuple[int, ...], int]:
    """Itemsets of three to five products and their counts, by another library and another algorithm."""
    from rusket import _rusket

    starts = np.cumsum([0, *map(len, baskets)]).astype(np.int32)
    items = np.array([number for basket in baskets for number in basket], dtype=np.int32)
    counts, ends, members = _rusket.fpgrowth_from_csr(starts, items, int(items.max()) + 1, least_orders, 5)
    sets = [tuple(sorted(map(int, members[first:last]))) for first, last in pairwise(ends)]
    return {found: int(count) for found, count in zip(sets, counts, strict=True) if len(found) >= 3}
