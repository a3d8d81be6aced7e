"""What the stock engine advises: alerts, what to buy, ABC classes, and the parameters behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from handlers.insights.explanations import Numbers, explain_alert, explain_class, explain_suggestion
from handlers.insights.forecast import forecast_of, require_product
from handlers.insights.models import (
    AbcView,
    AlertList,
    AlertView,
    ParametersList,
    ParametersNew,
    ParametersPage,
    SuggestionView,
)
from handlers.pages import FIRST_ID
from handlers.permissions import sees_costs
from handlers.units import ProductUnits
from runtime.data.queries import sql
from runtime.events.catalogue import (
    ReplenishmentParameters,
    ReplenishmentParametersSet,
)
from runtime.events.log import emit
from runtime.web.pagination import ListQuery, Page, page_reply
from runtime.web.routing import Call, Reply, Routes

routes = Routes(tag="insights")


@routes.get(
    "/insights/stock/alerts",
    may="insights:read",
    stale=True,
    summary="List stock alerts",
    query=AlertList,
    answers=Page[AlertView],
)
async def list_alerts(call: Call[AlertList]) -> Reply:
    """Most urgent first: by risk, then by the days the stock lasts."""
    query, cursor = call.query, call.cursor() or ["-1", "0", str(FIRST_ID)]
    rows = await call.tx.fetch_all(
        sql.list_stock_alerts,
        status=query.status,
        kind=query.kind,
        risk=query.risk,
        after_rank=int(cursor[0]),
        after_urgency=float(cursor[1]),
        after_id=UUID(cursor[2]),
        limit=query.limit + 1,
    )
    numbers = Numbers(call.locale)
    hidden = _hidden(call)

    def show(row: Mapping[str, Any]) -> dict[str, Any]:
        row = {**row, **hidden}
        return {
            **_figures(row),
            "closed_at": row["closed_at"],
            "capital": _capital(row),
            "forecast": forecast_of(row, numbers),
            "explanation": explain_alert(row, numbers),
        }

    return _page(call, rows, show, lambda row: [row["rank"], row["urgency"], row["product_id"]])


@routes.get(
    "/insights/stock/suggestions",
    may="insights:read",
    stale=True,
    summary="List what to buy",
    query=ListQuery,
    answers=Page[SuggestionView],
)
async def list_suggestions(call: Call[ListQuery]) -> Reply:
    """By priority, then by the days the stock lasts. Dismissed ones stay away until the next review."""
    cursor = call.cursor() or ["0", "0", str(FIRST_ID)]
    rows = await call.tx.fetch_all(
        sql.list_stock_suggestions,
        after_priority=int(cursor[0]),
        after_urgency=float(cursor[1]),
        after_id=UUID(cursor[2]),
        limit=call.query.limit + 1,
    )
    numbers = Numbers(call.locale)
    hidden = _hidden(call)

    def show(row: Mapping[str, Any]) -> dict[str, Any]:
        row = {**row, **hidden}
        quantity, cost = row["suggested_quantity"], row["cost"]
        return {
            **_figures(row),
            "suggested_quantity": _quantity(quantity),
            "in_packs": _in_packs(row),
            "estimated_cost": None if cost is None else f"{float(cost) * quantity:.2f}",
            "abc_class": row["abc_class"],
            "priority": row["priority"],
            "forecast": forecast_of(row, numbers),
            "explanation": f"{explain_suggestion(row, numbers)} {forecast_of(row, numbers)['explanation']}",
        }

    return _page(call, rows, show, lambda row: [row["priority"], row["urgency"], row["product_id"]])


@routes.get(
    "/insights/stock/abc",
    may="insights:read",
    stale=True,
    summary="List ABC and XYZ classes",
    query=ListQuery,
    answers=Page[AbcView],
)
async def list_abc(call: Call[ListQuery]) -> Reply:
    """By revenue in the window. A: the first 80 % of the revenue, B: up to 95 %, C: the rest."""
    cursor = call.cursor() or ["-inf", str(FIRST_ID)]
    rows = await call.tx.fetch_all(
        sql.list_abc_classes,
        after_revenue=float(cursor[0]),
        after_id=UUID(cursor[1]),
        limit=call.query.limit + 1,
    )
    numbers = Numbers(call.locale)

    def show(row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "product_id": row["product_id"],
            "sku": row["sku"],
            "name": row["name"],
            "abc_class": row["abc_class"],
            "xyz_class": row["xyz_class"],
            "revenue": f"{row['window_revenue']:.2f}",
            "quantity": _quantity(row["window_quantity"]),
            "share": round(row["share"], 6),
            "cumulative_share": round(row["cumulative_share"], 6),
            "explanation": explain_class(row, numbers),
        }

    return _page(call, rows, show, lambda row: [-row["window_revenue"], row["product_id"]])


@routes.get(
    "/insights/stock/parameters",
    may="insights:read",
    stale=True,
    summary="Show replenishment parameters",
    query=ParametersList,
    answers=ParametersPage,
)
async def list_parameters(call: Call[ParametersList]) -> Reply:
    """`parameters` are those that were set, `effective` those that hold with the defaults of what was not."""
    query, cursor = call.query, call.cursor()
    store = await call.tx.fetch_one(sql.read_store_parameters)
    rows = await call.tx.fetch_all(
        sql.list_product_parameters,
        product_id=query.product_id,
        after_id=UUID(cursor[0]) if cursor else FIRST_ID,
        limit=query.limit + 1,
    )
    shown = rows[: query.limit]
    return Reply(
        {
            "parameters": store["parameters"] if store else {},
            "effective": store["effective"] if store else {},
            "items": [dict(row) for row in shown],
            "next_cursor": call.sign_cursor([shown[-1]["product_id"]]) if len(rows) > query.limit else None,
        }
    )


@routes.put(
    "/insights/stock/parameters",
    may="insights:configure",
    summary="Set replenishment parameters",
    body=ParametersNew,
    answers=ParametersNew,
    errors=(404,),
)
async def set_parameters(call: Call, body: ParametersNew) -> Reply:
    """Holds from the next computation on, within moments; past advice is not changed."""
    if body.product_id is not None:
        await require_product(call, body.product_id)
    before = await call.tx.fetch_one(sql.read_store_parameters) if body.product_id is None else None
    given = ReplenishmentParameters(**body.model_dump(exclude={"product_id"}))
    emit(call.tx, ReplenishmentParametersSet(product_id=body.product_id, parameters=given))
    call.audit(
        "replenishment_parameters.set",
        "product" if body.product_id else "tenant",
        body.product_id or call.tenant.id,
        before=before["parameters"] if before else None,
        after=given.model_dump(mode="json", exclude_none=True),
    )
    return Reply(body)


def _hidden(call: Call[Any]) -> dict[str, None]:
    """What takes the place of a row's cost for those who may not see it: as if it were not known."""
    return {} if sees_costs(call.identity.permissions) else {"cost": None}


