"""From whom to buy, and the sentence that says why."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest

from handlers.explanations import Numbers
from handlers.purchase_orders.choice import Offer, choose, explain_choice


def offer(number: int, price: str, minimum: str = "0", days: float | None = None) -> Offer:
    return Offer(UUID(int=number), f"F{number}", Decimal(price), Decimal(minimum), days)


@pytest.mark.parametrize(
    ("offers", "supplier", "quantity", "said"),
    [
        ([offer(1, "10")], 1, "30", "The only supplier"),
        ([offer(1, "10"), offer(2, "9")], 2, "30", "the next, F1, asks R$10.00"),
        ([offer(1, "10"), offer(2, "9", "31")], 1, "30", "F2 asks R$9.00, but from 31 SC on"),
        ([offer(1, "10", days=9), offer(2, "10", days=2)], 2, "30", "The same price as F1 (R$10.00 per SC)"),
        ([offer(1, "10"), offer(2, "10", days=2)], 2, "30", "delivered in 2 days"),
        ([offer(2, "10"), offer(1, "10")], 1, "30", "The lowest price of 2 suppliers"),
        ([offer(1, "9", "100"), offer(2, "10", "50")], 2, "50", "The minimum of F2 is 50 SC (suggested: 30)"),
    ],
)
def test_the_lowest_price_whose_minimum_fits_wins(
    offers: list[Offer], supplier: int, quantity: str, said: str
) -> None:
    choice = choose(offers, Decimal(30))
    assert choice is not None
    assert (choice.offer.supplier_id.int, choice.quantity) == (supplier, Decimal(quantity))
    assert said in explain_choice(choice, "SC", Numbers("en"))
    assert explain_choice(choice, "SC", Numbers("pt-BR")) != explain_choice(choice, "SC", Numbers("en"))


def test_without_offers_there_is_no_choice() -> None:
    assert choose([], Decimal(1)) is None
