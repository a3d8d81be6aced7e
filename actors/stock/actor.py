"""The stock engine: what to buy, when and how much, from the sales and the stock of each product.

A batch of events is cut where a store's day ends or its parameters change; between two cuts the touched products
are read, changed event by event, and written back: a handful of statements, however many events and stores.
"""

from __future__ import annotations

from asyncio import sleep
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from uuid import UUID

from actors.stock import rows
from actors.stock.folding import fold
from actors.stock.forecast_rows import load_forecasters
from actors.stock.model import abc_classes
from actors.stock.parameters import defaults_json, parameters_json
from actors.stock.product import Product
from actors.stock.purchases import Purchase
from actors.stock.store import Store
from runtime.data.queries import sql
from runtime.data.transactions import EngineTransaction
from runtime.events.catalogue import (
    OrderReturned,
    ProductCreated,
    ProductPriceUpdated,
    ProductUpdated,
    PurchaseOrderCancelled,
    PurchaseOrderReceived,
    PurchaseOrderSent,
    ReplenishmentDefaultsSet,
    ReplenishmentParametersSet,
    SaleFigures,
    StockUpdated,
    SuggestionAccepted,
    SuggestionDismissed,
    SuggestionSnoozed,
)
from runtime.events.engine import Engine
from runtime.events.event import Event

DEMAND_KEPT_DAYS = 400
PRODUCTS_AT_ONCE = 25
"""Others of the process get their turn after the days of so many products are closed: some milliseconds."""
ROLLED_AT_ONCE = timedelta(days=7)
"""A store nobody has rolled for long is brought to the present in transactions of at most so many days."""


@dataclass(slots=True)
class _Stretch:
    """Events of one store on one of its days under one set of parameters, and what comes before them."""

    store: Store
    today: date
    parameters: Event | None = None
    events: list[tuple[Event, date]] = field(default_factory=list)


class StockEngine(Engine):
    """Keep demand, stock levels and replenishment advice of every product up to date."""

    name = "stock"
    subscribes = (
        SaleFigures,
        OrderReturned,
        StockUpdated,
        ProductCreated,
        ProductUpdated,
        ProductPriceUpdated,
        ReplenishmentParametersSet,
        ReplenishmentDefaultsSet,
        SuggestionAccepted,
        SuggestionDismissed,
        SuggestionSnoozed,
        PurchaseOrderSent,
        PurchaseOrderReceived,
        PurchaseOrderCancelled,
    )

    async def apply(self, tx: EngineTransaction, events: Sequence[Event]) -> None:
        """Apply one batch, in order per tenant; the rows after it do not depend on how the log was cut into batches."""
        stores = await rows.read_stores(tx, {event.tenant_id for event in events})
        before = {store.tenant_id: _of_store(store) for store in stores.values()}
        queues = _stretches(stores, events)
        for turn in range(max(map(len, queues))):
            stretches = [queue[turn] for queue in queues if len(queue) > turn]
            for stretch in stretches:
                await _close_days(tx, stretch.store, stretch.today)
                if stretch.parameters is not None:
                    await _set_parameters(tx, stretch.store, stretch.parameters)
            await _apply_stretches(tx, stretches)
        changed = [store for store in stores.values() if before[store.tenant_id] != _of_store(store)]
        if changed:
            await rows.save_stores(tx, changed)
        await rows.save_answers(tx, stores.values())

    async def clear(self, tx: EngineTransaction, tenant_id: UUID) -> None:
        """Delete all rows of a tenant."""
        await tx.execute(sql.clear_stock_engine, tenant_id=tenant_id)

    async def roll(self, tx: EngineTransaction, tenant_id: UUID, today: date) -> bool:
        """Close the days before ``today``, a week at a time; then classify the products by their window's revenue."""
        store = (await rows.read_stores(tx, [tenant_id]))[tenant_id]
        if store.today is None:
            return True
        if today > store.today:
            reached = min(today, store.today + ROLLED_AT_ONCE)
            await _close_days(tx, store, reached)
            await rows.save_stores(tx, [store])
            if reached < today:
                return False
        else:
            await rows.load_all_products(tx, store)
        classes = abc_classes(
            {key: product.window_revenue for key, product in store.products.items() if product.first_sale_day}
        )
        reclassified = []
        for key, product in store.products.items():
            if product.abc_class != classes.get(key):
                product.abc_class = classes.get(key)
                product.changed = True
                product.assess(store.policy_of(product), store.day, tx.now)
                reclassified.append((store, product))
        await rows.save_products(tx, reclassified)
        return True


def _of_store(store: Store) -> tuple[object, ...]:
    return store.today, store.parameters_seq, store.defaults_seq


def _stretches(stores: dict[UUID, Store], events: Iterable[Event]) -> list[list[_Stretch]]:
    """The batch per store, cut where its day or its parameters change. A day never goes back: late events are
    counted on their own day, but the store's stays."""
    queues: dict[UUID, list[_Stretch]] = {}
    for event in events:
        store = stores[event.tenant_id]
        day = event.occurred_at.astimezone(store.zone).date()
        if store.today is None:
            store.today = day
        queue = queues.setdefault(event.tenant_id, [])
        today = queue[-1].today if queue else store.today
        if not queue or day > today:
            queue.append(_Stretch(store, max(today, day)))
        if isinstance(event.payload, ReplenishmentParametersSet | ReplenishmentDefaultsSet):
            queue.append(_Stretch(store, queue[-1].today, event))
        else:
            queue[-1].events.append((event, day))
    return list(queues.values())


