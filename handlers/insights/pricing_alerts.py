"""Price alerts: prices that moved and margins that are too small, and what people answer to them."""

from __future__ import annotations

from uuid import UUID

import orjson

from handlers.insights.explanations import Numbers
from handlers.insights.pricing import shown_money
from handlers.insights.pricing_explanations import explain_price_alert
from handlers.insights.pricing_models import (
    PricingAlertAnswer,
    PricingAlertAnswerView,
    PricingAlertList,
    PricingAlertView,
)
from handlers.pages import FIRST_ID
from handlers.suppliers.prices import local_day
from runtime.data.ids import NIL
from runtime.data.queries import sql
from runtime.data.transactions import Record
from runtime.errors import ConflictError, NotFoundError
from runtime.events.catalogue import PricingAlertAnswered
from runtime.events.log import emit
from runtime.web.pagination import Page, page_reply
from runtime.web.routing import Call, Reply, Routes

routes = Routes(tag="insights")


@routes.get(
    "/insights/pricing/alerts",
    may="costs:read",
    stale=True,
    summary="List price alerts",
    query=PricingAlertList,
    answers=Page[PricingAlertView],
)
async def list_price_alerts(call: Call[PricingAlertList]) -> Reply:
    """The most urgent first: prices that moved by the store's threshold, and margins below its floor. Answered
    ones are left out until their answer ends."""
    query, cursor = call.query, call.cursor() or ["-1", str(FIRST_ID), "", str(FIRST_ID)]
    rows = await call.tx.fetch_all(
        sql.list_pricing_alerts,
        status=query.status,
        kind=query.kind,
        risk=query.risk,
        product_id=query.product_id,
        answered=query.include_answered,
        today=local_day(call.tx.now, call.tenant.time_zone),
        after_rank=int(cursor[0]),
        after_product=UUID(cursor[1]),
        after_about=cursor[2],
        after_supplier=UUID(cursor[3]),
        limit=query.limit + 1,
    )
    numbers = Numbers(call.locale)
    bodies = [{**row, "body": _alert(row, numbers)} for row in rows]
    return page_reply(
        call,
        bodies,
        query.limit,
        lambda row: [row["rank"], row["product_id"], row["about"], row["supplier_id"]],
    )


@routes.post(
    "/insights/pricing/alerts/{product_id}/answer",
    may="insights:configure",
    summary="Answer a price alert",
    body=PricingAlertAnswer,
    answers=PricingAlertAnswerView,
    errors=(404, 409),
)
async def answer_price_alert(call: Call, product_id: UUID, body: PricingAlertAnswer) -> Reply:
    """The alert leaves the list of open ones; it comes back when it opens anew, turns round or becomes urgent, and a
    snoozed one on its day."""
    if await call.tx.fetch_one(sql.find_product, product_id=product_id) is None:
        raise NotFoundError("product_not_found", "There is no such product.", "Produto não encontrado.")
    body.check_until(local_day(call.tx.now, call.tenant.time_zone))
    said = PricingAlertAnswered(
        product_id=product_id,
        about="margin" if body.kind == "margin" else "variation",
        supplier_id=body.supplier_id,
        answer=body.answer,
        reason=body.reason,
        until=body.until,
    )
    kind = await call.tx.fetch_value(
        sql.find_open_pricing_alert,
        product_id=product_id,
        about=said.about,
        supplier_id=body.supplier_id or NIL,
    )
    if kind != body.kind:
        raise ConflictError("alert_closed", "There is no such open alert.", "Não há esse alerta em aberto.")
    emit(call.tx, said)
    answered = body.model_dump(mode="json", exclude_none=True)
    call.audit("price_alert.answered", "product", product_id, after=answered)
    return Reply(PricingAlertAnswerView(product_id=product_id, **body.model_dump()))


def _alert(row: Record, numbers: Numbers) -> str:
    shown = {**row, "value": shown_money(row["value"]), "percent": round(row["share"] * 100, 2)}
    shown["supplier_id"] = None if row["supplier_id"] == NIL else row["supplier_id"]
    view = PricingAlertView.model_validate({**shown, "explanation": explain_price_alert(row, numbers)})
    return orjson.dumps(view.model_dump(mode="json")).decode()
