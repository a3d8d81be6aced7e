"""Engines of one process share what they read of an event, and only of exactly that event."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import orjson
import pytest

from runtime.errors import PoisonError
from runtime.events.catalogue import SaleFigures, SaleRecorded, SoldItem
from runtime.events.event import NewerVersionError, read_event

NOBODY = UUID(int=1)
ROW = {
    "tenant_id": NOBODY, "tenant_seq": 1, "event_id": NOBODY, "event_type": "quote_sent", "version": 1,
    "occurred_at": datetime(2026, 11, 24, tzinfo=UTC), "payload": f'{{"quote_id": "{NOBODY}"}}',
}  # fmt: skip


def test_a_payload_is_read_once_for_all_engines() -> None:
    assert read_event(ROW).payload is read_event(dict(ROW)).payload


def test_another_type_or_text_with_the_same_id_is_read_by_itself() -> None:
    other_type = read_event({**ROW, "event_type": "quote_approved"})
    other_text = read_event({**ROW, "payload": f'{{"quote_id": "{UUID(int=2)}"}}'})
    assert other_type.payload.event_type == "quote_approved"
    assert other_text.payload != read_event(ROW).payload


def test_a_sale_is_read_as_figures_by_those_that_count_it_and_exactly_by_others() -> None:
    sale = SaleRecorded(
        order_id=NOBODY,
        items=tuple(
            SoldItem(
                product_id=UUID(int=place), quantity=quantity, unit_price=price, line_total=quantity * price
            )
            for place, (quantity, price) in enumerate(
                [(Decimal("1.000"), Decimal("12.90")), (Decimal("0.333"), Decimal("1234567.89"))]
            )
        ),
        total=Decimal("411123.90"),
        earlier_product_ids=(NOBODY,),
    )
    row = {**ROW, "event_type": "sale_recorded", "payload": sale.model_dump_json()}
    figures = read_event(row, {SaleFigures.event_type: SaleFigures}).payload
    assert isinstance(figures, SaleFigures)
    assert figures.earlier_product_ids == sale.earlier_product_ids
    assert [tuple(one.values()) for one in figures.items] == [
        (item.product_id, float(item.quantity), float(item.line_total)) for item in sale.items
    ]
    assert read_event(row).payload == sale


@pytest.mark.parametrize("quantity", ["NaN", "Infinity", "much", None])
def test_figures_that_are_no_numbers_are_poison(quantity: str | None) -> None:
    item = {"product_id": str(NOBODY), "quantity": quantity, "line_total": "1"}
    row = {**ROW, "event_type": "sale_recorded", "payload": orjson.dumps({"items": [item]}).decode()}
    with pytest.raises(PoisonError):
        read_event(row, {SaleFigures.event_type: SaleFigures})


def test_figures_of_a_newer_release_wait() -> None:
    row = {**ROW, "event_type": "sale_recorded", "version": 2, "payload": "{}"}
    with pytest.raises(NewerVersionError):
        read_event(row, {SaleFigures.event_type: SaleFigures})


def test_a_payload_that_does_not_fit_is_poison_every_time() -> None:
    for _ in range(2):
        with pytest.raises(PoisonError):
            read_event({**ROW, "payload": "{}"})
