"""What a product is advised does not depend on how many of its events are folded before the levels are computed."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.stock.parameters import policy
from actors.stock.product import Product

TODAY = date(2026, 3, 2)
_QUANTITY = st.integers(-5, 40).map(float)
_STEPS = st.lists(
    st.tuples(st.sampled_from(("sell", "move", "dismiss", "retire", "price", "late")), _QUANTITY), max_size=30
)
_POLICIES = st.sampled_from(
    (
        None,
        '{"method": "simple"}',
        '{"minimum": 30.0, "maximum": 50.0}',
        '{"lead_time_days": 0.0, "review_period_days": 0.0}',
        '{"lead_time_days": 2.0, "window_days": 3}',
    )
)


def _do(product: Product, kind: str, quantity: float, own: str | None) -> None:
    match kind:
        case "sell":
            product.sell(TODAY, TODAY, quantity, 2.0 * quantity)
        case "late":
            product.sell(TODAY - timedelta(days=2), TODAY, quantity, 2.0 * quantity)
        case "move":
            product.move(TODAY, quantity, quantity - 1.0)
        case "dismiss":
            product.dismiss(TODAY, policy(own, None))
        case "retire":
            product.active = not product.active


@settings(max_examples=200)
@given(_STEPS, _POLICIES, st.none() | st.floats(0, 20))
def test_watching_every_event_and_assessing_the_last_says_what_assessing_every_one_does(
    steps: list[tuple[str, float]], own: str | None, forecast: float | None
) -> None:
    rules = policy(own, None)
    watched, assessed = (Product("p", window_days=rules.window_days, forecast=forecast) for _ in range(2))
    due = False
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    for number, (kind, quantity) in enumerate(steps):
        at += timedelta(minutes=number)
        for product in (watched, assessed):
            _do(product, kind, quantity, own)
        due = watched.watch(rules, TODAY, at)
        assessed.assess(rules, TODAY, at)
    if due:
        watched.assess(rules, TODAY, at)
    for product in (watched, assessed):
        product.conclude(rules, TODAY)
    assert [getattr(watched, one.name) for one in fields(Product)] == [
        getattr(assessed, one.name) for one in fields(Product)
    ]
