"""What the sales engine advises: what goes with a product or a basket, what can stand in, and what makes a bundle."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from handlers.insights.sales_advice import Asked, advise, bundles, complements, parameters_for, substitutes
from handlers.insights.sales_models import (
    AdviceQuery,
    Basket,
    BasketAdvice,
    BasketQuery,
    BundleQuery,
    Bundles,
    Complements,
    RuleQuery,
    Substitutes,
)
from handlers.suppliers.prices import local_day
from runtime.data.queries import sql
from runtime.errors import NotFoundError
from runtime.web.routing import Call, Reply, Routes

routes = Routes(tag="insights")


@routes.get(
    "/insights/sales/complementary/{product_id}",
    may="insights:read",
    stale=True,
    summary="List what is bought together with a product",
    query=RuleQuery,
    answers=Complements,
    errors=(404,),
)
async def list_complementary(call: Call[RuleQuery], product_id: UUID) -> Reply:
    """Support: share of all orders with both. Confidence: share of the orders with this product that hold the
    other. Lift: how many times as often as by chance."""
    await require_product(call, product_id)
    holds = await parameters_for(call.tx, product_id)
    items = [] if holds is None else await complements(call.tx, [product_id], asked_by(call), holds)
    return Reply({"items": items})


@routes.get(
    "/insights/sales/substitutes/{product_id}",
    may="insights:read",
    stale=True,
    summary="List what can stand in for a product",
    query=AdviceQuery,
    answers=Substitutes,
    errors=(404,),
)
async def list_substitutes(call: Call[AdviceQuery], product_id: UUID) -> Reply:
    """In stock, of the same category and unit, at a price within the store's band. What most of the product's customers
    have bought too comes first, then what is seldom sold together with it."""
    await require_product(call, product_id)
    holds = await parameters_for(call.tx, product_id)
    items = [] if holds is None else await substitutes(call.tx, [product_id], asked_by(call), holds)
    return Reply({"items": items})


@routes.get(
    "/insights/sales/bundles",
    may="insights:read",
    stale=True,
    summary="List bundles of products",
    query=BundleQuery,
    answers=Bundles,
)
async def list_bundles(call: Call[BundleQuery]) -> Reply:
    """Three to five products often bought together, all of them in stock, mined now and then from the latest sales."""
    chosen = [] if call.query.product_id is None else [call.query.product_id]
    return Reply({"items": await bundles(call.tx, chosen, len(chosen), asked_by(call))})


@routes.post(
    "/insights/sales/basket",
    may="insights:read",
    summary="Advise on a basket",
    query=RuleQuery,
    body=Basket,
    answers=BasketAdvice,
)
async def complete_basket(call: Call[RuleQuery], body: Basket) -> Reply:
    """For the lines so far, while they are being typed: what is bought together with them, what would complete a
    bundle, what this customer usually buys, and what there is instead of products without stock."""
    return Reply(await advise(call.tx, body.product_ids, asked_by(call, body.customer_id)))


@routes.get(
    "/insights/sales/basket",
    may="insights:read",
    stale=True,
    summary="Advise on a basket given as a query",
    query=BasketQuery,
    answers=BasketAdvice,
)
async def complete_basket_given(call: Call[BasketQuery]) -> Reply:
    """The same; ``product_ids`` is repeated for each product."""
    query = call.query
    return Reply(await advise(call.tx, query.product_ids, asked_by(call, query.customer_id)))


@routes.get(
    "/quotes/{quote_id}/suggestions",
    may="quotes:read",
    stale=True,
    summary="Advise on a quote",
    query=RuleQuery,
    answers=BasketAdvice,
    errors=(404,),
)
async def complete_quote(call: Call[RuleQuery], quote_id: UUID) -> Reply:
    """The same for the lines of a quote and its customer, for a draft that is being written."""
    row = await call.tx.fetch_one(sql.find_quoted, id=quote_id)
    if row is None:
        raise NotFoundError
    return Reply(await advise(call.tx, row["product_ids"], asked_by(call, row["customer_id"])))


def asked_by(call: Call[Any], customer_id: UUID | None = None) -> Asked:
    """What the caller wants; habits of customers are for those alone who may read customers."""
    query = call.query
    return Asked(
        locale=call.locale,
        today=local_day(call.tx.now, call.tenant.time_zone),
        limit=query.limit,
        include_unavailable=query.include_unavailable,
        customer_id=customer_id if "customers:read" in call.identity.permissions else None,
        links={
            "min_support": getattr(query, "min_support", None),
            "min_confidence": getattr(query, "min_confidence", None),
        },
    )


async def require_product(call: Call[Any], product_id: UUID) -> None:
    """404 when the store has no such product."""
    if await call.tx.fetch_one(sql.find_product, product_id=product_id) is None:
        raise NotFoundError("product_not_found", "There is no such product.", "Produto não encontrado.")
