"""How one event changes the products of a store.

What is a state (a stock level, a description, a price) goes by the number of its event: an older one that comes late,
as a replayed dead letter does, is not news. What is an amount (a sale, a receipt) counts whenever it comes.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from actors.stock.answers import ANSWERS, fold_answer
from actors.stock.product import Product
from actors.stock.purchases import fold_purchase
from actors.stock.store import Level, Store
from runtime.events.catalogue import (
    OrderReturned,
    ProductCreated,
    ProductPriceUpdated,
    ProductUpdated,
    PurchaseOrderCancelled,
    PurchaseOrderReceived,
    PurchaseOrderSent,
    SaleFigures,
    StockUpdated,
)
from runtime.events.event import Event


def fold(store: Store, event: Event, day: date) -> Iterable[Product]:
    """Change the store's products by one event; gives those whose advice is to be computed anew."""
    payload, products, today = event.payload, store.products, store.day
    match payload:
        case SaleFigures():
            for sold in payload.items:
                product = products[sold["product_id"].int]
                product.sell(day, today, sold["quantity"], sold["line_total"])
                yield product
        case OrderReturned():
            for item in payload.items:
                product = products[item.product_id.int]
                product.sell(day, today, -float(item.quantity), -float(item.line_total))
                yield product
        case StockUpdated():
            yield _move(store, event, payload)
        case PurchaseOrderSent() | PurchaseOrderReceived() | PurchaseOrderCancelled():
            yield from fold_purchase(store, event, payload)
        case ProductCreated() | ProductUpdated():
            yield _describe(store, event, payload)
        case ProductPriceUpdated():
            product = products[payload.product_id.int]
            if event.seq > product.priced_seq:
                product.changed = True
                product.price, product.priced_seq = float(payload.price), event.seq
                yield product
        case _ if isinstance(payload, ANSWERS):
            yield fold_answer(store, event, payload)


def _move(store: Store, event: Event, payload: StockUpdated) -> Product:
    product = store.products[payload.product_id.int]
    level = store.levels.setdefault((payload.product_id.int, payload.location_id.int), Level())
    if event.seq > level.seq:
        on_hand, available = float(payload.on_hand), float(payload.available)
        product.move(
            store.day,
            round(product.on_hand + on_hand - level.on_hand, 3),
            round(product.available + available - level.available, 3),
        )
        level.on_hand, level.available, level.seq = on_hand, available, event.seq
    if payload.reason == "receipt" and payload.delta > 0 and payload.purchase_order_id is None:
        product.receive(float(payload.delta))
    return product


def _describe(store: Store, event: Event, payload: ProductCreated | ProductUpdated) -> Product:
    product = store.products[payload.product_id.int]
    if event.seq > product.described_seq:
        product.changed = True
        product.active = payload.active
        product.category = payload.category
        product.cost = None if payload.cost is None else float(payload.cost)
        product.described_seq = event.seq
    if event.seq > product.priced_seq:
        product.changed = True
        product.price, product.priced_seq = float(payload.base_price), event.seq
    return product
