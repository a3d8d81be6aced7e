"""The pricing engine's rows: read as ``Product`` objects for the things a batch touches, written back set by set."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from operator import attrgetter
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from actors.pricing.alerts import Alert, Finding
from actors.pricing.parameters import Policy, effective_parameters, policy
from actors.pricing.product import Offer, Period, Product
from runtime.data.queries import sql
from runtime.data.transactions import EngineTransaction

PRICES_KEPT_DAYS = 730

_PRODUCT = (
    "parameters", "active", "price", "cost", "paid", "paid_supplier_id", "paid_on", "receipts", "used_quantity",
    "last_quantity", "first_received_on", "last_received_on", "next_day",
)  # fmt: skip
_OFFER = ("registered", "lowest", "highest", "known", "previous", "changed_on")
_OFFER_COMPUTED = ("reference", "change", "prices", "mean", "deviation", "stability", "landed")
_PERIOD = ("valid_from", "valid_to", "seq", "price", "minimum_quantity", "payment_days", "lead_time_days")
_TERMS = ("price", "minimum_quantity", "payment_days", "lead_time_days", "valid_from", "valid_to")
_ALERT = ("status", "opened_at", "closed_at", "answer", "reason", "until", "answered_at")
_FINDING = ("kind", "risk", "reference", "value", "share")
_TREND = ("slope", "confidence")


@dataclass(slots=True)
class Store:
    """A tenant in a batch: its time zone, its current day, its own parameters, and the products loaded so far."""

    tenant_id: UUID
    zone: ZoneInfo
    today: date | None
    parameters: str | None
    suppliers: dict[UUID, tuple[bool, int]] = field(default_factory=dict)
    """Whether a supplier is in use, by which event; those never taken out of use are not here."""
    products: dict[UUID, Product] = field(default_factory=dict)

    @property
    def day(self) -> date:
        """The current day; a store is given its first one before anything is computed for it."""
        if self.today is None:
            raise AssertionError("the store has no day yet")
        return self.today

    def uses(self, supplier_id: UUID) -> bool:
        """Whether the supplier is in use."""
        return self.suppliers.get(supplier_id, (True, 0))[0]

    def policy_of(self, product: Product) -> Policy:
        """The store's policy with what the product has of its own."""
        return policy(self.parameters, product.parameters)


async def read_stores(tx: EngineTransaction, tenant_ids: Iterable[UUID]) -> dict[UUID, Store]:
    """The stores of a batch, in the order of their ids."""
    rows = await tx.fetch_all(sql.read_pricing_tenants, tenant_ids=sorted(tenant_ids))
    return {
        row["id"]: Store(
            row["id"], ZoneInfo(row["time_zone"]), row["today"], row["parameters"], _suppliers(row)
        )
        for row in sorted(rows, key=lambda row: row["id"])
    }


def _suppliers(row: Any) -> dict[UUID, tuple[bool, int]]:
    return dict(zip(row["supplier_ids"], zip(row["used"], row["seqs"], strict=True), strict=True))


async def save_stores(tx: EngineTransaction, stores: Sequence[Store]) -> None:
    """Write the stores' days and parameters, and forget what is too old on these days."""
    await tx.execute(
        sql.save_pricing_tenants,
        tenant_ids=[store.tenant_id for store in stores],
        days=[store.day for store in stores],
        parameters=[store.parameters or "{}" for store in stores],
        effective=[effective_parameters(store.parameters) for store in stores],
    )
    await tx.execute(
        sql.forget_old_prices,
        tenant_ids=[store.tenant_id for store in stores],
        before=[store.day - timedelta(days=PRICES_KEPT_DAYS) for store in stores],
    )


async def save_suppliers(
    tx: EngineTransaction, stores: Mapping[UUID, Store], changed: Collection[tuple[UUID, UUID]]
) -> None:
    """Write whether these (tenant, supplier) are in use."""
    keys = sorted(changed)
    said = [stores[tenant_id].suppliers[supplier_id] for tenant_id, supplier_id in keys]
    await tx.execute(
        sql.save_pricing_suppliers,
        tenant_ids=[tenant_id for tenant_id, _ in keys],
        supplier_ids=[supplier_id for _, supplier_id in keys],
        active=[active for active, _ in said],
        seqs=[seq for _, seq in said],
    )


async def list_supplied(
    tx: EngineTransaction, suppliers: Collection[tuple[UUID, UUID]]
) -> set[tuple[UUID, UUID]]:
    """(tenant, product) of which one of these (tenant, supplier) has a price."""
    rows = await tx.fetch_all(
        sql.list_supplied_products,
        tenant_ids=[tenant_id for tenant_id, _ in suppliers],
        supplier_ids=[supplier_id for _, supplier_id in suppliers],
    )
    return {(row["tenant_id"], row["product_id"]) for row in rows}


async def list_due(tx: EngineTransaction, days: Mapping[UUID, date | None]) -> set[tuple[UUID, UUID]]:
    """(tenant, product) of which something changes by itself up to the store's day; all of a store without one."""
    rows = await tx.fetch_all(sql.list_due_products, tenant_ids=list(days), days=list(days.values()))
    return {(row["tenant_id"], row["product_id"]) for row in rows}


