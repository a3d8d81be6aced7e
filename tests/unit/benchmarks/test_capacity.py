"""The capacity model: its table is the one in the documentation, and its plans hold what they are for."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from benchmarks.capacity import BUSY, MEASURED, STORES, need_of, plan_of, table

PAGE = (Path(__file__).parents[3] / "docs" / "capacity.md").read_text()


def test_the_documented_table_is_what_the_model_says() -> None:
    assert table() in PAGE


@pytest.mark.parametrize("stores", STORES)
def test_every_plan_has_the_processors_that_the_busiest_hour_takes(stores: int) -> None:
    plan = plan_of(stores)
    there = plan.installations * sum(count * droplet.processors for _, count, droplet in plan.parts)
    need = plan.need
    assert (need.api_processors + need.engine_processors + need.postgres_processors) / BUSY <= there


def test_demand_grows_with_the_stores_and_nothing_else() -> None:
    one, ten = need_of(1_000), need_of(10_000)
    assert math.isclose(ten.api_processors, 10 * one.api_processors)
    assert math.isclose(ten.disk_gb, 10 * one.disk_gb)
    assert MEASURED.read_api_ms < MEASURED.write_api_ms


def test_more_stores_never_cost_less() -> None:
    prices = [plan_of(stores).dollars for stores in (1, 10, *STORES)]
    assert prices == sorted(prices)
