from __future__ import annotations

import re
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from runtime.data.catalogue_check import check_catalogue
from runtime.data.database import Database
from runtime.data.oracles import oracles
from runtime.data.queries import Query, parse_queries, sql
from runtime.errors import StartupError

ROOT = Path(__file__).parents[2]
SOURCES = [
    path
    for room in ("runtime", "handlers", "actors", "tests", "benchmarks")
    for path in (ROOT / room).rglob("*.py")
]


@pytest.mark.parametrize("query", list(sql), ids=lambda query: query.name)
def test_every_query_binds_the_tenant_or_says_why_not(query) -> None:
    binds = "tenant_id" in query.parameters or "tenant_ids" in query.parameters
    assert binds or "-- all tenants:" in query.source


def test_every_query_is_called_somewhere() -> None:
    used = {name for path in SOURCES for name in re.findall(r"\bsql\.([a-z0-9_]+)", path.read_text())}
    defined = {query.name for query in sql}
    used |= {query.name for query in oracles()}  # called as a group
    assert defined - used == set()
    assert used - defined == set()


def test_sql_lives_in_its_directory_only() -> None:
    statement = re.compile(
        r"\"\s*(select\s.+\sfrom|insert\s+into|update\s+\w+\s+set|delete\s+from)\s", re.IGNORECASE
    )
    allowed = {"runtime/data/migrations.py"}
    offenders = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if path.relative_to(ROOT).parts[0] in ("runtime", "handlers", "actors")
        and str(path.relative_to(ROOT)) not in allowed
        and statement.search(path.read_text())
    ]
    assert offenders == []


async def test_every_query_prepares_against_the_migrated_schema(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    failures = []
    try:
        for query in sql:
            try:
                await connection.prepare(query.text)
            except asyncpg.PostgresError as error:
                failures.append(f"{query.name}: {error}")
    finally:
        await connection.close()
    assert failures == []


def test_a_parameter_named_twice_gets_one_position() -> None:
    [query] = parse_queries("-- name: some_thing\nselect $a::int, $b::int -- not $c\nwhere $a = 1;")
    assert query.text.startswith("select $1::int, $2::int")
    assert query.parameters == ("a", "b")
    assert query.arguments({"a": 1, "b": 2}, {}) == [1, 2]
    with pytest.raises(TypeError, match=r"\$b is missing"):
        query.arguments({"a": 1}, {})
    with pytest.raises(TypeError, match="unknown"):
        query.arguments({"a": 1, "b": 2, "d": 3}, {})


async def test_the_migrated_schema_passes_the_start_up_check(database: Database) -> None:
    await check_catalogue(database)


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        ("alter table users no force row level security", "users is not under forced"),
        ("alter table users disable row level security", "users is not under forced"),
        ("drop policy tenant on users", "users has no restrictive tenant policy"),
        ("create view seen as select * from users", "view seen runs with its owner's rights"),
        ("create unique index loose on users (email)", "unique index loose"),
        (
            "alter table users add unique (id); "
            "create table child (tenant_id uuid not null, id uuid, user_id uuid references users (id), "
            "primary key (tenant_id, id)); call secure_tenant_table('child')",
            "child.child_user_id_fkey",
        ),
    ],
)
async def test_a_hole_in_the_walls_between_tenants_stops_the_start(
    database: Database, database_url: str, damage: str, complaint: str
) -> None:
    owner = await asyncpg.connect(database_url)
    try:
        await owner.execute(damage)
        with pytest.raises(StartupError, match=re.escape(complaint)):
            await check_catalogue(database)
    finally:
        await owner.close()


async def test_a_connection_that_kept_the_owners_rights_stops_the_start(database_url: str) -> None:
    async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool:
        with pytest.raises(StartupError, match="is a superuser, an owner, or bypasses"):
            await check_catalogue(Database(pool, "api"))


async def test_no_tenant_set_means_no_rows(database: Database, database_url: str) -> None:
    owner = await asyncpg.connect(database_url)
    tables = await owner.fetch(
        "select c.oid::regclass::text as name from pg_class c join pg_attribute a on a.attrelid = c.oid "
        "and a.attname = 'tenant_id' where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace "
        "and has_table_privilege('basecommerce_api', c.oid, 'select')"
    )
    await owner.execute(
        "insert into tenants (id, slug, name) values ('00000000-0000-7000-8000-000000000001', 'one', 'One')"
    )
    await owner.execute(
        "insert into tenant_event_head (tenant_id, partition) values ('00000000-0000-7000-8000-000000000001', 0)"
    )
    await owner.close()
    async with database.transaction() as tx:
        for table in tables:
            assert await tx._connection.fetchval(f"select count(*) from {table['name']}") == 0, table["name"]


async def test_an_engine_writes_the_rows_of_its_batch_only(
    engine_database: Database, database_url: str
) -> None:
    inside, outside = UUID(int=1), UUID(int=2)
    query = Query(
        "total", "insert into engine_sales_totals (tenant_id, orders) values ($1, 0)", ("tenant_id",), ""
    )
    async with engine_database.engine([inside]) as tx:
        await tx.execute(query, tenant_id=inside)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with engine_database.engine([inside]) as tx:
            await tx.execute(query, tenant_id=outside)
