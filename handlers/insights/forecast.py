"""What the stock engine expects to be asked for, by which method, and how far off that has been."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from handlers.insights.explanations import Numbers
from runtime.data.queries import sql
from runtime.errors import NotFoundError
from runtime.web.fields import QuantityOrZero, View
from runtime.web.routing import Call, Reply, Routes

routes = Routes(tag="insights")

Method = Literal["mean", "recent", "croston", "tsb", "seasonal"]
# The normal quantile of 0.9: four weeks in five lie within so many standard errors.
_EIGHTY_PERCENT = 1.2816


class ForecastView(View):
    """The demand expected until an order placed now arrives; four times in five it lies between `low` and `high`."""

    method: Method = Field(description="The one whose forecasts of past weeks erred least")
    pattern: Literal["smooth", "erratic", "intermittent", "lumpy"] | None
    xyz_class: Literal["X", "Y", "Z"] | None
    lead_time_days: float
    expected: QuantityOrZero
    low: QuantityOrZero | None
    high: QuantityOrZero | None
    wape: float | None = Field(description="Absolute error of past weeks as a share of their demand")
    mase: float | None = Field(
        description="Absolute error against that of repeating the week before; below 1 is better than that"
    )
    explanation: str


class ProductForecastView(ForecastView):
    """The forecast of one product."""

    product_id: UUID
    sku: str
    name: str
    unit: str


@routes.get(
    "/insights/stock/forecasts/{product_id}",
    may="insights:read",
    stale=True,
    summary="Show the forecast of a product",
    answers=ProductForecastView,
    errors=(404,),
)
async def show_forecast(call: Call, product_id: UUID) -> Reply:
    """404 with `no_forecast` for a product that has never been sold."""
    row = await call.tx.fetch_one(sql.read_stock_forecast, product_id=product_id)
    if row is None:
        await require_product(call, product_id)
        raise NotFoundError(
            "no_forecast", "The product has not been sold yet.", "O produto ainda não foi vendido."
        )
    known = {name: row[name] for name in ("product_id", "sku", "name", "unit")}
    return Reply({**known, **forecast_of(row, Numbers(call.locale))})


async def require_product(call: Call, product_id: UUID) -> None:
    """404 for a product that the store does not have."""
    if await call.tx.fetch_one(sql.find_product, product_id=product_id) is None:
        raise NotFoundError("product_not_found", "There is no such product.", "Produto não encontrado.")


def forecast_of(row: Mapping[str, Any], numbers: Numbers) -> dict[str, Any]:
    """A ``ForecastView`` as JSON, from a row of the stock engine."""
    days, error = row["lead_time_days"] or 0.0, row["week_error"]
    expected = row["mean"] * row["lift"] * days
    low = high = None
    if error is not None:
        around = _EIGHTY_PERCENT * error * math.sqrt(days / 7.0)
        low, high = max(0.0, expected - around), expected + around
    shown = {
        "method": row["method"],
        "pattern": row["pattern"],
        "xyz_class": row["xyz_class"],
        "lead_time_days": round(days, 2),
        "expected": f"{expected:.3f}",
        "low": None if low is None else f"{low:.3f}",
        "high": None if high is None else f"{high:.3f}",
        "wape": None if row["wape"] is None else round(row["wape"], 4),
        "mase": None if row["mase"] is None else round(row["mase"], 4),
    }
    return {**shown, "explanation": _explain(row, (expected, low, high), numbers)}


def _explain(
    row: Mapping[str, Any], demand: tuple[float, float | None, float | None], numbers: Numbers
) -> str:
    expected, low, high = demand
    unit, days = row["unit"], numbers.days(row["lead_time_days"] or 0.0)
    method = _method(row, numbers)
    shown = f"{numbers.number(expected)} {unit}"
    if numbers.portuguese:
        said = f"Demanda esperada em {days}: {shown}, por {method}"
    else:
        said = f"Demand expected in {days}: {shown}, by {method}"
    if low is None or high is None or row["wape"] is None:
        few = "ainda sem semanas suficientes para medir o erro" if numbers.portuguese else (
            "too few weeks yet to tell the error"
        )  # fmt: skip
        return f"{said}; {few}."
    between = f"{numbers.number(low)} {'a' if numbers.portuguese else 'to'} {numbers.number(high)} {unit}"
    wape = numbers.percent(row["wape"])
    if numbers.portuguese:
        return f"{said}; em 4 de cada 5 vezes, de {between}. Erro médio das semanas passadas: {wape}."
    return f"{said}; 4 times in 5 it is {between}. Mean error of past weeks: {wape}."


def _method(row: Mapping[str, Any], numbers: Numbers) -> str:
    window = row["window_days"]
    if numbers.portuguese:
        return {
            "mean": f"média dos últimos {window} dias",
            "recent": "média exponencial, em que os últimos dias pesam mais",
            "croston": "método de Croston com a correção de Syntetos e Boylan, para demanda intermitente",
            "tsb": "método TSB, para demanda que pode estar acabando",
            "seasonal": "sazonalidade do ano",
        }[row["method"]]
    return {
        "mean": f"the mean of the last {window} days",
        "recent": "the exponential mean, in which the latest days weigh most",
        "croston": "Croston's method with the correction of Syntetos and Boylan, for intermittent demand",
        "tsb": "the TSB method, for demand that may be ending",
        "seasonal": "the season of the year",
    }[row["method"]]