async def load_products(
    tx: EngineTransaction, stores: Mapping[UUID, Store], wanted: Collection[tuple[UUID, UUID]]
) -> None:
    """Put these (tenant, product) into their stores: as they are stored, or new."""
    keys = sorted(wanted)
    columns = {
        "tenant_ids": [tenant_id for tenant_id, _ in keys],
        "product_ids": [product_id for _, product_id in keys],
    }
    for tenant_id, product_id in keys:
        stores[tenant_id].products[product_id] = Product()
    for row in await tx.fetch_all(sql.read_pricing_products, **columns):
        stores[row["tenant_id"]].products[row["product_id"]] = Product(*row[2:])
    for row in await tx.fetch_all(sql.read_pricing_offers, **columns):
        active = stores[row["tenant_id"]].uses(row["supplier_id"])
        _product(stores, row).offers[row["supplier_id"]] = Offer(active, *row[3:])
    for row in await tx.fetch_all(sql.read_pricing_periods, **columns):
        period = Period(*row[3:])
        periods = _product(stores, row).offers[row["supplier_id"]].periods
        periods[period.valid_from, period.valid_to] = period
    for row in await tx.fetch_all(sql.read_pricing_alerts, **columns):
        finding = Finding(*(row[name] for name in _FINDING))
        alert = Alert(finding, *(row[name] for name in _ALERT))
        _product(stores, row).alerts[row["about"], row["supplier_id"]] = alert


def _product(stores: Mapping[UUID, Store], row: Any) -> Product:
    return stores[row["tenant_id"]].products[row["product_id"]]


async def save_products(tx: EngineTransaction, stores: Iterable[Store]) -> None:
    """Write the stores' changed products with their offers, new prices and alerts, in the order of the keys."""
    changed = [
        (store, product_id, product)
        for store in stores
        for product_id, product in sorted(store.products.items())
        if product.changed
    ]
    if not changed:
        return
    for store, _, product in changed:
        product.conclude(store.day, store.policy_of(product))
    found = [product for _, _, product in changed]
    await tx.execute(
        sql.save_pricing_products,
        tenant_ids=[store.tenant_id for store, _, _ in changed],
        product_ids=[product_id for _, product_id, _ in changed],
        effective=[
            effective_parameters(store.parameters, product.parameters) for store, _, product in changed
        ],
        **_columns(found, (*_PRODUCT, "base_cost", "base_source", "usual_quantity")),
        **_trends(found),
    )
    offers = [
        (store.tenant_id, product_id, supplier_id, offer)
        for store, product_id, product in changed
        for supplier_id, offer in sorted(product.offers.items())
    ]
    if offers:
        await _save_offers(tx, offers)
    alerts = [
        (store.tenant_id, product_id, key, alert)
        for store, product_id, product in changed
        for key, alert in sorted(product.alerts.items())
        if alert.changed
    ]
    if alerts:
        await tx.execute(
            sql.save_pricing_alerts,
            tenant_ids=[tenant_id for tenant_id, _, _, _ in alerts],
            product_ids=[product_id for _, product_id, _, _ in alerts],
            about=[about for _, _, (about, _), _ in alerts],
            supplier_ids=[supplier_id for _, _, (_, supplier_id), _ in alerts],
            **_columns([alert for _, _, _, alert in alerts], _ALERT),
            **_columns([alert.finding for _, _, _, alert in alerts], _FINDING),
        )


async def _save_offers(tx: EngineTransaction, offers: Sequence[tuple[UUID, UUID, UUID, Offer]]) -> None:
    found = [offer for _, _, _, offer in offers]
    await tx.execute(
        sql.save_pricing_offers,
        tenant_ids=[tenant_id for tenant_id, _, _, _ in offers],
        product_ids=[product_id for _, product_id, _, _ in offers],
        supplier_ids=[supplier_id for _, _, supplier_id, _ in offers],
        **_columns(found, _OFFER + _OFFER_COMPUTED),
        **{name: [getattr(offer.current, name, None) for offer in found] for name in _TERMS},
        **_trends(found),
    )
    periods = [
        (tenant_id, product_id, supplier_id, offer.periods[key])
        for tenant_id, product_id, supplier_id, offer in offers
        for key in sorted(offer.new)
    ]
    if periods:
        await tx.execute(
            sql.save_pricing_periods,
            tenant_ids=[tenant_id for tenant_id, _, _, _ in periods],
            product_ids=[product_id for _, product_id, _, _ in periods],
            supplier_ids=[supplier_id for _, _, supplier_id, _ in periods],
            **_columns([period for _, _, _, period in periods], _PERIOD),
        )


def _columns(things: Sequence[Any], names: Sequence[str]) -> dict[str, list[Any]]:
    return {name: list(map(attrgetter(name), things)) for name in names}


def _trends(things: Sequence[Product | Offer]) -> dict[str, list[Any]]:
    columns = {name: [getattr(one.trend, name, None) for one in things] for name in _TREND}
    return {**columns, "points": [0 if one.trend is None else one.trend.points for one in things]}