async def _close_days(tx: EngineTransaction, store: Store, today: date) -> None:
    """Bring all products of a store from its current day to ``today``, one day after the other."""
    first = store.day + timedelta(days=1)
    if today < first:
        return
    await rows.load_all_products(tx, store)
    await load_forecasters(tx, store)
    leaving = await rows.read_leaving_demand(tx, store, first, today)
    days = [first + timedelta(days=number) for number in range((today - first).days + 1)]
    begins = [datetime.combine(day, time.min, store.zone) for day in days]
    for number, (key, product) in enumerate(store.products.items(), 1):
        policy, window = store.policy_of(product), timedelta(days=product.window_days)
        for day, at in zip(days, begins, strict=True):
            product.close_day(day, leaving.get((key, day - window)), policy)
            product.assess(policy, day, at)
        if number % PRODUCTS_AT_ONCE == 0:
            await sleep(0)
    store.today = today
    await rows.save_products(tx, [(store, product) for product in store.products.values()])
    before = today - timedelta(days=DEMAND_KEPT_DAYS)
    await tx.execute(sql.forget_old_demand, tenant_id=store.tenant_id, before=before)


async def _set_parameters(tx: EngineTransaction, store: Store, event: Event) -> None:
    """Let the store's or a product's parameters hold from now on, for all products they touch; unless newer ones do."""
    payload = event.payload
    product_id = payload.product_id if isinstance(payload, ReplenishmentParametersSet) else None
    if product_id is not None:
        await rows.load_products(tx, [(store, product_id)])
        product = store.products[product_id.int]
        if event.seq <= product.parameters_seq:
            return
        assert isinstance(payload, ReplenishmentParametersSet)
        product.own_parameters = parameters_json(payload.parameters)
        product.parameters_seq = event.seq
        touched = [product]
    else:
        if not _set_store_parameters(store, event):
            return
        await rows.load_all_products(tx, store)
        touched = list(store.products.values())
    await rows.resize_windows(tx, store, touched)
    for product in touched:
        product.changed = True
        product.assess(store.policy_of(product), store.day, event.occurred_at)
    await rows.save_products(tx, [(store, product) for product in touched])
    if product_id is not None:
        await tx.execute(
            sql.set_product_parameters,
            tenant_id=store.tenant_id,
            product_id=product_id,
            parameters=touched[0].own_parameters,
            seq=event.seq,
        )


def _set_store_parameters(store: Store, event: Event) -> bool:
    """Take the parameters or the defaults of a whole store; False when newer ones hold already."""
    payload = event.payload
    if isinstance(payload, ReplenishmentParametersSet):
        if event.seq <= store.parameters_seq:
            return False
        store.parameters, store.parameters_seq = parameters_json(payload.parameters), event.seq
    else:
        assert isinstance(payload, ReplenishmentDefaultsSet)
        if event.seq <= store.defaults_seq:
            return False
        store.defaults, store.defaults_seq = defaults_json(payload), event.seq
    store.renew_policy()
    return True


async def _apply_stretches(tx: EngineTransaction, stretches: Sequence[_Stretch]) -> None:
    """Read what the events touch, change it event by event, write it back."""
    await _load(tx, stretches)
    touched: dict[Product, Store] = {}
    waiting: dict[Product, datetime] = {}
    moved: dict[tuple[UUID, int, int], tuple[Store, UUID, UUID]] = {}
    for stretch in stretches:
        store, today, policy_of = stretch.store, stretch.today, stretch.store.policy_of
        for event, day in stretch.events:
            at = event.occurred_at
            for product in fold(store, event, day):
                touched[product] = store
                if product.watch(policy_of(product), today, at):
                    waiting[product] = at
                else:
                    waiting.pop(product, None)
            payload = event.payload
            if isinstance(payload, StockUpdated):
                place = (store.tenant_id, payload.product_id.int, payload.location_id.int)
                moved[place] = (store, payload.product_id, payload.location_id)
        await sleep(0)  # others of the process come in between two stores
    for product, at in waiting.items():
        store = touched[product]
        product.assess(store.policy_of(product), store.day, at)
    if moved:
        await rows.save_levels(tx, list(moved.values()))
    await rows.save_products(tx, [(store, product) for product, store in touched.items()])


async def _load(tx: EngineTransaction, stretches: Sequence[_Stretch]) -> None:
    missing: list[tuple[Store, UUID]] = []
    levels: dict[tuple[UUID, int, int], tuple[Store, UUID, UUID]] = {}
    late: dict[tuple[UUID, int, date], tuple[Store, UUID, date]] = {}
    for stretch in stretches:
        store, tenant_id, today = stretch.store, stretch.store.tenant_id, stretch.today
        wanted: dict[int, UUID] = {}
        for event, day in stretch.events:
            payload = event.payload
            if isinstance(payload, SaleFigures | OrderReturned):
                for item in payload.items:
                    product_id = item["product_id"] if isinstance(item, dict) else item.product_id
                    wanted[product_id.int] = product_id
                    if day != today:
                        late[tenant_id, product_id.int, day] = (store, product_id, day)
                continue
            if isinstance(payload, Purchase):
                wanted.update({line.product_id.int: line.product_id for line in payload.items})
                continue
            product_id = payload.product_id  # type: ignore[attr-defined]
            wanted[product_id.int] = product_id
            if isinstance(payload, StockUpdated):
                location_id = payload.location_id
                levels[tenant_id, product_id.int, location_id.int] = (store, product_id, location_id)
        missing += [(store, product_id) for key, product_id in wanted.items() if key not in store.products]
    if missing:
        await rows.load_products(tx, missing)
    if levels:
        await rows.load_levels(tx, list(levels.values()))
    if late:
        await rows.load_late_demand(
            tx, [(store, store.products[product_id.int], day) for store, product_id, day in late.values()]
        )
