"""From whom to buy: the lowest price whose minimum quantity fits, the quicker supplier between equal prices. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from handlers.explanations import Numbers


@dataclass(frozen=True, slots=True)
class Offer:
    """What a supplier asks for one unit of a product; the lead time in days, promised or else observed."""

    supplier_id: UUID
    supplier_name: str
    price: Decimal
    minimum_quantity: Decimal
    lead_time_days: float | None


@dataclass(frozen=True, slots=True)
class Choice:
    """The offer taken and how much to buy of it; ``wanted`` is what was asked for, ``offers`` what there was."""

    offer: Offer
    quantity: Decimal
    wanted: Decimal
    offers: Sequence[Offer]


def choose(offers: Sequence[Offer], wanted: Decimal) -> Choice | None:
    """The best offer for this quantity; None without any.

    When every supplier asks for more than is wanted, the one where the least money has to be spent is taken, with
    its minimum quantity. Equal in price and lead time: the order of the ids decides, so that it is always the same.
    """
    if not offers:
        return None
    fitting = [offer for offer in offers if offer.minimum_quantity <= wanted]
    if fitting:
        return Choice(min(fitting, key=_rank), wanted, wanted, offers)
    least = min(offers, key=lambda offer: (offer.price * offer.minimum_quantity, *_rank(offer)))
    return Choice(least, least.minimum_quantity, wanted, offers)


def _rank(offer: Offer) -> tuple[Decimal, float, UUID]:
    unknown = float("inf")
    lead_time = unknown if offer.lead_time_days is None else offer.lead_time_days
    return offer.price, lead_time, offer.supplier_id


def explain_choice(choice: Choice, unit: str, numbers: Numbers) -> str:
    """Why this supplier and this quantity, in the reader's language."""
    offer, pt = choice.offer, numbers.portuguese
    others = [other for other in choice.offers if other.supplier_id != offer.supplier_id]
    price = numbers.money(offer.price)
    if choice.quantity > choice.wanted:
        minimum, wanted = numbers.number(choice.quantity, 3), numbers.number(choice.wanted, 3)
        return (
            f"O mínimo de {offer.supplier_name} é {minimum} {unit} (sugeridos {wanted}), a {price} por {unit}; "
            "nenhum fornecedor vende menos por menos dinheiro."
            if pt
            else f"The minimum of {offer.supplier_name} is {minimum} {unit} (suggested: {wanted}), at {price} per "
            f"{unit}; no supplier sells less for less money."
        )
    if not others:
        return (
            f"Único fornecedor com preço vigente: {price} por {unit}."
            if pt
            else f"The only supplier with a price that holds: {price} per {unit}."
        )
    fitting = [other for other in others if other.minimum_quantity <= choice.wanted]
    tied = [other for other in fitting if other.price == offer.price]
    if tied and offer.lead_time_days is not None:
        days = numbers.days(offer.lead_time_days)
        return (
            f"Mesmo preço que {tied[0].supplier_name} ({price} por {unit}), com entrega em {days}."
            if pt
            else f"The same price as {tied[0].supplier_name} ({price} per {unit}), delivered in {days}."
        )
    cheaper = [other for other in others if other.price < offer.price]
    if cheaper:
        other = min(cheaper, key=_rank)
        minimum = numbers.number(other.minimum_quantity, 3)
        return (
            f"Menor preço para esta quantidade: {price} por {unit}; {other.supplier_name} pede "
            f"{numbers.money(other.price)}, mas a partir de {minimum} {unit}."
            if pt
            else f"The lowest price for this quantity: {price} per {unit}; {other.supplier_name} asks "
            f"{numbers.money(other.price)}, but from {minimum} {unit} on."
        )
    following = min(others, key=_rank)
    following_price = numbers.money(following.price)
    return (
        f"Menor preço de {len(others) + 1} fornecedores: {price} por {unit}; o seguinte, {following.supplier_name}, "
        f"pede {following_price}."
        if pt
        else f"The lowest price of {len(others) + 1} suppliers: {price} per {unit}; the next, "
        f"{following.supplier_name}, asks {following_price}."
    )
