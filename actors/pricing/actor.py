"""The pricing engine: from whom to buy, what a product costs, and which prices move.

The products a batch touches are read, changed event by event, and written back: a handful of statements, however
many events and stores. Then come those of which a price begins or ends on the days that the batch has reached.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from actors.pricing import rows
from actors.pricing.parameters import parameters_json, policy
from actors.pricing.product import NO_END, Offer, Period, Product
from actors.pricing.rows import Store
from runtime.data.ids import NIL
from runtime.data.queries import sql
from runtime.data.transactions import EngineTransaction
from runtime.events.catalogue import (
    PricingAlertAnswered,
    PricingParametersSet,
    ProductCreated,
    ProductPriceUpdated,
    ProductUpdated,
    PurchaseOrderReceived,
    SupplierDeactivated,
    SupplierPriceRegistered,
    SupplierReactivated,
)
from runtime.events.engine import Engine
from runtime.events.event import Event

_LAST_DAY = date(2999, 12, 31)
_DUE_AT_A_TIME = 500


class PricingEngine(Engine):
    """Keep suppliers' prices, what products cost, and the alerts about both up to date."""

    name = "pricing"
    subscribes = (
        SupplierPriceRegistered,
        SupplierDeactivated,
        SupplierReactivated,
        PurchaseOrderReceived,
        ProductCreated,
        ProductUpdated,
        ProductPriceUpdated,
        PricingParametersSet,
        PricingAlertAnswered,
    )

    async def apply(self, tx: EngineTransaction, events: Sequence[Event]) -> None:
        """Apply one batch, in order per tenant; the rows after it do not depend on how the log was cut into batches."""
        stores = await rows.read_stores(tx, {event.tenant_id for event in events})
        before = {store.tenant_id: (store.today, store.parameters) for store in stores.values()}
        steps = [_Step(stores[event.tenant_id], event) for event in events]
        await _load(tx, stores, steps)
        for step in steps:
            step.take()
        if suppliers := {key for step in steps for key in step.supplier_changed()}:
            await rows.save_suppliers(tx, stores, suppliers)
        for store in stores.values():
            _begin(store, store.day)
        await rows.save_products(tx, stores.values())
        changed = {
            key: store for key, store in stores.items() if before[key] != (store.today, store.parameters)
        }
        if changed:
            await _begin_days(tx, changed)

    async def clear(self, tx: EngineTransaction, tenant_id: UUID) -> None:
        """Delete all rows of a tenant."""
        await tx.execute(sql.clear_pricing_engine, tenant_id=tenant_id)

    async def roll(self, tx: EngineTransaction, tenant_id: UUID, today: date) -> bool:
        """Let the days up to ``today`` begin: prices start and end, alerts open and close."""
        stores = await rows.read_stores(tx, [tenant_id])
        store = stores[tenant_id]
        if store.today is None or today <= store.today:
            return True
        store.today = today
        await _begin_days(tx, stores)
        return True


async def _begin_days(tx: EngineTransaction, stores: Mapping[UUID, Store]) -> None:
    """Bring the products that have not been loaded to their stores' days, some hundred at a time."""
    due = sorted(await rows.list_due(tx, {key: store.day for key, store in stores.items()}))
    for start in range(0, len(due), _DUE_AT_A_TIME):
        for store in stores.values():
            store.products.clear()
        await rows.load_products(tx, stores, due[start : start + _DUE_AT_A_TIME])
        for store in stores.values():
            _begin(store, store.day)
        await rows.save_products(tx, stores.values())
    await rows.save_stores(tx, list(stores.values()))


async def _load(tx: EngineTransaction, stores: dict[UUID, Store], steps: Sequence[_Step]) -> None:
    wanted = {(step.store.tenant_id, product_id) for step in steps for product_id in step.products()}
    whole: dict[UUID, date | None] = {step.store.tenant_id: None for step in steps if step.sets_store}
    if whole:
        wanted |= await rows.list_due(tx, whole)
    if suppliers := {key for step in steps for key in step.supplier_changed()}:
        wanted |= await rows.list_supplied(tx, suppliers)
    await rows.load_products(tx, stores, wanted)


def _begin(store: Store, today: date) -> None:
    """Bring the loaded products of a store to this day."""
    store.today = today
    for product in store.products.values():
        product.advance(today, store.zone, store.policy_of(product))


