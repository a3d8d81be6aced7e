"""The catalogue's lists and searches stay fast in a big store among others: each reads its index, not the table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from runtime.data.database import Database
from runtime.data.queries import Query, sql

COSTS = {"costs": True}
FIRST = {"after_name": None, "after_id": None, "limit": 51}
SEARCH = {"question": "cimento votor", "after_rank": None, **FIRST}
LISTS: list[tuple[Query, str, dict[str, Any]]] = [
    (sql.get_product, "products_pkey", {**COSTS, "id": UUID(int=1)}),
    (sql.list_products_by_name, "products_by_name", {**COSTS, "category": None, "active": None, **FIRST}),
    (
        sql.list_products_by_name,
        "products_by_name",
        {**COSTS, "category": None, "active": True, **FIRST, "after_name": "m", "after_id": UUID(int=1)},
    ),
    (
        sql.list_products_by_name,
        "products_by_category",
        {**COSTS, "category": "Category 3", "active": None, **FIRST},
    ),
    (
        sql.list_products_by_sku,
        "products_sku_key",
        {**COSTS, "category": None, "active": None, "after_sku": "p-2", "limit": 51},
    ),
    (
        sql.list_products_by_created,
        "products_by_created",
        {**COSTS, "category": None, "active": None, "after_created": None, "after_id": None, "limit": 51},
    ),
    (
        sql.list_newest_products,
        "products_by_created",
        {**COSTS, "category": None, "active": None, "after_created": None, "after_id": None, "limit": 51},
    ),
    (sql.search_products, "products_search", {**COSTS, "category": None, "active": True, **SEARCH}),
    (sql.search_similar_products, "products_search", {**COSTS, "category": None, "active": True, **SEARCH}),
    (
        sql.list_product_prices,
        "product_prices_by_product",
        {"product_id": UUID(int=1), "after_changed": None, "after_id": None, "limit": 51},
    ),
    (sql.list_customers_by_name, "customers_by_name", {"kind": None, "active": None, **FIRST}),
    (
        sql.list_newest_customers,
        "customers_by_created",
        {"kind": None, "active": None, "after_created": None, "after_id": None, "limit": 51},
    ),
    (sql.search_customers, "customers_search", {"kind": None, "active": None, "number": None, **SEARCH}),
    (
        sql.search_similar_customers,
        "customers_search",
        {"kind": None, "active": None, "number": None, **SEARCH},
    ),
    (sql.list_sites, "sites_by_name", {"active": None, **FIRST}),
    (
        sql.list_customer_sites,
        "sites_by_customer",
        {"customer_id": UUID(int=1), "question": None, "active": None, **FIRST},
    ),
    (sql.search_sites, "sites_search", {"question": "cimento votor", "active": None, **FIRST}),
]


@pytest.fixture
async def big_store(store, database_url: str) -> UUID:
    """A store with 2000 products, customers and sites beside another of the same size."""
    other = UUID(int=7)
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(
            "insert into tenants (id, slug, name) values ($1, 'other-yard', 'Other')", other
        )
        for tenant in (store.id, other):
            await connection.execute(_PRODUCTS, tenant)
            await connection.execute(_CUSTOMERS, tenant)
            await connection.execute(_SITES, tenant)
        await connection.execute(
            "insert into product_prices (tenant_id, id, product_id, price, changed_at) "
            "select tenant_id, gen_random_uuid(), id, base_price, now() from products"
        )
        await connection.execute("analyze products, product_prices, customers, sites")
    finally:
        await connection.close()
    return store.id


async def test_every_list_reads_its_index(database: Database, big_store: UUID) -> None:
    others = [
        query.name
        for query, index, parameters in LISTS
        if index not in await explain(database, big_store, query, parameters)
    ]
    assert others == []


async def test_a_search_looks_its_words_up_in_the_index_under_row_level_security(
    database: Database, big_store: UUID
) -> None:
    words = await explain(
        database, big_store, sql.search_products, {**COSTS, "category": None, "active": None, **SEARCH}
    )
    alike = await explain(
        database,
        big_store,
        sql.search_similar_products,
        {**COSTS, "category": None, "active": None, **SEARCH},
    )
    assert index_condition(words).count("search ~~") == 1
    assert index_condition(alike).count("search %>") >= 1


async def explain(database: Database, tenant_id: UUID, query: Query, parameters: dict[str, Any]) -> str:
    """The plan as the API's role gets it."""
    async with database.tenant(tenant_id) as tx:
        rows = await tx.fetch_all(replace(query, text=f"explain (costs off) {query.text}"), **parameters)
    return "\n".join(row[0] for row in rows)


def index_condition(plan: str) -> str:
    """The condition of the bitmap index scan."""
    return plan.split("Bitmap Index Scan", 1)[1].split("Index Cond:", 1)[1].split("\n", 1)[0]


_PRODUCTS = """
insert into products (tenant_id, id, sku, name, unit, base_price, category, created_at, updated_at)
select
  $1, gen_random_uuid(), 'P-' || i,
  (array['Cimento', 'Tijolo', 'Areia', 'Parafuso', 'Argamassa', 'Vergalhão', 'Bloco', 'Telha'])[1 + i % 8] || ' '
  || (array['Votoran', 'Tigre', 'Amanco', 'Forte', 'Deca', 'Comum', 'Premium'])[1 + i / 8 % 7] || ' ' || md5(i::text),
  'UN', i % 900, 'Category ' || i % 20, now() + i * interval '1 second', now()
from generate_series(1, 2000) as i
"""
_CUSTOMERS = """
insert into customers (tenant_id, id, kind, name, created_at, updated_at)
select $1, gen_random_uuid(), 'person', name, created_at, updated_at
from products
where tenant_id = $1
"""
_SITES = """
insert into sites (tenant_id, id, customer_id, name, created_at, updated_at)
select $1, gen_random_uuid(), id, name, created_at, updated_at
from customers
where tenant_id = $1
"""