def _figures(row: Mapping[str, Any]) -> dict[str, Any]:
    days_left, recent = row["days_left"], row["recent_mean"]
    return {
        "product_id": row["product_id"],
        "sku": row["sku"],
        "name": row["name"],
        "unit": row["unit"],
        "on_hand": str(row["on_hand"]),
        "available": str(row["available"]),
        "on_order": str(row["on_order"]),
        "mean_daily_demand": _quantity(row["mean"]),
        "demand_deviation": _quantity(row["deviation"]),
        "recent_daily_demand": None if recent is None else _quantity(recent),
        "reorder_point": _quantity(row["reorder_point"]),
        "maximum": _quantity(row["maximum"]),
        "days_until_stock_out": None if days_left is None else round(days_left, 1),
        "kind": row["kind"],
        "risk": row["risk"],
        "status": row["status"],
        "opened_at": row["opened_at"],
    }


def _capital(row: Mapping[str, Any]) -> str | None:
    if row["cost"] is None or row["kind"] == "stock_out":
        return None
    quantity = float(row["on_hand"])
    if row["kind"] == "excess":
        quantity = float(row["available"]) - row["maximum"]
    return f"{float(row['cost']) * quantity:.2f}"


def _quantity(value: float) -> str:
    return f"{value:.3f}"


def _in_packs(row: Mapping[str, Any]) -> dict[str, str] | None:
    pack = row["purchase_pack"]
    if pack is None:
        return None
    wanted = Decimal(_quantity(row["suggested_quantity"]))
    whole = ProductUnits(row["unit"], row["unit_conversions"]).in_packs(wanted, pack)
    return (
        None if whole is None else {"unit": pack, "packs": f"{whole[1]:.3f}", "quantity": f"{whole[0]:.3f}"}
    )


def _page(
    call: Call[Any],
    rows: Sequence[Any],
    show: Callable[[Mapping[str, Any]], dict[str, Any]],
    key: Callable[[Any], Sequence[object]],
) -> Reply:
    limit: int = call.query.limit
    bodies = [{**row, "body": orjson.dumps(show(row), default=str).decode()} for row in rows]
    return page_reply(call, bodies, limit, key)
