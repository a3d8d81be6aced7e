"""What the delivery engine knows: how reliably goods arrive, and what bringing them costs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from handlers.insights.explanations import Numbers
from handlers.lines import round_half_up
from handlers.pages import Day
from handlers.suppliers.prices import local_day
from runtime.data.queries import sql
from runtime.data.transactions import Record
from runtime.web.fields import Money, View
from runtime.web.routing import Call, Reply, Routes

routes = Routes(tag="insights")

MAX_DAYS = 366
_USUAL_DAYS = 30


class PeriodQuery(BaseModel):
    """The days to look at, both included; the last 30 unless asked otherwise."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    first_day: Day | None = None
    last_day: Day | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.first_day is not None and self.last_day is not None:
            length = (self.last_day - self.first_day).days
            if not 0 <= length < MAX_DAYS:
                raise ValueError(
                    f"From the first to the last day there are 1 to {MAX_DAYS} days.|"
                    f"Do primeiro ao último dia há de 1 a {MAX_DAYS} dias."
                )
        return self


class ReliabilityView(View):
    """Shares are fractions, and null when there is nothing to take a share of."""

    delivered: int
    delivered_with_issue: int
    failed: int
    success_rate: float | None = Field(description="Delivered without an issue, of all that ended")
    promised: int = Field(description="Delivered ones that had a window or a day")
    on_time: int
    on_time_rate: float | None


class DayReliabilityView(ReliabilityView):
    """The same for one day."""

    day: date


class OccurrencesView(View):
    """How often something was reported."""

    kind: str
    occurrences: int


class PerformanceView(ReliabilityView):
    """How reliably goods arrived in the period."""

    first_day: date
    last_day: date
    orders_delivered: int
    orders_cancelled: int = Field(description="Cancelled while they were out")
    mean_hours_to_deliver: float | None = Field(description="From dispatching an order to its delivery")
    occurrences: list[OccurrencesView]
    days: list[DayReliabilityView]
    explanation: str


class CostFiguresView(View):
    """What the routes that came back have cost; distances in km."""

    routes: int
    deliveries: int
    planned_km: float
    driven_km: float
    hours: float
    planned_cost: Money
    cost: Money
    cost_per_delivery: Money | None


class DayCostView(CostFiguresView):
    """The same for one day."""

    day: date


class CostsView(CostFiguresView):
    """What bringing goods has cost in the period."""

    first_day: date
    last_day: date
    distance_deviation: float | None = Field(description="Driven against planned: 0.1 is 10 % farther")
    days: list[DayCostView]
    explanation: str


@routes.get(
    "/insights/delivery/performance",
    may="insights:read",
    stale=True,
    summary="How reliably goods arrive",
    query=PeriodQuery,
    answers=PerformanceView,
)
async def get_delivery_performance(call: Call[PeriodQuery]) -> Reply:
    """On time: before the end of the window that was agreed on, else on the day. Occurrences by kind."""
    first_day, last_day = _period(call)
    days = await call.tx.fetch_all(sql.list_delivery_days, first_day=first_day, last_day=last_day)
    told = await call.tx.fetch_all(sql.list_occurrence_counts, first_day=first_day, last_day=last_day)
    total = _reliability(days)
    orders, hours = _sum(days, "orders_delivered"), _sum(days, "order_seconds") / 3600
    return Reply(
        PerformanceView(
            **total.model_dump(),
            first_day=first_day,
            last_day=last_day,
            orders_delivered=orders,
            orders_cancelled=_sum(days, "orders_cancelled"),
            mean_hours_to_deliver=round(hours / orders, 2) if orders else None,
            occurrences=[OccurrencesView(kind=row["kind"], occurrences=row["occurrences"]) for row in told],
            days=[
                DayReliabilityView(day=row["day"], **_reliability([row]).model_dump())
                for row in days
                if row["delivered"] or row["failed"]
            ],
            explanation=_explain_reliability(total, Numbers(call.locale)),
        )
    )


