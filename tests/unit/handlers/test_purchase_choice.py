"""From whom to buy, and the sentence that says why."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import pytest

from handlers.insights.explanations import Numbers
from handlers.purchase_orders.choice import Offer, choose, explain_choice
from handlers.units import ProductUnits


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


TILE = ProductUnits(
    "M2", [{"unit": "CX", "quantity": "2.320", "units": "1.000", "sale": True, "purchase": True}]
)


def test_a_minimum_that_whole_packs_reach_fits() -> None:
    """95 m² are 41 boxes, 95.12 m²: enough for who sells from 95.1 m² on."""
    cheap, dear = offer(1, "9", "95.1"), offer(2, "10")
    choice = choose([cheap, dear], Decimal(95), replace(TILE, purchase_pack="CX"))
    assert choice is not None
    assert (choice.offer, choice.quantity, choice.packs) == (cheap, Decimal("95.12"), Decimal(41))
    assert explain_choice(choice, "M2", Numbers("en")).endswith("In whole packs: 41 CX (95.12 M2).")


def test_a_pack_that_is_not_bought_any_more_is_no_pack() -> None:
    sold_only = replace(TILE, conversions=[{**TILE.conversions[0], "purchase": False}])
    quoted = replace(offer(1, "9"), unit="CX")
    choice = choose([quoted], Decimal(95), sold_only)
    assert choice is not None
    assert (choice.quantity, choice.packs) == (Decimal(95), None)


def test_without_offers_there_is_no_choice() -> None:
    assert choose([], Decimal(1)) is None
