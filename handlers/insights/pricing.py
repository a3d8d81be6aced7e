"""What the pricing engine knows: suppliers compared, what a product costs, and where prices are going."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from handlers.insights.explanations import Numbers
from handlers.insights.pricing_explanations import (
    dearer,
    explain_base_cost,
    explain_comparison,
    explain_offer,
    explain_suggestion,
    explain_trend,
    reasons,
)
from handlers.insights.pricing_models import (
    BaseCostView,
    ComparisonView,
    OfferView,
    PricingParametersNew,
    PricingParametersQuery,
    PricingParametersView,
    ReasonView,
    SupplierSuggestionView,
    SupplierTrendView,
    TrendFiguresView,
    TrendView,
)
from handlers.lines import round_half_up
from runtime.data.queries import sql
from runtime.data.transactions import Record
from runtime.errors import NotFoundError
from runtime.events.catalogue import PricingParameters, PricingParametersSet
from runtime.events.log import emit
from runtime.web.fields import MAX_MONEY, MAX_QUANTITY
from runtime.web.routing import Call, Reply, Routes

routes = Routes(tag="insights")

ALTERNATIVE_UP_TO = 1.05
TREND_CONFIDENCE = 0.9


@routes.get(
    "/insights/pricing/compare/{product_id}",
    may="costs:read",
    stale=True,
    summary="Compare a product's suppliers",
    answers=ComparisonView,
    errors=(404,),
)
async def compare_suppliers(call: Call, product_id: UUID) -> Reply:
    """Landed cost: the price at today's value (payment days at the store's monthly cost of money), plus the money that
    lies in stock longer when the minimum quantity is above what is usually bought."""
    product, offers, numbers = await _offers(call, product_id)
    effective, usual = product["effective"], product["usual_quantity"]
    return Reply(
        ComparisonView(
            product_id=product_id,
            usual_quantity=min(round(Decimal(usual), 3), MAX_QUANTITY) if product["receipts"] else None,
            monthly_money_percent=float(effective["monthly_money_percent"]) if effective else None,
            items=[_offer(one, offers, product["unit"], numbers) for one in offers],
            explanation=explain_comparison(offers, numbers),
        )
    )


@routes.get(
    "/insights/pricing/suggestion/{product_id}",
    may="costs:read",
    stale=True,
    summary="Suggest whom to buy a product from",
    answers=SupplierSuggestionView,
    errors=(404,),
)
async def suggest_supplier(call: Call, product_id: UUID) -> Reply:
    """The supplier with the lowest landed cost, why, and the ones within 5 % of it."""
    product, offers, numbers = await _offers(call, product_id)
    near = [one for one in offers[1:] if one["landed"] <= offers[0]["landed"] * ALTERNATIVE_UP_TO]
    found = reasons(offers, numbers) if offers else []
    shown = [_offer(one, offers, product["unit"], numbers) for one in [*offers[:1], *near]]
    return Reply(
        SupplierSuggestionView(
            product_id=product_id,
            supplier=shown[0] if shown else None,
            reasons=[ReasonView.model_validate({"code": code, "text": text}) for code, text in found],
            alternatives=shown[1:],
            explanation=explain_suggestion(offers, len(near), product["unit"], numbers),
        )
    )


@routes.get(
    "/insights/pricing/base-cost/{product_id}",
    may="costs:read",
    stale=True,
    summary="What a product costs",
    answers=BaseCostView,
    errors=(404,),
)
async def get_base_cost(call: Call, product_id: UUID) -> Reply:
    """By the method the store or the product has set: the best price, the mean of all, or the last purchase."""
    row = await _product(call, product_id)
    effective, margin = row["effective"] or {}, None
    if row["base_cost"] is not None and row["sale_price"]:
        margin = float(1 - row["base_cost"] / row["sale_price"])
    return Reply(
        BaseCostView(
            product_id=product_id,
            method=effective.get("cost_method"),
            source=row["base_source"],
            base_cost=shown_money(row["base_cost"]),
            last_purchase_cost=shown_money(row["paid"]),
            last_purchase_on=row["paid_on"],
            sale_price=row["sale_price"],
            margin_percent=None if margin is None else round(margin * 100, 2),
            margin_floor_percent=float(effective["margin_floor_percent"]) if effective else None,
            explanation=explain_base_cost(row, margin, Numbers(call.locale)),
        )
    )


@routes.get(
    "/insights/pricing/trend/{product_id}",
    may="costs:read",
    stale=True,
    summary="Where a product's prices are going",
    answers=TrendView,
    errors=(404,),
)
async def get_price_trend(call: Call, product_id: UUID) -> Reply:
    """Robust against single odd prices; over all suppliers (each compared with itself) and for each of them."""
    row, numbers = await _product(call, product_id), Numbers(call.locale)
    offers = await call.tx.fetch_all(sql.list_priced_offers, product_id=product_id)
    effective = row["effective"]
    return Reply(
        TrendView(
            product_id=product_id,
            window_days=effective["window_days"] if effective else None,
            items=[
                SupplierTrendView(
                    supplier_id=one["supplier_id"],
                    supplier_name=one["supplier_name"],
                    **_trend(one, one["mean"], numbers).model_dump(),
                )
                for one in offers
            ],
            **_trend(row, row["average_price"], numbers).model_dump(),
        )
    )


@routes.get(
    "/insights/pricing/parameters",
    may="costs:read",
    stale=True,
    summary="Show pricing parameters",
    query=PricingParametersQuery,
    answers=PricingParametersView,
    errors=(404,),
)
async def get_pricing_parameters(call: Call[PricingParametersQuery]) -> Reply:
    """Of the store, or of one product, whose own win over the store's."""
    product_id = call.query.product_id
    if product_id is not None:
        await _product(call, product_id)
    row = await call.tx.fetch_one(sql.read_pricing_parameters, product_id=product_id)
    given, effective = (row["parameters"], row["effective"]) if row else ({}, {})
    if row and product_id is not None:
        given, effective = row["own_parameters"] or {}, row["own_effective"] or effective
    return Reply(PricingParametersView(product_id=product_id, parameters=given, effective=effective))


