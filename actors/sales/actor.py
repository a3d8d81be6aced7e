"""The sales engine: which products are bought together, counted from the items of each sale alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from uuid import UUID

from actors.columns import array_literal
from runtime.data.queries import sql
from runtime.data.transactions import EngineTransaction
from runtime.events.catalogue import SaleRecorded
from runtime.events.engine import Engine
from runtime.events.event import Event


@dataclass(slots=True)
class _Sold:
    product_id: UUID
    orders: int = 0
    quantity: float = 0.0
    revenue: float = 0.0


@dataclass(slots=True)
class _StoreSales:
    """One store's sales in a batch. Products are keyed by the integer of their id, which hashes faster."""

    orders: int = 0
    products: dict[int, _Sold] = field(default_factory=dict)
    pairs: Counter[tuple[int, int]] = field(default_factory=Counter)

    def add(self, sale: SaleRecorded) -> None:
        """Count one sale; a product on several of its lines counts once, with all their quantities.

        A later part of an order adds its quantities, and only those products and pairs that are new to the order.
        """
        earlier = {product_id.int for product_id in sale.earlier_product_ids}
        self.orders += not earlier
        products = self.products
        keys = set()
        for item in sale.items:
            key = item.product_id.int
            sold = products.get(key)
            if sold is None:
                sold = products[key] = _Sold(item.product_id)
            sold.quantity += float(item.quantity)
            sold.revenue += float(item.line_total)
            keys.add(key)
        if not earlier:
            for key in keys:
                products[key].orders += 1
            self.pairs.update(combinations(sorted(keys), 2))
            return
        keys -= earlier
        for key in keys:
            products[key].orders += 1
        for product_id in sale.earlier_product_ids if keys else ():
            products.setdefault(product_id.int, _Sold(product_id))
        self.pairs.update(combinations(sorted(keys), 2))
        self.pairs.update((min(one, other), max(one, other)) for one in keys for other in earlier)


class SalesEngine(Engine):
    """Keep the number of orders per store, per product and per pair of products up to date."""

    name = "sales"
    subscribes = (SaleRecorded,)

    async def apply(self, tx: EngineTransaction, events: Sequence[Event]) -> None:
        """Apply one batch in one statement, in the order of its primary keys."""
        stores: dict[UUID, _StoreSales] = {}
        for event in events:
            if isinstance(event.payload, SaleRecorded):
                stores.setdefault(event.tenant_id, _StoreSales()).add(event.payload)
        await _save(tx, stores)

    async def clear(self, tx: EngineTransaction, tenant_id: UUID) -> None:
        """Delete all rows of a tenant."""
        await tx.execute(sql.clear_sales_engine, tenant_id=tenant_id)


async def _save(tx: EngineTransaction, stores: dict[UUID, _StoreSales]) -> None:
    tenant_ids = sorted(stores)
    product_tenants: list[int] = []
    products: list[_Sold] = []
    pairs_a: list[int] = []
    pairs_b: list[int] = []
    pair_orders: list[int] = []
    for tenant_place, tenant_id in enumerate(tenant_ids, 1):
        sales = stores[tenant_id]
        places = {key: place for place, key in enumerate(sorted(sales.products), len(products) + 1)}
        products += [sales.products[key] for key in places]
        product_tenants += [tenant_place] * len(places)
        for (first, second), orders in sorted(sales.pairs.items()):
            pairs_a.append(places[first])
            pairs_b.append(places[second])
            pair_orders.append(orders)
    await tx.execute(
        sql.add_sales,
        tenant_ids=tenant_ids,
        total_orders=array_literal([stores[tenant_id].orders for tenant_id in tenant_ids]),
        product_tenants=product_tenants,
        product_ids=[sold.product_id for sold in products],
        product_orders=array_literal([sold.orders for sold in products]),
        quantities=array_literal([sold.quantity for sold in products]),
        revenues=array_literal([sold.revenue for sold in products]),
        pairs_a=array_literal(pairs_a),
        pairs_b=array_literal(pairs_b),
        pair_orders=array_literal(pair_orders),
    )