@dataclass(frozen=True, slots=True)
class _Step:
    """One event of a store."""

    store: Store
    event: Event

    @property
    def day(self) -> date:
        """The day the event happened, in the store's time zone."""
        return self.event.occurred_at.astimezone(self.store.zone).date()

    @property
    def sets_store(self) -> bool:
        """Whether it changes the parameters of all products of the store."""
        payload = self.event.payload
        return isinstance(payload, PricingParametersSet) and payload.product_id is None

    def supplier_changed(self) -> list[tuple[UUID, UUID]]:
        """The (tenant, supplier) that it takes out of use or brings back, if any."""
        payload = self.event.payload
        if not isinstance(payload, SupplierDeactivated | SupplierReactivated):
            return []
        return [(self.store.tenant_id, payload.supplier_id)]

    def products(self) -> set[UUID]:
        """The products it names; of a supplier, those loaded of which it has a price."""
        payload = self.event.payload
        if isinstance(payload, SupplierDeactivated | SupplierReactivated):
            return {
                product_id
                for product_id, product in self.store.products.items()
                if payload.supplier_id in product.offers
            }
        if isinstance(payload, PurchaseOrderReceived):
            return {item.product_id for item in payload.items}
        named: UUID | None = payload.product_id  # type: ignore[attr-defined]
        return set() if named is None else {named}

    def take(self) -> None:
        """Change the store's products. A day never goes back: late events count on the store's current day."""
        store, today = self.store, self.day if self.store.today is None else max(self.day, self.store.today)
        store.today = today
        if self.sets_store:
            _begin(store, today)
            store.parameters = self._parameters()
            touched = list(store.products.values())
        else:
            touched = [store.products[product_id] for product_id in sorted(self.products())]
        self._use_supplier()
        for product in touched:
            product.advance(today, store.zone, store.policy_of(product))
            self._fold(product)
        self._receive()
        for product in touched:
            product.assess(today, self.event.occurred_at, store.policy_of(product))

    def _parameters(self) -> str:
        payload = self.event.payload
        assert isinstance(payload, PricingParametersSet)
        text = parameters_json(payload.parameters)
        policy(text, None)
        return text

    def _fold(self, product: Product) -> None:
        match payload := self.event.payload:
            case SupplierPriceRegistered():
                active = self.store.uses(payload.supplier_id)
                offer = product.offers.setdefault(payload.supplier_id, Offer(active))
                offer.register(_period(payload, self.event.seq, self.day))
            case ProductCreated() | ProductUpdated():
                product.active = payload.active
                product.price = round(payload.base_price, 2)
                product.cost = None if payload.cost is None else round(payload.cost, 2)
            case SupplierDeactivated() | SupplierReactivated():
                product.offers[payload.supplier_id].active = self.store.uses(payload.supplier_id)
            case ProductPriceUpdated():
                product.price = round(payload.price, 2)
            case PricingAlertAnswered():
                alert = product.alerts.get((payload.about, payload.supplier_id or NIL))
                if alert is not None:
                    alert.take(payload, self.event.occurred_at)
            case PricingParametersSet() if payload.product_id is not None:
                product.parameters = self._parameters()

    def _use_supplier(self) -> None:
        """Whether a supplier is in use is said by the latest event about it, whichever is applied first."""
        for _, supplier_id in self.supplier_changed():
            _, known = self.store.suppliers.get(supplier_id, (True, 0))
            if self.event.seq > known:
                used = isinstance(self.event.payload, SupplierReactivated)
                self.store.suppliers[supplier_id] = (used, self.event.seq)

    def _receive(self) -> None:
        payload = self.event.payload
        if isinstance(payload, PurchaseOrderReceived):
            for item in payload.items:
                product = self.store.products[item.product_id]
                quantity, cost = round(item.quantity, 3), round(item.unit_cost, 4)
                product.receive(self.day, payload.supplier_id, quantity, cost)


def _period(said: SupplierPriceRegistered, seq: int, day: date) -> Period:
    return Period(
        valid_from=said.valid_from or day,
        valid_to=NO_END if said.valid_to is None or said.valid_to > _LAST_DAY else said.valid_to,
        seq=seq,
        price=round(said.price, 2),
        minimum_quantity=round(said.minimum_quantity or Decimal(0), 3),
        payment_days=said.payment_days or 0,
        lead_time_days=said.lead_time_days,
    )
