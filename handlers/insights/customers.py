"""What customers usually buy, and what they are due to buy again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import orjson
from pydantic import Field

from handlers.insights.explanations import Numbers
from handlers.insights.sales import asked_by
from handlers.insights.sales_advice import habits, parameters_for
from handlers.insights.sales_explanations import explain_rebuy
from handlers.insights.sales_models import AdviceQuery, AskedProducts, Habits, RebuyList, RebuyView
from handlers.pages import FIRST_ID
from handlers.suppliers.prices import local_day
from runtime.data.queries import sql
from runtime.errors import NotFoundError
from runtime.web.pagination import Page, page_reply
from runtime.web.routing import Call, Reply, Routes

routes = Routes(tag="insights")


class HabitQuery(AdviceQuery):
    """The lines so far, which are left out: ``product_ids`` once for each product."""

    product_ids: AskedProducts = Field(default=[])


@routes.get(
    "/insights/sales/habits/{customer_id}",
    may="customers:read",
    stale=True,
    summary="List what a customer usually buys",
    query=HabitQuery,
    answers=Habits,
    errors=(404,),
)
async def list_habits(call: Call[HabitQuery], customer_id: UUID) -> Reply:
    """What was in at least two of the last three purchases, or as the store has set, and is not among `product_ids`."""
    if await call.tx.fetch_one(sql.find_customer_name, customer_id=customer_id) is None:
        raise NotFoundError("customer_not_found", "There is no such customer.", "Cliente não encontrado.")
    holds = await parameters_for(call.tx)
    asked = asked_by(call, customer_id)
    items = [] if holds is None else await habits(call.tx, call.query.product_ids, asked, holds)
    return Reply({"items": items})


@routes.get(
    "/insights/sales/rebuys",
    may="customers:read",
    stale=True,
    summary="List purchases that are due",
    query=RebuyList,
    answers=Page[RebuyView],
)
async def list_rebuys(call: Call[RebuyList]) -> Reply:
    """Customers who buy a product at regular intervals and are due, the longest due first. A reminder ends with the
    purchase; after a whole interval without one the customer is taken to have stopped."""
    query, cursor = call.query, call.cursor() or ["1900-01-01", str(FIRST_ID), str(FIRST_ID)]
    today, holds = local_day(call.tx.now, call.tenant.time_zone), await parameters_for(call.tx)
    rows = []
    if holds is not None:
        rows = await call.tx.fetch_all(
            sql.list_rebuys,
            today=today,
            until=today + timedelta(days=query.within_days),
            include_lapsed=query.include_lapsed,
            least_days=holds["rebuy_least_days"],
            variation_percent=float(holds["rebuy_variation_percent"]),
            customer_id=query.customer_id,
            product_id=query.product_id,
            after_day=date.fromisoformat(cursor[0]),
            after_customer=UUID(cursor[1]),
            after_product=UUID(cursor[2]),
            limit=query.limit + 1,
        )
    numbers = Numbers(call.locale)
    bodies = [{**row, "body": _rebuy(row, today, numbers)} for row in rows]
    return page_reply(
        call,
        bodies,
        query.limit,
        lambda row: [row["due_on"].isoformat(), row["customer_id"], row["product_id"]],
    )


def _rebuy(row: Mapping[str, Any], today: date, numbers: Numbers) -> str:
    overdue = max(0, (today - row["due_on"]).days)
    view = {
        "customer_id": row["customer_id"],
        "customer_name": row["customer_name"],
        "product_id": row["product_id"],
        "sku": row["sku"],
        "name": row["name"],
        "unit": row["unit"],
        "purchases": row["days"],
        "interval_days": round(row["mean"], 1),
        "interval_deviation_days": round(row["deviation"], 1),
        "last_bought_on": row["last_on"],
        "due_on": row["due_on"],
        "overdue_days": overdue,
        "usual_quantity": str(row["usual_quantity"]),
        "explanation": explain_rebuy(row, overdue, numbers),
    }
    return orjson.dumps(view, default=str).decode()
