"""Replay real baskets as sales and compare the sales engine's pair rules with those of a library.

``python -m benchmarks.groceries FILE``: a basket a line, items separated by commas (the ``Groceries`` data set of the R
package arules has this form). Starts a program of its own, or uses an empty store of a running one:
``--port 8000 --slug acme --email owner@acme.localhost --password ...``. Exit code 1 when any rule differs.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import math
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import uvloop
from efficient_apriori import apriori  # type: ignore[import-untyped]

from benchmarks.http import Answer, Connection, request
from benchmarks.installation import PASSWORD, Shop, installation, sign_in

DEFAULT_FILE = Path(__file__).parent / "groceries.basket"
CONNECTIONS = 12
SETTLED_S = 2.5
DEADLINE_S = 120.0
TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class PairRule:
    """One thing bought given another: orders with both, and the three measures."""

    together: int
    support: float
    confidence: float
    lift: float

    def equals(self, other: PairRule) -> bool:
        """The same count, and the same values but for the last digits of a division."""
        return self.together == other.together and all(
            math.isclose(ours, theirs, rel_tol=TOLERANCE)
            for ours, theirs in (
                (self.support, other.support),
                (self.confidence, other.confidence),
                (self.lift, other.lift),
            )
        )


Rules = dict[tuple[str, str], PairRule]


class Store:
    """A store as a client of its API sees it."""

    def __init__(self, port: int, shop: Shop) -> None:
        self._shop = shop
        self._free: asyncio.Queue[Connection] = asyncio.Queue()
        for _ in range(CONNECTIONS):
            self._free.put_nowait(Connection(port))

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request on a connection that is free; raises for anything but 2xx."""
        connection = await self._free.get()
        try:
            data = None if body is None else orjson.dumps(body)
            answer: Answer = await connection.ask(
                request(method, f"/api/v1{path}", host=self._shop.host, token=self._shop.token, body=data)
            )
        finally:
            self._free.put_nowait(connection)
        if not 200 <= answer.status < 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {answer.body[:500].decode()}")
        return orjson.loads(answer.body)


def read_baskets(path: Path) -> list[list[str]]:
    """The baskets of a file, each thing once; empty lines are no baskets."""
    baskets = (
        list(dict.fromkeys(item.strip() for item in line.split(",") if item.strip()))
        for line in path.read_text(encoding="utf-8").splitlines()
    )
    return [basket for basket in baskets if basket]


def library_rules(baskets: list[list[str]]) -> Rules:
    """Every pair that occurs, as efficient-apriori counts it."""
    _, rules = apriori(baskets, min_support=0.5 / len(baskets), min_confidence=1e-9, max_length=2)
    return {
        (rule.lhs[0], rule.rhs[0]): PairRule(rule.count_full, rule.support, rule.confidence, rule.lift)
        for rule in rules
    }


async def replay(store: Store, baskets: list[list[str]]) -> dict[str, UUID]:
    """Add the products with stock, then sell every basket over the counter; returns the products' ids."""
    names = sorted({item for basket in baskets for item in basket})
    ids: dict[str, UUID] = {}

    async def add(number: int, name: str) -> None:
        body = {"sku": f"GROC-{number:04d}", "name": name, "unit": "UN", "base_price": "1.00"}
        product = await store.ask("POST", "/products", body)
        ids[name] = UUID(product["id"])
        movement = {"product_id": product["id"], "kind": "receipt", "quantity": "1000000"}
        await store.ask("POST", "/stock/movements", movement)

    async def sell(basket: list[str]) -> None:
        items = [{"product_id": str(ids[name]), "quantity": "1"} for name in basket]
        await store.ask("POST", "/orders", {"fulfilment": "counter", "items": items})

    await _all(lambda pair=pair: add(*pair) for pair in enumerate(names))  # type: ignore[misc]
    await _all(lambda basket=basket: sell(basket) for basket in baskets)  # type: ignore[misc]
    return ids


async def engine_rules(store: Store, ids: dict[str, UUID]) -> Rules:
    """Every pair rule that the insights API tells."""
    names = {product_id: name for name, product_id in ids.items()}
    rules: Rules = {}

    async def read(name: str) -> None:
        for item in await _complements(store, ids[name]):
            rules[name, names[UUID(item["product_id"])]] = PairRule(
                item["orders_together"], item["support"], item["confidence"], item["lift"]
            )

    await _all(lambda name=name: read(name) for name in ids)  # type: ignore[misc]
    return rules


