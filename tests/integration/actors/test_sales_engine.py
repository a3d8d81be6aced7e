"""The sales engine over a real log: its counts are those of the orders, whatever the batches."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest
from efficient_apriori import apriori

from runtime.data.ids import new_id
from tests.support.engines import NOON, Engines, sale

BASKETS = Path(__file__).parents[4] / "shared" / "data" / "groceries-sample.basket"
COUNTS = ("engine_sales_totals", "engine_sales_products", "engine_sales_pairs")


async def test_each_sale_counts_once_however_many_lines_a_product_has(engines: Engines, new_tenant) -> None:
    tenant, cement, sand = await new_tenant(), new_id(), new_id()
    await engines.say(tenant, NOON, sale((cement, 1), (sand, 2), (cement, 3)), sale((cement, 1)))
    await engines.apply(tenant)
    [total] = await engines.rows("engine_sales_totals", tenant)
    [pair] = await engines.rows("engine_sales_pairs", tenant)
    products = {row["product_id"]: row for row in await engines.rows("engine_sales_products", tenant)}
    assert (total["orders"], pair["orders"]) == (2, 1)
    assert (pair["product_a"], pair["product_b"]) == tuple(sorted((cement, sand)))
    assert (products[cement]["orders"], products[cement]["quantity"]) == (2, 5)
    assert (products[sand]["orders"], products[sand]["revenue"]) == (1, 20)


@pytest.mark.parametrize("batch", [1, 10])
async def test_an_order_that_leaves_in_parts_counts_once_with_each_pair_once(
    engines: Engines, new_tenant, batch: int
) -> None:
    tenant, cement, sand, lime = await new_tenant(), new_id(), new_id(), new_id()
    first = sale((cement, 1), (sand, 2))
    later = sale((cement, 4), (lime, 1)).model_copy(update={"earlier_product_ids": (cement, sand)})
    rest = sale((sand, 1)).model_copy(update={"earlier_product_ids": (cement, sand, lime)})
    await engines.say(tenant, NOON, first, later, rest)
    await engines.apply(tenant, batch_events=batch)
    [total] = await engines.rows("engine_sales_totals", tenant)
    pairs = await engines.rows("engine_sales_pairs", tenant)
    products = {row["product_id"]: row for row in await engines.rows("engine_sales_products", tenant)}
    assert total["orders"] == 1
    assert sorted((row["product_a"], row["product_b"], row["orders"]) for row in pairs) == [
        (*pair, 1) for pair in combinations(sorted((cement, sand, lime)), 2)
    ]
    assert [(products[key]["orders"], products[key]["quantity"]) for key in (cement, sand, lime)] == [
        (1, 5),
        (1, 3),
        (1, 1),
    ]


async def test_two_stores_in_one_batch_do_not_mix(engines: Engines, new_tenant) -> None:
    one, other, cement, sand = await new_tenant(), await new_tenant(), new_id(), new_id()
    await engines.say(one, NOON, sale((cement, 1), (sand, 1)), sale((cement, 1), (sand, 1)))
    await engines.say(other, NOON, sale((cement, 1), (sand, 1)))
    await engines.apply(one, other)
    for tenant, orders in ((one, 2), (other, 1)):
        for table in COUNTS:
            assert {row["orders"] for row in await engines.rows(table, tenant)} == {orders}


@pytest.mark.skipif(
    not BASKETS.exists(), reason="the public basket data set does not lie beside the repository"
)
async def test_pair_rules_of_real_baskets_are_those_of_a_library(engines: Engines, new_tenant) -> None:
    baskets = [line.split(",") for line in BASKETS.read_text(encoding="utf-8").splitlines()[:1500]]
    ids = {name: new_id() for name in sorted({item for basket in baskets for item in basket})}
    names = {product_id: name for name, product_id in ids.items()}
    tenant = await new_tenant()
    for start in range(0, len(baskets), 100):
        chunk = baskets[start : start + 100]
        await engines.say(tenant, NOON, *(sale(*((ids[item], 1) for item in basket)) for basket in chunk))
    await engines.apply(tenant, batch_events=333)

    [total] = await engines.rows("engine_sales_totals", tenant)
    orders = {
        names[row["product_id"]]: row["orders"] for row in await engines.rows("engine_sales_products", tenant)
    }
    together = {
        frozenset((names[row["product_a"]], names[row["product_b"]])): row["orders"]
        for row in await engines.rows("engine_sales_pairs", tenant)
    }
    counted = Counter(frozenset(pair) for basket in baskets for pair in combinations(set(basket), 2))
    assert together == counted
    ours = {
        (first, second): (count / total["orders"], count / orders[first])
        for pair, count in together.items()
        if count / total["orders"] >= 0.005
        for first, second in (tuple(pair), tuple(pair)[::-1])
        if count / orders[first] >= 0.1
    }
    _, rules = apriori(
        [tuple(basket) for basket in baskets], min_support=0.005, min_confidence=0.1, max_length=2
    )
    theirs = {(rule.lhs[0], rule.rhs[0]): (rule.support, rule.confidence) for rule in rules}
    assert len(theirs) > 100
    assert ours.keys() == theirs.keys()
    for rule, numbers in theirs.items():
        assert ours[rule] == pytest.approx(numbers)
