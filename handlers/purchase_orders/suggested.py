"""Drafts made from what the stock engine advises: each product from its best supplier, one draft per supplier."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from handlers.insights.explanations import Numbers
from handlers.lines import unknown_reference
from handlers.orders.rules import Written
from handlers.purchase_orders.choice import Choice, Offer, choose, explain_choice
from handlers.purchase_orders.models import (
    MAX_ITEMS,
    FromSuggestions,
    PurchaseItemNew,
    PurchaseOrderNew,
    UnplacedView,
)
from handlers.purchase_orders.rules import create
from handlers.states import ALL_PERMISSIONS
from handlers.suppliers.prices import local_day
from handlers.units import ProductUnits, Unit
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction
from runtime.events.catalogue import SuggestionAccepted
from runtime.events.log import emit
from runtime.web.fields import MAX_QUANTITY

_Reason = Literal["no_supplier", "no_suggestion", "inactive", "already_drafted"]
_THOUSANDTH = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Drafts:
    """The drafts that were written, and the products without one."""

    written: Sequence[Written]
    unplaced: Sequence[UnplacedView]


async def draft_suggested(
    tx: TenantTransaction,
    body: FromSuggestions,
    numbers: Numbers,
    permissions: frozenset[str] = ALL_PERMISSIONS,
    time_zone: str = "America/Sao_Paulo",
) -> Drafts:
    """Write a draft for each supplier that is the best for some product.

    Without products in ``body``, the most urgent open suggestions, at most 200, without those that a draft made from
    suggestions has already. A suggestion that is followed counts as accepted. 404 for a product the store does not
    have.
    """
    asked = _asked(body)
    rows = await tx.fetch_all(
        sql.find_wanted_products,
        product_ids=None if asked is None else list(asked),
        limit=MAX_ITEMS,
    )
    if asked is not None:
        _refuse_unknown(body, {row["product_id"] for row in rows})
    offers = await _offers(tx, [row["product_id"] for row in rows], time_zone)
    chosen: dict[UUID, list[PurchaseItemNew]] = defaultdict(list)
    unplaced: list[UnplacedView] = []
    for row in rows:
        product_id = row["product_id"]
        suggested = _suggested(row)
        wanted = (asked or {}).get(product_id) or suggested
        reason: _Reason | None = None
        choice: Choice | None = None
        if not row["active"]:
            reason = "inactive"
        elif asked is None and row["drafted"]:
            reason = "already_drafted"
        elif wanted is None:
            reason = "no_suggestion"
        else:
            units = ProductUnits(row["unit"], row["unit_conversions"], purchase_pack=row["purchase_pack"])
            choice = choose(offers.get(product_id, ()), wanted, units)
            reason = None if choice else "no_supplier"
        if choice is None:
            unplaced.append(
                UnplacedView(
                    product_id=product_id,
                    reason=reason or "no_supplier",
                    explanation=_explain(reason or "no_supplier", row, numbers),
                )
            )
            continue
        chosen[choice.offer.supplier_id].append(
            PurchaseItemNew(
                product_id=product_id,
                quantity=choice.quantity if choice.packs is None else choice.packs,
                unit=None if choice.pack is None else Unit(choice.pack),
                note=explain_choice(choice, row["unit"], numbers),
            )
        )
        if suggested is not None:
            emit(
                tx,
                SuggestionAccepted(product_id=product_id, quantity=choice.quantity, suggested=suggested),
            )
    written = [
        await create(
            tx,
            PurchaseOrderNew(supplier_id=supplier_id, items=items),
            permissions,
            time_zone,
            from_suggestions=True,
        )
        for supplier_id, items in sorted(chosen.items())
    ]
    return Drafts(written, unplaced)


def _asked(body: FromSuggestions) -> dict[UUID, Decimal | None] | None:
    """The products the caller names, with their quantities if it says them; None when it names none."""
    if body.items is not None:
        return {item.product_id: item.quantity for item in body.items}
    return None if body.product_ids is None else dict.fromkeys(body.product_ids)


def _refuse_unknown(body: FromSuggestions, known: set[UUID]) -> None:
    given = [item.product_id for item in body.items] if body.items is not None else body.product_ids or []
    for place, product_id in enumerate(given):
        if product_id not in known:
            pointer = f"/items/{place}/product_id" if body.items is not None else f"/product_ids/{place}"
            raise unknown_reference(pointer, "product_not_found", "product", "produto")


def _suggested(row: Mapping[str, Any]) -> Decimal | None:
    """What the engine advises, to the thousandth; None where that is nothing, or more than can be written down."""
    if row["suggested_quantity"] is None:
        return None
    advised = Decimal(repr(row["suggested_quantity"]))
    if not _THOUSANDTH / 2 < advised <= MAX_QUANTITY:
        return None
    return advised.quantize(_THOUSANDTH)


async def _offers(
    tx: TenantTransaction, product_ids: Sequence[UUID], time_zone: str
) -> Mapping[UUID, Sequence[Offer]]:
    rows = await tx.fetch_all(
        sql.find_offers, product_ids=list(product_ids), today=local_day(tx.now, time_zone)
    )
    offers: dict[UUID, list[Offer]] = defaultdict(list)
    for row in rows:
        offers[row["product_id"]].append(
            Offer(
                row["supplier_id"],
                row["supplier_name"],
                row["price"],
                row["minimum_quantity"],
                row["lead_time_days"],
                row["quoted_unit"],
            )
        )
    return offers


def _explain(reason: _Reason, row: Mapping[str, Any], numbers: Numbers) -> str:
    name, drafted = row["name"], row["drafted"]
    portuguese, english = {
        "no_supplier": (
            f"Nenhum fornecedor ativo tem preço vigente para {name}.",
            f"No active supplier has a price that holds for {name}.",
        ),
        "no_suggestion": (
            f"Não há sugestão em aberto para {name}; informe a quantidade.",
            f"There is no open suggestion for {name}; give a quantity.",
        ),
        "inactive": (f"{name} está inativo.", f"{name} is inactive."),
        "already_drafted": (
            f"{name} já está no rascunho {drafted}.",
            f"{name} is already in the draft {drafted}.",
        ),
    }[reason]
    return portuguese if numbers.portuguese else english
