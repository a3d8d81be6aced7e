"""From whom to buy: the lowest price whose minimum quantity fits, the quicker supplier between equal prices. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from handlers.insights.explanations import Numbers
from handlers.units import ProductUnits


@dataclass(frozen=True, slots=True)
class Offer:
    """What a supplier asks for one of a product's own unit; the lead time in days, promised or else observed.

    ``unit`` is the one that the price was quoted for, when that is another.
    """

    supplier_id: UUID
    supplier_name: str
    price: Decimal
    minimum_quantity: Decimal
    lead_time_days: float | None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """The offer taken and how much to buy of it; ``wanted`` is what was asked for, ``offers`` what there was.

    Quantities are in the product's own unit; bought in whole packs, ``packs`` says how many of which ``pack``.
    """

    offer: Offer
    quantity: Decimal
    wanted: Decimal
    offers: Sequence[Offer]
    pack: str | None = None
    packs: Decimal | None = None
    is_minimum: bool = False


def choose(offers: Sequence[Offer], wanted: Decimal, units: ProductUnits | None = None) -> Choice | None:
    """The best offer for this quantity, in whole packs; None without any.

    The packs are the product's purchase packs, else whole ones of the unit that the supplier's price is for. When every
    supplier asks for more than is wanted, the one where the least money has to be spent is taken, with its minimum
    quantity. Equal in price and lead time: the order of the ids decides, so that it is always the same.
    """
    if not offers:
        return None
    choices = [_packed(offer, wanted, wanted, offers, units) for offer in offers]
    fitting = [choice for choice in choices if choice.offer.minimum_quantity <= choice.quantity]
    if fitting:
        return min(fitting, key=lambda choice: _rank(choice.offer))
    least = min(offers, key=lambda offer: (offer.price * offer.minimum_quantity, *_rank(offer)))
    return replace(_packed(least, least.minimum_quantity, wanted, offers, units), is_minimum=True)


def _packed(
    offer: Offer, quantity: Decimal, wanted: Decimal, offers: Sequence[Offer], units: ProductUnits | None
) -> Choice:
    pack = None if units is None else units.purchase_pack or offer.unit
    whole = None if units is None or pack is None else units.in_packs(quantity, pack)
    if whole is None:
        return Choice(offer, quantity, wanted, offers)
    return Choice(offer, whole[0], wanted, offers, pack, whole[1])


def _rank(offer: Offer) -> tuple[Decimal, float, UUID]:
    unknown = float("inf")
    lead_time = unknown if offer.lead_time_days is None else offer.lead_time_days
    return offer.price, lead_time, offer.supplier_id


def explain_choice(choice: Choice, unit: str, numbers: Numbers) -> str:
    """Why this supplier and this quantity, in the reader's language."""
    why = _explain_offer(choice, unit, numbers)
    if choice.packs is None or (choice.pack == unit and choice.quantity == choice.wanted):
        return why
    packs, quantity = numbers.number(choice.packs, 3), numbers.number(choice.quantity, 3)
    return why + (
        f" Em embalagens inteiras: {packs} {choice.pack} ({quantity} {unit})."
        if numbers.portuguese
        else f" In whole packs: {packs} {choice.pack} ({quantity} {unit})."
    )


def _explain_offer(choice: Choice, unit: str, numbers: Numbers) -> str:
    offer, pt = choice.offer, numbers.portuguese
    others = [other for other in choice.offers if other.supplier_id != offer.supplier_id]
    price = numbers.money(offer.price)
    if choice.is_minimum:
        minimum, wanted = numbers.number(offer.minimum_quantity, 3), numbers.number(choice.wanted, 3)
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
    fitting = [other for other in others if other.minimum_quantity <= choice.quantity]
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