@routes.get(
    "/insights/delivery/costs",
    may="insights:read",
    stale=True,
    summary="What bringing goods costs",
    query=PeriodQuery,
    answers=CostsView,
)
async def get_delivery_costs(call: Call[PeriodQuery]) -> Reply:
    """Of the routes that came back in the period: distance and time at the store's rates of that time. A distance that
    nobody read from the odometer counts as planned."""
    first_day, last_day = _period(call)
    days = await call.tx.fetch_all(sql.list_delivery_days, first_day=first_day, last_day=last_day)
    total = _costs(days)
    planned, driven = _sum(days, "planned_distance_m"), _sum(days, "driven_distance_m")
    return Reply(
        CostsView(
            **total.model_dump(),
            first_day=first_day,
            last_day=last_day,
            distance_deviation=round(driven / planned - 1, 4) if planned else None,
            days=[DayCostView(day=row["day"], **_costs([row]).model_dump()) for row in days if row["routes"]],
            explanation=_explain_costs(total, Numbers(call.locale)),
        )
    )


def _period(call: Call[PeriodQuery]) -> tuple[date, date]:
    first_day, last_day = call.query.first_day, call.query.last_day
    if last_day is None:
        today = local_day(call.tx.now, call.tenant.time_zone)
        last_day = today if first_day is None else first_day + timedelta(days=_USUAL_DAYS - 1)
    return first_day or last_day - timedelta(days=_USUAL_DAYS - 1), last_day


def _sum(days: Sequence[Record], name: str) -> int:
    return int(sum(row[name] for row in days))


def _reliability(days: Sequence[Record]) -> ReliabilityView:
    delivered, failed, issues = (_sum(days, name) for name in ("delivered", "failed", "with_issue"))
    promised, on_time, ended = _sum(days, "promised"), _sum(days, "on_time"), delivered + failed
    return ReliabilityView(
        delivered=delivered,
        delivered_with_issue=issues,
        failed=failed,
        success_rate=round((delivered - issues) / ended, 4) if ended else None,
        promised=promised,
        on_time=on_time,
        on_time_rate=round(on_time / promised, 4) if promised else None,
    )


def _costs(days: Sequence[Record]) -> CostFiguresView:
    cost, deliveries = sum((row["cost"] for row in days), Decimal(0)), _sum(days, "route_deliveries")
    return CostFiguresView(
        routes=_sum(days, "routes"),
        deliveries=deliveries,
        planned_km=_sum(days, "planned_distance_m") / 1000,
        driven_km=_sum(days, "driven_distance_m") / 1000,
        hours=round(_sum(days, "duration_s") / 3600, 2),
        planned_cost=sum((row["planned_cost"] for row in days), Decimal(0)),
        cost=cost,
        cost_per_delivery=round_half_up(cost / deliveries) if deliveries else None,
    )


def _explain_reliability(total: ReliabilityView, numbers: Numbers) -> str:
    if total.success_rate is None:
        return (
            "Nenhuma entrega foi concluída no período."
            if numbers.portuguese
            else "No delivery ended in this period."
        )
    ended = total.delivered + total.failed
    good, kept = numbers.percent(total.success_rate), ""
    if numbers.portuguese:
        if total.on_time_rate is not None:
            kept = f"; {numbers.percent(total.on_time_rate)} das prometidas chegaram no prazo"
        return f"De {numbers.counted(ended, 'entrega', 'entregas')}, {good} sem ocorrência{kept}."
    if total.on_time_rate is not None:
        kept = f"; {numbers.percent(total.on_time_rate)} of the promised ones were on time"
    return f"Of {numbers.counted(ended, 'delivery', 'deliveries')}, {good} without an issue{kept}."


def _explain_costs(total: CostFiguresView, numbers: Numbers) -> str:
    if total.cost_per_delivery is None:
        return (
            "Nenhuma rota foi concluída no período."
            if numbers.portuguese
            else "No route came back in this period."
        )
    each, km = numbers.money(total.cost_per_delivery), numbers.number(total.driven_km)
    if numbers.portuguese:
        return f"Cada entrega custou em média {each}: {km} km em {numbers.counted(total.routes, 'rota', 'rotas')}."
    return (
        f"A delivery cost {each} on average: {km} km on {numbers.counted(total.routes, 'route', 'routes')}."
    )
