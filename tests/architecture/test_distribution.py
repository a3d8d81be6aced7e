"""What distributing the tables by ``tenant_id`` over servers (Citus) asks of the schema, and what it would meet.

docs/capacity.md tells the same; the exact lists are here, so that whoever adds to them knows.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from runtime.data.queries import Query, sql

REFERENCE_TABLES = {"tenants", "installation", "consumers", "scheduler_jobs", "schema_migrations"}
"""The same on every server: small, seldom written, of no tenant."""

FUNCTIONS = {
    "delivery_items_json",
    "delivery_json",
    "floor_breaches",
    "incoming_quantity",
    "left_quantity",
    "order_json",
    "owed_quantity",
    "purchase_order_json",
    "resolve_price",
    "route_json",
    "supplier_json",
}
"""They would have to be distributed to where the rows are, or be written into the queries that call them."""

LOCK_SEVERAL = {"lock_engine_cursors", "take_relay_batch"}
"""The pipeline's batches take events of several tenants; rows are locked on one server at a time only."""

_TABLES = """
select c.oid, c.relname as name, a.attnum as number, a.attnotnull as required, a.atttypid::regtype::text as type
from pg_class c left join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
"""
_KEYS = """
select i.indexrelid::regclass::text as name, i.indrelid as table, i.indkey::smallint[] as columns
from pg_index i join pg_class c on c.oid = i.indrelid
where (i.indisunique or i.indisexclusion) and c.relnamespace = 'public'::regnamespace
"""
_FOREIGN_KEYS = """
select conrelid::regclass || '.' || conname as name, conrelid as own, confrelid as other, conkey, confkey, confdeltype
from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace
"""
_FUNCTIONS = """
select p.proname as name, coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) as body from pg_proc p
where p.pronamespace = 'public'::regnamespace and p.prokind = 'f'
  and not exists (select 1 from pg_depend d where d.objid = p.oid and d.deptype = 'e')
"""


@pytest.fixture
async def catalogue(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def distributed(catalogue: asyncpg.Connection) -> dict[int, Any]:
    return {row["oid"]: row for row in await catalogue.fetch(_TABLES) if row["number"] is not None}


async def test_every_table_is_a_tenants_or_one_of_the_few_that_every_server_has(
    catalogue: asyncpg.Connection,
) -> None:
    rows = await catalogue.fetch(_TABLES)
    assert {row["name"] for row in rows if row["number"] is None} == REFERENCE_TABLES
    assert {(row["required"], row["type"]) for row in rows if row["number"]} == {(True, "uuid")}


async def test_every_unique_key_of_a_tenants_table_has_the_tenant_in_it(
    catalogue: asyncpg.Connection,
) -> None:
    tables = await distributed(catalogue)
    keys = [row for row in await catalogue.fetch(_KEYS) if row["table"] in tables]
    assert len(keys) > len(tables) / 2
    assert [row["name"] for row in keys if tables[row["table"]]["number"] not in row["columns"]] == []
    with_key = {row["table"] for row in keys}
    assert [row["name"] for oid, row in tables.items() if oid not in with_key] == []


async def test_foreign_keys_stay_with_the_tenant_or_lead_to_what_every_server_has(
    catalogue: asyncpg.Connection,
) -> None:
    tables = await distributed(catalogue)
    wrong = []
    for key in await catalogue.fetch(_FOREIGN_KEYS):
        if key["other"] not in tables:
            continue
        pairs = zip(key["conkey"], key["confkey"], strict=True)
        if (
            key["own"] not in tables
            or (tables[key["own"]]["number"], tables[key["other"]]["number"]) not in pairs
        ):
            wrong.append(key["name"])
        # Setting the whole key to null would take the tenant away; with a list of columns it does not.
        if key["confdeltype"] == b"n":
            wrong.append(key["name"])
    assert wrong == []


async def test_nothing_counts_or_fires_over_the_whole_table(catalogue: asyncpg.Connection) -> None:
    triggers = await catalogue.fetch("select tgname from pg_trigger where not tgisinternal")
    sequences = await catalogue.fetch("select relname from pg_class where relkind = 'S'")
    children = await catalogue.fetch(
        "select inhrelid::regclass::text from pg_inherits i join pg_class c on c.oid = i.inhrelid where c.relkind = 'r'"
    )
    rules = await catalogue.fetch("select rulename from pg_rules where schemaname = 'public'")
    assert [triggers, sequences, children, rules] == [[], [], [], []]


async def test_functions_that_read_tenants_tables_are_known(catalogue: asyncpg.Connection) -> None:
    names = "|".join(row["name"] for row in (await distributed(catalogue)).values())
    reads = re.compile(rf"\b(?:from|join|update|into)\s+\(*(?:public\.)?(?:{names})\b", re.IGNORECASE)
    found = {row["name"] for row in await catalogue.fetch(_FUNCTIONS) if reads.search(row["body"] or "")}
    assert sorted(found ^ FUNCTIONS) == []


def is_bound(query: Query) -> bool:
    return "tenant_id" in query.parameters


def locks(query: Query) -> bool:
    return re.search(r"\bfor (no key )?(update|share)\b", query.text, re.IGNORECASE) is not None


async def test_queries_that_lock_rows_of_several_tenants_are_known() -> None:
    assert {query.name for query in sql if locks(query) and not is_bound(query)} == LOCK_SEVERAL
