"""The sales engine's rows: what a batch adds to them, set by set, in the order of their keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from actors.columns import array_literal
from actors.sales.facts import BASKETS_KEPT, Buyer, Sold, StoreSales
from actors.sales.parameters import effective_parameters, parameters_json, policy
from runtime.data.ids import NIL
from runtime.data.queries import sql
from runtime.data.transactions import EngineTransaction
from runtime.events.catalogue import SalesParametersSet


@dataclass(slots=True)
class Store:
    """A tenant in a batch: its time zone, its current day and the parameters it has set (None: never heard of)."""

    tenant_id: UUID
    zone: ZoneInfo
    today: date | None
    parameters: str | None
    parameters_seq: int
    """The number of the event that set them."""


async def read_stores(tx: EngineTransaction, tenant_ids: Iterable[UUID]) -> dict[UUID, Store]:
    """The stores of a batch, in the order of their ids."""
    rows = await tx.fetch_all(sql.read_sales_tenants, tenant_ids=sorted(tenant_ids))
    return {
        row["id"]: Store(
            row["id"], ZoneInfo(row["time_zone"]), row["today"], row["parameters"], row["parameters_seq"]
        )
        for row in sorted(rows, key=lambda row: row["id"])
    }


async def save_parameters(
    tx: EngineTransaction, said: Sequence[tuple[Store, int, SalesParametersSet | None]]
) -> None:
    """Keep what was set, the last for each product; nothing said keeps the store's defaults for the first time."""
    rows: dict[tuple[UUID, UUID], tuple[int, str, str | None]] = {}
    for store, seq, payload in said:
        text = "{}" if payload is None else parameters_json(payload.parameters)
        policy(text)
        product_id = NIL if payload is None else payload.product_id or NIL
        effective = effective_parameters(text) if product_id == NIL else None
        rows[store.tenant_id, product_id] = seq, text, effective
    keys = sorted(rows)
    await tx.execute(
        sql.save_sales_parameters,
        tenant_ids=[tenant_id for tenant_id, _ in keys],
        product_ids=[product_id for _, product_id in keys],
        seqs=[rows[key][0] for key in keys],
        parameters=[rows[key][1] for key in keys],
        effective=[rows[key][2] for key in keys],
    )


async def add_sales(tx: EngineTransaction, stores: Mapping[UUID, StoreSales]) -> None:
    """Add the batch's sales to orders, products, pairs, baskets and customers."""
    tenant_ids = sorted(stores)
    places: list[dict[int, int]] = []
    product_tenants: list[int] = []
    products: list[Sold] = []
    pairs_a: list[int] = []
    pairs_b: list[int] = []
    pair_orders: list[int] = []
    basket_tenants: list[int] = []
    basket_numbers: list[int] = []
    baskets: list[bytes] = []
    for tenant_place, tenant_id in enumerate(tenant_ids, 1):
        sales = stores[tenant_id]
        known = {key: place for place, key in enumerate(sorted(sales.products), len(products) + 1)}
        places.append(known)
        products += [sales.products[key] for key in known]
        product_tenants += [tenant_place] * len(known)
        for (first, second), orders in sorted(sales.pairs.items()):
            pairs_a.append(known[first])
            pairs_b.append(known[second])
            pair_orders.append(orders)
        kept = sales.baskets[-BASKETS_KEPT:]
        baskets += kept
        basket_tenants += [tenant_place] * len(kept)
        basket_numbers += range(len(sales.baskets) - len(kept) + 1, len(sales.baskets) + 1)
    product_ids = [sold.product_id for sold in products]
    await tx.execute(
        sql.add_sales,
        tenant_ids=tenant_ids,
        total_orders=array_literal([stores[tenant_id].orders for tenant_id in tenant_ids]),
        days=[stores[tenant_id].today for tenant_id in tenant_ids],
        product_tenants=product_tenants,
        product_ids=product_ids,
        product_orders=array_literal([sold.orders for sold in products]),
        quantities=array_literal([sold.quantity for sold in products]),
        revenues=array_literal([sold.revenue for sold in products]),
        pairs_a=array_literal(pairs_a),
        pairs_b=array_literal(pairs_b),
        pair_orders=array_literal(pair_orders),
        basket_tenants=array_literal(basket_tenants),
        basket_numbers=array_literal(basket_numbers),
        baskets=baskets,
        kept=BASKETS_KEPT,
    )
    buyers = [
        (tenant_place, customer_id, stores[tenant_id].buyers[customer_id])
        for tenant_place, tenant_id in enumerate(tenant_ids, 1)
        for customer_id in sorted(stores[tenant_id].buyers)
    ]
    if buyers:
        await _add_purchases(tx, tenant_ids, buyers, places, product_ids)


async def _add_purchases(
    tx: EngineTransaction,
    tenant_ids: Sequence[UUID],
    buyers: Sequence[tuple[int, UUID, Buyer]],
    places: Sequence[Mapping[int, int]],
    product_ids: Sequence[UUID],
) -> None:
    bought = [
        (buyer_place, places[tenant_place - 1][key], buyer.products[key])
        for buyer_place, (tenant_place, _, buyer) in enumerate(buyers, 1)
        for key in sorted(buyer.products)
    ]
    things = [one for _, _, one in bought]
    await tx.execute(
        sql.add_purchases,
        buyer_tenants=[tenant_ids[tenant_place - 1] for tenant_place, _, _ in buyers],
        buyer_ids=[customer_id for _, customer_id, _ in buyers],
        purchases=array_literal([buyer.purchases for _, _, buyer in buyers]),
        last_days=array_literal([buyer.last_on for _, _, buyer in buyers]),
        product_ids=product_ids,
        bought_by=array_literal([buyer_place for buyer_place, _, _ in bought]),
        bought=array_literal([place for _, place, _ in bought]),
        numbers=array_literal([one.number for one in things]),
        recent=array_literal([one.recent for one in things]),
        first_on=array_literal([one.first_on for one in things]),
        last_on=array_literal([one.last_on for one in things]),
        days=array_literal([one.days for one in things]),
        squares=array_literal([one.squares for one in things]),
        quantities=array_literal([one.quantity for one in things]),
    )
