"""The store at a glance."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from handlers.events import CONSUMERS
from runtime.data.queries import sql
from runtime.errors import NotFoundError
from runtime.web.call import Call, Reply
from runtime.web.fields import Money, SignedMoney, View
from runtime.web.routing import Routes

routes = Routes(tag="dashboard")

ENGINES = [name for name in CONSUMERS if name != "relay"]


class DashboardView(View):
    """Figures of the store's present day, week and month; a rate or a time is null while there is nothing to divide."""

    date: date
    quotes_today: int
    orders_today: int
    revenue_week: SignedMoney = Field(
        description="Totals of orders delivered since Monday, less what has come back since then"
    )
    revenue_month: SignedMoney = Field(
        description="Totals of orders delivered since the first of the month, less what has come back since then"
    )
    conversion_rate: float | None = Field(
        description="Of the quotes sent in 90 days, the share that became orders"
    )
    hours_quote_to_order: float | None = Field(
        description="Average over the quotes of 90 days that became orders"
    )
    hours_order_to_delivery: float | None = Field(
        description="Average over this week's and month's deliveries, counter sales left out"
    )
    stock_out_rate: float | None = Field(
        description="Share of the active products in stock-keeping of which no location has any"
    )
    idle_capital: Money = Field(description="Cost of goods on hand that have not sold for 60 days")
    pending_events: int = Field(description="Events that the slowest engine has not yet applied")


@routes.get(
    "/dashboard", may="dashboard:read", stale=True, summary="The store at a glance", answers=DashboardView
)
async def get_dashboard(call: Call) -> Reply:
    """Today's quotes and orders, revenue, conversion, times, stock-outs and idle capital, in the store's own days."""
    row = await call.tx.fetch_one(sql.get_dashboard, engines=ENGINES)
    if row is None:
        raise NotFoundError
    return Reply(row["body"])
