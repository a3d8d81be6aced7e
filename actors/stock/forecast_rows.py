"""The forecasters' rows: read when a store's days are closed, written back with the products."""

from __future__ import annotations

from collections.abc import Sequence

from actors.columns import array_literal
from actors.stock.forecast import Forecaster
from actors.stock.product import Product
from actors.stock.store import Store
from runtime.data.queries import sql
from runtime.data.transactions import EngineTransaction


async def load_forecasters(tx: EngineTransaction, store: Store) -> None:
    """Give the store's products what the methods have learnt so far."""
    for row in await tx.fetch_all(sql.read_stock_forecasts, tenant_id=store.tenant_id):
        store.products[row[0].int].forecaster = Forecaster.from_numbers(row[1])


async def save_forecasters(
    tx: EngineTransaction, learnt: Sequence[tuple[Store, Product, Forecaster]]
) -> None:
    """Write what the methods have learnt, and the errors of the one that is believed."""
    errors = [forecaster.error(product.method) or (None, None, None) for _, product, forecaster in learnt]
    await tx.execute(
        sql.save_stock_forecasts,
        tenant_ids=array_literal([store.text for store, _, _ in learnt]),
        products=array_literal([product.product_id for _, product, _ in learnt]),
        patterns=array_literal([product.pattern for _, product, _ in learnt]),
        wapes=array_literal([wape for wape, _, _ in errors]),
        mases=array_literal([mase for _, mase, _ in errors]),
        week_errors=array_literal([error for _, _, error in errors]),
        states=array_literal([array_literal(forecaster.to_numbers()) for _, _, forecaster in learnt]),
    )
