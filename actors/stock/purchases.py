"""What purchase orders say about products: how much is on order, and how many days it takes to come."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from actors.stock.product import Product
from actors.stock.store import Store
from runtime.events.catalogue import PurchaseOrderCancelled, PurchaseOrderReceived, PurchaseOrderSent
from runtime.events.event import Event

Purchase: TypeAlias = PurchaseOrderSent | PurchaseOrderReceived | PurchaseOrderCancelled

_SECONDS_A_DAY = 86_400.0
# Whoever sends and receives an order within the hour writes down afterwards what has happened before.
_LEAST_DAYS = 1 / 24


def fold_purchase(store: Store, event: Event, payload: Purchase) -> Iterable[Product]:
    """Change the products of a purchase order by what happened to it; gives them one by one."""
    for line in payload.items:
        product = store.products[line.product_id.int]
        product.changed = True
        quantity = float(line.quantity)
        match payload:
            case PurchaseOrderSent():
                _place(product, quantity)
                product.ordered_on = store.day
            case PurchaseOrderReceived():
                _close(product, quantity if line.ordered is None else float(line.ordered))
                _learn(product, (event.occurred_at - payload.sent_at).total_seconds() / _SECONDS_A_DAY)
            case PurchaseOrderCancelled():
                if payload.sent:
                    _close(product, quantity)
                else:
                    # What was accepted for the draft is wanted again.
                    product.receive(quantity)
        yield product


def _place(product: Product, quantity: float) -> None:
    """On order in a purchase order, and no longer as an accepted suggestion."""
    product.receive(quantity)
    product.ordered = round(product.ordered + quantity, 3)
    product.on_order = round(product.on_order + quantity, 3)


def _close(product: Product, quantity: float) -> None:
    """So much of what was ordered has come, or will not come."""
    closed = min(product.ordered, quantity)
    product.ordered = round(product.ordered - closed, 3)
    product.on_order = round(product.on_order - closed, 3)


def _learn(product: Product, days: float) -> None:
    """One more lead time for the mean and the sum of squared deviations (Welford 1962)."""
    if days < _LEAST_DAYS:
        return
    product.lead_times += 1
    step = days - product.lead_time_mean
    product.lead_time_mean += step / product.lead_times
    product.lead_time_squares += step * (days - product.lead_time_mean)
