"""What the sales engine advises: what goes with a product or with a whole basket."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from handlers.explanations import Numbers, explain_rule
from runtime.data.queries import sql
from runtime.errors import NotFoundError
from runtime.web.fields import Body, Money, SignedQuantity, View
from runtime.web.routing import Call, Reply, Routes

routes = Routes(tag="insights")

Share = Annotated[float, Field(ge=0, le=1)]


class RuleQuery(BaseModel):
    """How strong a link must be: its share of all orders, and of the orders with the product asked about."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(10, ge=1, le=200)
    min_support: Share = 0.001
    min_confidence: Share = 0.05
    include_unavailable: bool = Field(False, description="Also inactive products and those without stock")


class Basket(Body):
    """The products already chosen."""

    product_ids: Annotated[list[UUID], Field(min_length=1, max_length=200)]


class ComplementView(View):
    """A product that is bought together with `from_product_id`, and how often."""

    product_id: UUID
    sku: str
    name: str
    unit: str
    base_price: Money
    available: SignedQuantity
    from_product_id: UUID
    orders_together: int
    support: float
    confidence: float
    lift: float
    explanation: str


class Complements(View):
    """Strongest first: by confidence times lift."""

    items: list[ComplementView]


@routes.get(
    "/insights/sales/complementary/{product_id}",
    may="insights:read",
    summary="List what is bought together with a product",
    query=RuleQuery,
    answers=Complements,
    errors=(404,),
)
async def list_complementary(call: Call[RuleQuery], product_id: UUID) -> Reply:
    """Support: share of all orders with both. Confidence: share of the orders with this product that hold the
    other. Lift: how many times as often as by chance."""
    if await call.tx.fetch_one(sql.find_product, product_id=product_id) is None:
        raise NotFoundError("product_not_found", "There is no such product.", "Produto não encontrado.")
    return await _complements(call, [product_id])


@routes.post(
    "/insights/sales/basket",
    may="insights:read",
    summary="List what goes with a basket",
    query=RuleQuery,
    body=Basket,
    answers=Complements,
)
async def complete_basket(call: Call[RuleQuery], body: Basket) -> Reply:
    """What is bought together with the products of the basket, each by its strongest link to one of them."""
    return await _complements(call, list(dict.fromkeys(body.product_ids)))


@routes.get(
    "/quotes/{quote_id}/suggestions",
    may="quotes:read",
    summary="List what goes with a quote",
    query=RuleQuery,
    answers=Complements,
    errors=(404,),
)
async def complete_quote(call: Call[RuleQuery], quote_id: UUID) -> Reply:
    """What is bought together with the products of the quote, for a draft that is being written."""
    products = await call.tx.fetch_value(sql.list_quoted_products, id=quote_id)
    if products is None:
        raise NotFoundError
    return await _complements(call, products)


async def _complements(call: Call[RuleQuery], product_ids: Sequence[UUID]) -> Reply:
    query = call.query
    rows = await call.tx.fetch_all(
        sql.list_complementary,
        product_ids=product_ids,
        min_support=query.min_support,
        min_confidence=query.min_confidence,
        include_unavailable=query.include_unavailable,
        limit=query.limit,
    )
    numbers = Numbers(call.locale)
    items: list[dict[str, Any]] = [
        {
            "product_id": row["second_id"],
            "sku": row["sku"],
            "name": row["name"],
            "unit": row["unit"],
            "base_price": str(row["base_price"]),
            "available": f"{row['available']:.3f}",
            "from_product_id": row["first_id"],
            "orders_together": row["together"],
            "support": row["support"],
            "confidence": row["confidence"],
            "lift": row["lift"],
            "explanation": explain_rule(row, numbers),
        }
        for row in rows
    ]
    return Reply({"items": items})
