"""The stock engine's rows: read as ``Product`` objects for the things a batch touches, written back set by set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from operator import attrgetter
from uuid import UUID
from zoneinfo import ZoneInfo

from actors.columns import array_literal
from actors.stock.forecast import Forecaster
from actors.stock.forecast_rows import save_forecasters
from actors.stock.parameters import effective_parameters
from actors.stock.product import DayDemand, Product
from actors.stock.store import Level, Store
from runtime.data.queries import sql
from runtime.data.transactions import EngineTransaction

_MOVED = (
    "first_sale_day", "last_sale_day", "on_hand", "available", "day_quantity", "day_revenue",
    "window_quantity", "window_squares", "window_revenue", "window_demand_days", "window_stock_out_days",
    "stocked_since", "out_since", "mean", "deviation", "reorder_point", "maximum", "days_left", "suggested_quantity",
    "priority", "xyz_class", "status", "kind", "risk", "opened_at", "closed_at",
)  # fmt: skip
_OTHER = (
    "on_order", "ordered", "lead_times", "lead_time_mean", "lead_time_squares",
    "described_seq", "priced_seq", "answered_seq", "ordered_on", "known_since", "method", "forecast", "lift",
    "weekly_variation", "active", "cost", "price",
    "window_days", "croston_size", "croston_interval", "croston_gap",
    "recent_mean", "recent_variance", "suggestion_state", "suggestion_until", "accepted_until",
    "abc_class",
)  # fmt: skip


async def read_stores(tx: EngineTransaction, tenant_ids: Iterable[UUID]) -> dict[UUID, Store]:
    """The stores of a batch, in the order of their ids."""
    rows = await tx.fetch_all(sql.read_stock_tenants, tenant_ids=list(tenant_ids))
    return {
        row["id"]: Store(
            row["id"],
            ZoneInfo(row["time_zone"]),
            row["today"],
            row["parameters"],
            row["parameters_seq"] or 0,
            row["defaults"],
            row["defaults_seq"] or 0,
        )
        for row in sorted(rows, key=lambda row: row["id"])
    }


async def save_stores(tx: EngineTransaction, stores: Sequence[Store]) -> None:
    """Write the stores' days and parameters."""
    await tx.execute(
        sql.save_stock_tenants,
        tenant_ids=[store.tenant_id for store in stores],
        days=[store.day for store in stores],
        parameters=[store.parameters or "{}" for store in stores],
        effective=[effective_parameters(store.parameters, store.defaults) for store in stores],
        parameters_seqs=[store.parameters_seq for store in stores],
        defaults=[store.defaults or "{}" for store in stores],
        defaults_seqs=[store.defaults_seq for store in stores],
    )


async def save_answers(tx: EngineTransaction, stores: Iterable[Store]) -> None:
    """Write what people answered to suggestions."""
    answers = [(store.tenant_id, answer) for store in stores for answer in store.answers]
    if not answers:
        return
    await tx.execute(
        sql.add_stock_feedback,
        tenant_ids=[tenant_id for tenant_id, _ in answers],
        seqs=[answer.seq for _, answer in answers],
        products=[answer.product_id for _, answer in answers],
        moments=[answer.at for _, answer in answers],
        answers=[answer.answer for _, answer in answers],
        suggested=[answer.suggested for _, answer in answers],
        quantities=[answer.quantity for _, answer in answers],
        reasons=[answer.reason for _, answer in answers],
        untils=[answer.until for _, answer in answers],
    )
    for store in stores:
        store.answers = []


async def load_products(tx: EngineTransaction, wanted: Sequence[tuple[Store, UUID]]) -> None:
    """Put these products into their stores: as they are stored, or new."""
    rows = await tx.fetch_all(
        sql.read_stock_products,
        tenant_ids=array_literal([store.text for store, _ in wanted]),
        products=array_literal([product_id for _, product_id in wanted]),
    )
    for store, product_id in wanted:
        store.products[product_id.int] = Product(
            str(product_id), window_days=store.policy.window_days, changed=True
        )
    for row in rows:
        store, product_id = wanted[row[0] - 1]
        store.products[product_id.int] = Product(*row[1:])


async def load_all_products(tx: EngineTransaction, store: Store) -> None:
    """Put all products of a store into it."""
    rows = await tx.fetch_all(sql.read_store_products, tenant_id=store.tenant_id)
    store.products = {UUID(row[0]).int: Product(*row) for row in rows}


async def load_late_demand(tx: EngineTransaction, wanted: Sequence[tuple[Store, Product, date]]) -> None:
    """Put the daily rows of past days that a batch adds to into their products."""
    rows = await tx.fetch_all(
        sql.read_late_demand,
        tenant_ids=[store.tenant_id for store, _, _ in wanted],
        products=[product.product_id for _, product, _ in wanted],
        days=[day for _, _, day in wanted],
    )
    for row in rows:
        wanted[row[0] - 1][1].late[row[1]] = DayDemand(row[2], row[3], row[4])