async def wait_until_settled(store: Store, product_id: UUID) -> None:
    """Return when the advice for a product has been the same for a while: the engine has caught up."""
    deadline = time.monotonic() + DEADLINE_S
    seen, since = None, time.monotonic()
    while time.monotonic() < deadline:
        told = await _complements(store, product_id)
        if told != seen:
            seen, since = told, time.monotonic()
        elif told and time.monotonic() - since > SETTLED_S:
            return
        await asyncio.sleep(0.1)
    raise RuntimeError(f"the sales engine has not caught up within {DEADLINE_S:.0f} s")


def differences(ours: Rules, theirs: Rules) -> list[str]:
    """A line per rule that only one side has or that is not equal."""
    lines = [f"only the library has {pair}" for pair in theirs.keys() - ours.keys()]
    lines += [f"only the engine has {pair}" for pair in ours.keys() - theirs.keys()]
    lines += [
        f"{pair}: engine {ours[pair]}, library {theirs[pair]}"
        for pair in ours.keys() & theirs.keys()
        if not ours[pair].equals(theirs[pair])
    ]
    return sorted(lines)


async def run(port: int, shop: Shop, baskets: list[list[str]]) -> int:
    """Replay, compare, print the verdict; returns the exit code."""
    store = Store(port, shop)
    if (await store.ask("GET", "/orders?limit=1"))["items"]:
        print(
            f"the store '{shop.slug}' has orders already: its rules would not be those of the file",
            file=sys.stderr,
        )
        return 2
    started = time.perf_counter()
    ids = await replay(store, baskets)
    sold_s = time.perf_counter() - started
    most_bought, _ = Counter(itertools.chain.from_iterable(baskets)).most_common(1)[0]
    await wait_until_settled(store, ids[most_bought])
    ours, theirs = await engine_rules(store, ids), library_rules(baskets)
    different = differences(ours, theirs)
    print(f"{len(baskets):,} baskets of {len(ids)} products sold in {sold_s:.1f} s")
    print(f"{len(theirs):,} pair rules by efficient-apriori, {len(ours):,} by the sales engine")
    print(*different[:20], sep="\n" if different else "", end="\n" if different else "")
    print(
        f"DIFFERENT: {len(different):,} rules"
        if different
        else "EQUAL: counts, support, confidence and lift of all"
    )
    return 1 if different else 0


async def _complements(store: Store, product_id: UUID) -> list[Any]:
    everything = "limit=200&min_support=0&min_confidence=0&include_unavailable=true"
    answer = await store.ask("GET", f"/insights/sales/complementary/{product_id}?{everything}")
    items: list[Any] = answer["items"]
    if len(items) == 200:
        raise RuntimeError("a product has more partners than one answer holds")
    return items


async def _all(work: Iterable[Callable[[], Any]]) -> None:
    """Do all of it, as many at a time as there are connections."""
    waiting = iter(work)

    async def worker() -> None:
        for start in waiting:
            await start()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(CONNECTIONS):
            tasks.create_task(worker())


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", nargs="?", type=Path, default=DEFAULT_FILE)
    parser.add_argument("--port", type=int, help="of a running program on this machine; else one is started")
    parser.add_argument("--slug", default="acme")
    parser.add_argument("--email", default="owner@acme.localhost")
    parser.add_argument("--password", default="basecommerce-demo")
    given = parser.parse_args()
    if not given.file.is_file():
        print(
            f"there is no {given.file}; give the path of a file with a basket a line, items separated by commas",
            file=sys.stderr,
        )
        return 2
    baskets = read_baskets(given.file)
    with ExitStack() as stack:
        if given.port is not None:
            port, shop = given.port, Shop(UUID(int=0), given.slug, UUID(int=0), [], email=given.email)
            sign_in(port, shop, given.password)
        else:
            made = stack.enter_context(installation())
            uvloop.run(made.fresh())
            shop = uvloop.run(made.shop("groceries", products_count=0))
            port = made.start().port
            sign_in(port, shop, PASSWORD)
        return uvloop.run(run(port, shop, baskets))


if __name__ == "__main__":
    sys.exit(main())
