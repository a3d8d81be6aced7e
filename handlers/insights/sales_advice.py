"""Sales advice as plain functions: what the operations answer, and whatever else shows advice for lines so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from handlers.insights.explanations import Numbers, explain_rule
from handlers.insights.sales_explanations import explain_bundle, explain_habit, explain_substitute
from runtime.data.ids import NIL
from runtime.data.queries import sql
from runtime.data.transactions import TenantTransaction

BASKET_LEAST_CHOSEN = 2


@dataclass(frozen=True, slots=True)
class Asked:
    """What advice is wanted of: in whose language, on which day of the store, how much, and for which customer.

    An answer of somebody's holds for the customer it was given for, or for all. ``links`` override how strong a link
    must be (``min_support``, ``min_confidence``).
    """

    locale: str
    today: date
    limit: int = 10
    include_unavailable: bool = False
    customer_id: UUID | None = None
    links: Mapping[str, float | None] | None = None

    @property
    def numbers(self) -> Numbers:
        """How the reader writes numbers."""
        return Numbers(self.locale)

    def common(self) -> dict[str, Any]:
        """Parameters of all queries for advice."""
        return {
            "customer_ids": [NIL] if self.customer_id is None else [NIL, self.customer_id],
            "today": self.today,
            "include_unavailable": self.include_unavailable,
            "limit": self.limit,
        }


async def parameters_for(tx: TenantTransaction, product_id: UUID | None = None) -> Mapping[str, Any] | None:
    """What holds for the store, or a product; None as long as the engine has not heard of the store."""
    row = await tx.fetch_one(sql.read_sales_parameters, product_id=product_id)
    effective: Mapping[str, Any] | None = None if row is None else row["own_effective"]
    return effective


async def complements(
    tx: TenantTransaction, product_ids: Sequence[UUID], asked: Asked, holds: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """What is bought together with these products, each by its strongest link to one of them."""
    links = asked.links or {}
    given = {
        name: float(holds[name]) if links.get(name) is None else links[name]
        for name in ("min_support", "min_confidence")
    }
    rows = await tx.fetch_all(sql.list_complementary, product_ids=product_ids, **given, **asked.common())
    return [
        {
            **_product(row, row["second_id"]),
            "from_product_id": row["first_id"],
            "orders_together": row["together"],
            "support": row["support"],
            "confidence": row["confidence"],
            "lift": row["lift"],
            "explanation": explain_rule(row, asked.numbers),
        }
        for row in rows
    ]


async def substitutes(
    tx: TenantTransaction, product_ids: Sequence[UUID], asked: Asked, holds: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """What can stand in for each of these products."""
    rows = await tx.fetch_all(
        sql.list_substitutes,
        product_ids=product_ids,
        price_band_percent=float(holds["price_band_percent"]),
        **asked.common(),
    )
    return [
        {
            **_product(row, row["second_id"]),
            "from_product_id": row["first_id"],
            "price_difference_percent": None
            if not row["first_price"]
            else round(float(row["base_price"] / row["first_price"] - 1) * 100, 2),
            "shared_customers": row["shared_customers"],
            "orders_together": row["together"],
            "explanation": explain_substitute(row, asked.numbers),
        }
        for row in rows
    ]


async def bundles(
    tx: TenantTransaction, product_ids: Sequence[UUID], least_chosen: int, asked: Asked
) -> list[dict[str, Any]]:
    """Bundles with at least so many of these products, and at least one that is not among them."""
    rows = await tx.fetch_all(
        sql.list_bundles, product_ids=product_ids, least_chosen=least_chosen, **asked.common()
    )
    return [
        {
            "bundle_id": row["bundle_id"],
            "items": row["items"],
            "price": str(row["price"]),
            "orders": row["orders"],
            "support": row["support"],
            "lift": row["lift"],
            "explanation": explain_bundle(row, asked.numbers),
        }
        for row in rows
    ]


async def habits(
    tx: TenantTransaction, product_ids: Sequence[UUID], asked: Asked, holds: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """What the customer usually buys and is not among these products."""
    rows = await tx.fetch_all(
        sql.list_habits,
        customer_id=asked.customer_id,
        product_ids=product_ids,
        purchases=holds["habit_purchases"],
        least=min(holds["habit_least"], holds["habit_purchases"]),
        **asked.common(),
    )
    return [
        {
            **_product(row, row["product_id"]),
            "times": row["times"],
            "purchases": row["purchases"],
            "last_bought_on": row["last_on"],
            "usual_quantity": str(row["usual_quantity"]),
            "explanation": explain_habit(row, asked.numbers),
        }
        for row in rows
    ]


async def advise(tx: TenantTransaction, product_ids: Sequence[UUID], asked: Asked) -> dict[str, Any]:
    """All advice for the lines so far: ``items`` (complements), ``bundles``, ``habits`` of the customer, if one is
    known, and ``substitutes`` for what there is no stock of."""
    wanted, holds = list(dict.fromkeys(product_ids)), await parameters_for(tx)
    found: dict[str, Any] = {"items": [], "bundles": [], "habits": [], "substitutes": []}
    if holds is None:
        return found
    if wanted:
        found["items"] = await complements(tx, wanted, asked, holds)
        found["bundles"] = await bundles(tx, wanted, BASKET_LEAST_CHOSEN, asked)
        missing = await tx.fetch_all(sql.list_without_stock, product_ids=wanted)
        if missing:
            found["substitutes"] = await substitutes(tx, [row["id"] for row in missing], asked, holds)
            found["substitutes"] = [
                one for one in found["substitutes"] if one["product_id"] not in set(wanted)
            ]
    if asked.customer_id is not None:
        found["habits"] = await habits(tx, wanted, asked, holds)
    return found


def _product(row: Mapping[str, Any], product_id: UUID) -> dict[str, Any]:
    return {
        "product_id": product_id,
        "sku": row["sku"],
        "name": row["name"],
        "unit": row["unit"],
        "base_price": str(row["base_price"]),
        "available": f"{row['available']:.3f}",
    }
