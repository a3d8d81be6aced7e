"""From when the lines of a quote can be had."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from handlers.quotes.availability import Goods, promise

FRIDAY, MONDAY, LATER = date(2026, 12, 4), date(2026, 12, 7), date(2026, 12, 15)


def item(position: int, quantity: str) -> dict[str, Any]:
    return {"position": position, "product_id": "CIM", "stock_quantity": quantity}


def goods(available: str, *incoming: tuple[date, str], bought_on: date = LATER) -> dict[str, Goods]:
    return {"CIM": Goods(Decimal(available), [(day, Decimal(count)) for day, count in incoming], bought_on)}


@pytest.mark.parametrize(
    ("known", "status", "now", "day", "supply"),
    [
        (goods("10"), "available", "10", None, "stock"),
        (goods("4", (FRIDAY, "6")), "partly", "4", FRIDAY, "purchase_order"),
        (goods("0", (FRIDAY, "5"), (MONDAY, "5")), "expected", "0", MONDAY, "purchase_order"),
        (goods("-5", (FRIDAY, "10")), "expected", "0", LATER, "lead_time"),
        (goods("-5", (FRIDAY, "15")), "expected", "0", FRIDAY, "purchase_order"),
        (goods("9.999"), "partly", "9.999", LATER, "lead_time"),
        (goods("0", (LATER, "1"), bought_on=FRIDAY), "expected", "0", LATER, "lead_time"),
    ],
)
def test_a_line_is_whole_when_the_last_of_it_has_arrived(
    known: dict[str, Goods], status: str, now: str, day: date | None, supply: str
) -> None:
    [line] = promise([item(1, "10")], known)
    assert (line.status, line.now, line.complete_on, line.supply) == (status, Decimal(now), day, supply)


def test_lines_of_one_product_share_what_is_there() -> None:
    first, second = promise([item(1, "6"), item(2, "6")], goods("10", (FRIDAY, "2")))
    assert (first.status, second.status) == ("available", "partly")
    assert (second.now, second.complete_on) == (Decimal(4), FRIDAY)
