"""What people answer to sales advice, and the parameters that it is made by."""

from __future__ import annotations

from typing import Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue, model_validator

from handlers.insights.answers import AdviceAnswer
from handlers.insights.sales import require_product
from handlers.insights.sales_models import (
    AdviceKind,
    SalesAnswersSum,
    SalesAnswerView,
    SalesParametersNew,
    SalesParametersQuery,
    SalesParametersView,
)
from handlers.suppliers.prices import local_day
from runtime.data.queries import sql
from runtime.errors import NotFoundError
from runtime.events.catalogue import SalesAdviceAnswered, SalesParameters, SalesParametersSet
from runtime.events.log import emit
from runtime.web.fields import Quantity
from runtime.web.routing import Call, Reply, Routes

routes = Routes(tag="insights")


_EXAMPLE: dict[str, JsonValue] = {
    "kind": "complement",
    "product_id": "0192f0c1-7b1e-7c3a-9d52-3f6a1c2b4d5e",
    "from_product_id": "0192f0c1-7b1e-7c3a-9d52-3f6a1c2b4d5f",
    "answer": "dismissed",
    "reason": "not_fitting",
}


class SalesAnswer(AdviceAnswer):
    """An answer to advice for one customer, or for the whole store. `changed`: followed with another quantity, or with
    another product instead."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    kind: AdviceKind
    answer: Literal["accepted", "changed", "dismissed", "snoozed"]  # type: ignore[assignment]
    product_id: UUID | None = Field(None, description="What was advised; of a bundle its `bundle_id` says it")
    bundle_id: UUID | None = None
    from_product_id: UUID | None = Field(
        None, description="Of a complement or substitute: what it was advised for"
    )
    customer_id: UUID | None = Field(None, description="A habit or a purchase that is due has one")
    quantity: Quantity | None = None
    instead_product_id: UUID | None = None

    @model_validator(mode="after")
    def _names_its_things(self) -> Self:
        if (self.kind == "bundle") != (self.bundle_id is not None) or (self.kind == "bundle") == (
            self.product_id is not None
        ):
            raise ValueError(
                "Advice is about a product, and that on a bundle about a bundle."
                "|O conselho trata de um produto, e o de um conjunto, de um conjunto."
            )
        if (self.kind in ("complement", "substitute")) != (self.from_product_id is not None):
            raise ValueError(
                "A complement or substitute, and nothing else, was advised for a product."
                "|Um complemento ou substituto, e só ele, foi aconselhado para um produto."
            )
        if self.kind in ("habit", "rebuy") and self.customer_id is None:
            raise ValueError(
                "A habit and a purchase that is due are a customer's.|Hábito e recompra são de um cliente."
            )
        return self


@routes.post(
    "/insights/sales/answers",
    may="insights:answer",
    summary="Answer sales advice",
    body=SalesAnswer,
    answers=SalesAnswerView,
    errors=(404,),
)
async def answer_sales_advice(call: Call, body: SalesAnswer) -> Reply:
    """Dismissed advice rests for the days the store has set (90), snoozed advice until its day, a purchase that is due
    and was acted upon for a week. Every answer is counted."""
    body.check_until(local_day(call.tx.now, call.tenant.time_zone))
    for product_id in (body.product_id, body.from_product_id, body.instead_product_id):
        if product_id is not None:
            await require_product(call, product_id)
    if body.customer_id is not None and not await call.tx.fetch_value(
        sql.find_customer_name, customer_id=body.customer_id
    ):
        raise NotFoundError("customer_not_found", "There is no such customer.", "Cliente não encontrado.")
    if body.bundle_id is not None and not await call.tx.fetch_value(
        sql.find_bundle, bundle_id=body.bundle_id
    ):
        raise NotFoundError("bundle_not_found", "There is no such bundle.", "Conjunto não encontrado.")
    subject_id = body.product_id or body.bundle_id
    assert subject_id is not None
    said = SalesAdviceAnswered(
        kind=body.kind,
        subject_id=subject_id,
        from_id=body.from_product_id,
        customer_id=body.customer_id,
        answer=body.answer,
        reason=body.reason,
        until=body.until,
        quantity=body.quantity,
        instead_id=body.instead_product_id,
    )
    emit(call.tx, said)
    thing = "bundle" if body.kind == "bundle" else "product"
    call.audit(
        "sales_advice.answered", thing, subject_id, after=said.model_dump(mode="json", exclude_none=True)
    )
    return Reply(SalesAnswerView(kind=body.kind, answer=body.answer, reason=body.reason, until=body.until))


@routes.get(
    "/insights/sales/answers",
    may="insights:read",
    stale=True,
    summary="Count the answers to sales advice",
    answers=SalesAnswersSum,
)
async def count_sales_answers(call: Call) -> Reply:
    """By kind of advice: how much of it is followed."""
    rows = await call.tx.fetch_all(sql.sum_sales_answers)
    return Reply({"items": [dict(row) for row in rows]})


@routes.get(
    "/insights/sales/parameters",
    may="insights:read",
    stale=True,
    summary="Show sales parameters",
    query=SalesParametersQuery,
    answers=SalesParametersView,
    errors=(404,),
)
async def get_sales_parameters(call: Call[SalesParametersQuery]) -> Reply:
    """Of the store, or of one product, whose own win over the store's."""
    product_id = call.query.product_id
    if product_id is not None:
        await require_product(call, product_id)
    row = await call.tx.fetch_one(sql.read_sales_parameters, product_id=product_id)
    given, effective = (row["parameters"], row["effective"]) if row else ({}, {})
    if row and product_id is not None:
        given, effective = row["own_parameters"] or {}, row["own_effective"]
    return Reply(SalesParametersView(product_id=product_id, parameters=given, effective=effective))


@routes.put(
    "/insights/sales/parameters",
    may="insights:configure",
    summary="Set sales parameters",
    body=SalesParametersNew,
    answers=SalesParametersNew,
    errors=(404,),
)
async def set_sales_parameters(call: Call, body: SalesParametersNew) -> Reply:
    """They hold within moments; bundles follow when they are mined the next time."""
    if body.product_id is not None:
        await require_product(call, body.product_id)
    before = await call.tx.fetch_one(sql.read_sales_parameters, product_id=body.product_id)
    given = SalesParameters(**body.model_dump(exclude={"product_id"}))
    emit(call.tx, SalesParametersSet(product_id=body.product_id, parameters=given))
    known = "parameters" if body.product_id is None else "own_parameters"
    call.audit(
        "sales_parameters.set",
        "product" if body.product_id else "tenant",
        body.product_id or call.tenant.id,
        before=before[known] if before else None,
        after=given.model_dump(mode="json", exclude_none=True),
    )
    return Reply(body)
