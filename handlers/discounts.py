"""The discount a seller may give, measured whichever way it is given. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Context, Decimal
from uuid import UUID

from handlers.lines import Line
from handlers.permissions import Role
from runtime.errors import RefusedError

# A line before rounding (28 digits) times two discounts (5 each), and their quotients: two that differ do so within
# 40 digits, so 60 tell them apart.
_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)
_HUNDRED = Decimal(100)
_NOTHING = Decimal(0)
_CENT = Decimal("0.01")


def given_discount(line: Line, overall_percent: Decimal) -> Decimal:
    """All that is taken off a line, in percent: its own discount, the overall one, and a price under the asked one.

    Prices are compared for the whole line, before any rounding, so that it does not matter for which unit they are. A
    price written above the asked one does not make room for a discount.
    """
    asking = _asked(line)
    if asking == 0:
        return _NOTHING
    kept = _EXACT.multiply(_HUNDRED - line.discount_percent, _HUNDRED - overall_percent)
    priced = line.at(line.unit_price, line.price_unit)
    paid = _EXACT.divide(_EXACT.multiply(kept, priced), _EXACT.multiply(_HUNDRED, asking))
    return _EXACT.subtract(_HUNDRED, paid)


@dataclass(frozen=True, slots=True)
class Excess:
    """A product discounted above a limit: the places of its lines that are, how much of it they sell (in its own
    unit), and the largest discount, rounded up to what a percentage is written with."""

    product_id: UUID
    places: tuple[int, ...]
    quantity: Decimal
    percent: Decimal


def above_limit(limit_percent: Decimal, lines: Sequence[Line], overall_percent: Decimal) -> list[Excess]:
    """The products that are discounted above the limit.

    Nor may a product be cut into many lines that each round down: together, its lines are paid with what the limit
    leaves of them, to the cent.
    """
    given = [given_discount(line, overall_percent) for line in lines]
    above = {place for place, percent in enumerate(given) if percent > limit_percent}
    rounded_away = _rounded_away(lines, limit_percent, overall_percent)
    above.update(*rounded_away)
    for places in rounded_away:
        taken = _taken_together([lines[place] for place in places], overall_percent)
        given = [max(percent, taken) if place in places else percent for place, percent in enumerate(given)]
    by_product: dict[UUID, list[int]] = defaultdict(list)
    for place in sorted(above):
        by_product[lines[place].product_id].append(place)
    return [
        Excess(
            product_id,
            tuple(places),
            sum((lines[place].quantity for place in places), _NOTHING),
            max(given[place] for place in places).quantize(_CENT, ROUND_CEILING),
        )
        for product_id, places in by_product.items()
    ]


def check_discount(
    role: str, limit_percent: Decimal, lines: Sequence[Line], overall_percent: Decimal
) -> None:
    """Refuse (403) a seller's discount above the limit where nobody is asked to approve it; other roles have none."""
    if role != Role.SELLER:
        return
    if above := above_limit(limit_percent, lines, overall_percent):
        raise RefusedError(
            "discount_limit",
            f"A seller may give at most {limit_percent} % discount; more takes finance or the owner.",
            f"O vendedor pode dar no máximo {limit_percent} % de desconto; acima disso, só financeiro ou dono.",
            403,
            extra={
                "limit_percent": str(limit_percent),
                "items": sorted(place for excess in above for place in excess.places),
            },
        )


def _rounded_away(
    lines: Sequence[Line], limit_percent: Decimal, overall_percent: Decimal
) -> list[Sequence[int]]:
    """The places of each product of which rounding line by line takes off more than the limit, by over a cent."""
    by_product: dict[UUID, list[int]] = defaultdict(list)
    for place, line in enumerate(lines):
        by_product[line.product_id].append(place)
    return [
        places
        for places in by_product.values()
        if len(places) > 1
        and _paid([lines[place] for place in places], overall_percent)
        < sum((_asked(lines[place]) for place in places), _NOTHING) * (_HUNDRED - limit_percent) / _HUNDRED
        - _CENT
    ]


def _taken_together(lines: Sequence[Line], overall_percent: Decimal) -> Decimal:
    """What is taken off all these lines, which ask for something, in percent, rounding included."""
    asked = sum((_asked(line) for line in lines), _NOTHING)
    return _HUNDRED - _EXACT.divide(_HUNDRED * _paid(lines, overall_percent), asked)


def _paid(lines: Sequence[Line], overall_percent: Decimal) -> Decimal:
    return sum((line.line_total for line in lines), _NOTHING) * (_HUNDRED - overall_percent) / _HUNDRED


def _asked(line: Line) -> Decimal:
    return max(line.at(line.base_price, line.base_price_unit), line.at(line.unit_price, line.price_unit))