@routes.put(
    "/insights/pricing/parameters",
    may="insights:configure",
    summary="Set pricing parameters",
    body=PricingParametersNew,
    answers=PricingParametersNew,
    errors=(404,),
)
async def set_pricing_parameters(call: Call, body: PricingParametersNew) -> Reply:
    """Holds from the next computation on, within moments; alerts open and close by the new values."""
    if body.product_id is not None:
        await _product(call, body.product_id)
    before = await call.tx.fetch_one(sql.read_pricing_parameters, product_id=body.product_id)
    given = PricingParameters(**body.model_dump(exclude={"product_id"}))
    emit(call.tx, PricingParametersSet(product_id=body.product_id, parameters=given))
    known = "parameters" if body.product_id is None else "own_parameters"
    call.audit(
        "pricing_parameters.set",
        "product" if body.product_id else "tenant",
        body.product_id or call.tenant.id,
        before=before[known] if before else None,
        after=given.model_dump(mode="json", exclude_none=True),
    )
    return Reply(body)


async def _product(call: Call[Any], product_id: UUID) -> Record:
    row = await call.tx.fetch_one(sql.read_priced_product, product_id=product_id)
    if row is None:
        raise NotFoundError("product_not_found", "There is no such product.", "Produto não encontrado.")
    return row


async def _offers(call: Call, product_id: UUID) -> tuple[Record, list[Record], Numbers]:
    product = await _product(call, product_id)
    rows = await call.tx.fetch_all(sql.list_priced_offers, product_id=product_id)
    return product, [row for row in rows if row["price"] is not None], Numbers(call.locale)


def _offer(row: Record, offers: Sequence[Record], unit: str, numbers: Numbers) -> OfferView:
    cheapest = min(offers, key=lambda one: one["price"])
    shown = {**row, "landed_cost": shown_money(row["landed"]), "prices_in_window": row["prices"]}
    shown |= {"mean": shown_money(row["mean"]), "deviation": shown_money(row["deviation"])}
    shown |= {"previous_price": row["previous"], "explanation": explain_offer(row, cheapest, unit, numbers)}
    shown["difference_percent"] = round(dearer(row, cheapest) * 100, 2)
    return OfferView.model_validate(shown)


def _trend(row: Mapping[str, Any], mean: float | Decimal | None, numbers: Numbers) -> TrendFiguresView:
    slope, confidence, direction = row["slope"], row["confidence"], None
    if slope is not None:
        moves = confidence >= TREND_CONFIDENCE and slope != 0
        direction = ("rising" if slope > 0 else "falling") if moves else "steady"
    figures = {
        "slope_per_month": None if slope is None else round(slope, 4),
        "percent_per_month": round(slope / float(mean) * 100, 2) if slope is not None and mean else None,
        "confidence": None if confidence is None else round(confidence, 4),
        "direction": direction,
        "points": row["points"],
    }
    return TrendFiguresView.model_validate({**figures, "explanation": explain_trend(figures, numbers)})


def shown_money(value: float | Decimal | None) -> Decimal | None:
    """Whole cents; what a minimum quantity binds may be more than any amount, and is shown as the largest one."""
    return None if value is None else round_half_up(min(Decimal(str(value)), MAX_MONEY))