async def read_leaving_demand(
    tx: EngineTransaction, store: Store, first: date, last: date
) -> Mapping[tuple[int, date], DayDemand]:
    """The daily demands that leave the products' windows while the days ``first`` to ``last`` begin."""
    rows = await tx.fetch_all(sql.read_leaving_demand, tenant_id=store.tenant_id, first=first, last=last)
    return {(row[0].int, row[1]): DayDemand(row[2], row[3], row[4]) for row in rows}


async def load_levels(tx: EngineTransaction, wanted: Sequence[tuple[Store, UUID, UUID]]) -> None:
    """Put the stock per location of these (store, product, location) into their stores."""
    rows = await tx.fetch_all(
        sql.read_stock_levels,
        tenant_ids=[store.tenant_id for store, _, _ in wanted],
        products=[product_id for _, product_id, _ in wanted],
        locations=[location_id for _, _, location_id in wanted],
    )
    for row in rows:
        store, product_id, location_id = wanted[row[0] - 1]
        store.levels[product_id.int, location_id.int] = Level(row[1], row[2], row[3])


async def save_levels(tx: EngineTransaction, touched: Sequence[tuple[Store, UUID, UUID]]) -> None:
    """Write the stock of these (store, product, location)."""
    levels = [store.levels[product_id.int, location_id.int] for store, product_id, location_id in touched]
    await tx.execute(
        sql.save_stock_levels,
        tenant_ids=[store.tenant_id for store, _, _ in touched],
        products=[product_id for _, product_id, _ in touched],
        locations=[location_id for _, _, location_id in touched],
        on_hand=[level.on_hand for level in levels],
        available=[level.available for level in levels],
        seqs=[level.seq for level in levels],
    )


async def save_products(tx: EngineTransaction, products: Iterable[tuple[Store, Product]]) -> None:
    """Write the products' rows, and add what was sold of them on closed days to the daily demand."""
    moved: list[tuple[Store, Product]] = []
    changed: list[tuple[Store, Product]] = []
    sold: list[tuple[str, str, date, DayDemand]] = []
    learnt: list[tuple[Store, Product, Forecaster]] = []
    for store, product in products:
        product.conclude(store.policy_of(product), store.day)
        (changed if product.changed else moved).append((store, product))
        if product.forecaster is not None:
            learnt.append((store, product, product.forecaster))
            product.forecaster = None
        for day, demand in product.sold.items():
            sold.append((store.text, product.product_id, day, demand))
        product.sold = {}
        product.changed = False
    if moved:
        await tx.execute(sql.save_moved_products, **_columns(moved, _MOVED))
    if changed:
        await tx.execute(
            sql.save_stock_products,
            **_columns(changed, _MOVED + _OTHER),
            category=[product.category for _, product in changed],
        )
    if learnt:
        await save_forecasters(tx, learnt)
    if sold:
        await tx.execute(
            sql.add_daily_demand,
            tenant_ids=array_literal([tenant_id for tenant_id, _, _, _ in sold]),
            products=array_literal([product_id for _, product_id, _, _ in sold]),
            days=array_literal([day for _, _, day, _ in sold]),
            quantities=array_literal([demand.quantity for _, _, _, demand in sold]),
            revenues=array_literal([demand.revenue for _, _, _, demand in sold]),
            stock_outs=array_literal([demand.stock_out for _, _, _, demand in sold]),
        )


def _columns(products: Sequence[tuple[Store, Product]], names: Sequence[str]) -> dict[str, str]:
    values = zip(*map(attrgetter("product_id", *names), [product for _, product in products]), strict=True)
    columns = {
        name: array_literal(column) for name, column in zip(("product_id", *names), values, strict=True)
    }
    columns["tenant_ids"] = array_literal([store.text for store, _ in products])
    return columns


async def resize_windows(tx: EngineTransaction, store: Store, products: Iterable[Product]) -> None:
    """Sum the windows of products whose policy now has another length anew."""
    resized = []
    for product in products:
        window_days = store.policy_of(product).window_days
        if product.window_days != window_days:
            product.window_days = window_days
            resized.append(product)
    if not resized:
        return
    rows = await tx.fetch_all(
        sql.read_window_demand,
        tenant_id=store.tenant_id,
        products=[product.product_id for product in resized],
        after=[store.day - timedelta(days=product.window_days) for product in resized],
    )
    sums = {str(row["product_id"]): row for row in rows}
    for product in resized:
        row, today = sums.get(product.product_id), product.day_quantity
        product.window_quantity = (row["quantity"] if row else 0.0) + today
        product.window_squares = (row["squares"] if row else 0.0) + today * today
        product.window_revenue = (row["revenue"] if row else 0.0) + product.day_revenue
        product.window_demand_days = (row["demand_days"] if row else 0) + (today > 0.0)
        product.window_stock_out_days = row["stock_out_days"] if row else 0
