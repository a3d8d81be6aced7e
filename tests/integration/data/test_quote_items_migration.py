"""The migration that keeps a quote's items once: nothing of what stores have written may be lost on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import takewhile
from uuid import UUID

import asyncpg
import pytest

from runtime.data import migrations
from runtime.data.migrations import read_migrations

NAME = "quote_items_once"
STORE, CUSTOMER, QUOTE = (UUID(int=number) for number in range(1, 4))
CEMENT, LIME, SAND = (UUID(int=number) for number in range(11, 14))
WRITTEN = f"""
insert into tenants (id, slug, name) values ('{STORE}', 'yard', 'Yard');
insert into customers (tenant_id, id, kind, name, created_at, updated_at)
values ('{STORE}', '{CUSTOMER}', 'person', 'Maria', now(), now());
insert into products (tenant_id, id, sku, name, unit, base_price, created_at, updated_at)
select '{STORE}', given.id::uuid, given.sku, given.sku, 'UN', 10, now(), now()
from (values ('{CEMENT}', 'CIM'), ('{LIME}', 'CAL'), ('{SAND}', 'ARE')) as given (id, sku);
insert into quotes (
  tenant_id, id, serial, number, customer_id, subtotal, discount_amount, total, validity_days, valid_until, items,
  created_at, updated_at
)
values ('{STORE}', '{QUOTE}', 1, 'COT-000001', '{CUSTOMER}', 30, 0, 30, 7, now(), '[]', now(), now());
insert into quote_items (
  tenant_id, id, quote_id, position, product_id, sku, name, unit, quantity, sold_unit, sold_quantity, base_price,
  base_price_unit, unit_price, price_unit, discount_percent, line_total, price_source, note
)
values
  ('{STORE}', '{CEMENT}', '{QUOTE}', 2, '{LIME}', 'CAL', 'CAL', 'UN', 2, 'CX', 1, 10, 'UN', 10, 'UN', 0,
   20, 'base', null),
  ('{STORE}', '{LIME}', '{QUOTE}', 1, '{CEMENT}', 'CIM', 'CIM', 'UN', 1, 'UN', 1, 10, 'UN', 10, 'UN', 0,
   10, 'base', 'wet');
update quotes
set items = (
  select json_agg(
    sale_item_json(
      i.id, i.position, i.product_id, i.sku, i.name, i.unit, i.quantity, i.sold_unit, i.sold_quantity, i.base_price,
      i.base_price_unit, i.unit_price, i.price_unit, i.discount_percent, i.line_total, i.price_source, i.note
    )
    order by i.position
  )
  from quote_items as i
);
insert into quote_versions (tenant_id, quote_id, version, content, replaced_at)
values ('{STORE}', '{QUOTE}', 1, '{{"items": [{{"product_id": "{SAND}"}}]}}', now());
"""


@pytest.fixture
async def before(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[asyncpg.Connection]:
    """A database as it was before the migration, with one quote of two items that had another in a former version."""
    earlier = list(takewhile(lambda migration: migration.name != NAME, read_migrations()))
    with monkeypatch.context() as patched:
        patched.setattr(migrations, "read_migrations", lambda: earlier)
        await migrations.migrate(empty_database_url)
    connection = await asyncpg.connect(empty_database_url)
    await connection.execute(WRITTEN)
    yield connection
    await connection.close()


async def migrate(connection: asyncpg.Connection) -> None:
    [text] = [migration.text for migration in read_migrations() if migration.name == NAME]
    await connection.execute(text)


async def test_quotes_keep_their_items_and_products_that_they_were_counted(
    before: asyncpg.Connection,
) -> None:
    items = await before.fetchval("select items::text from quotes")
    assert "wet" in items
    await migrate(before)
    assert await before.fetchval("select items::text from quotes") == items
    counted = await before.fetch("select product_id from quoted_products order by product_id")
    assert [row[0] for row in counted] == [CEMENT, LIME, SAND]
    assert await before.fetchval("select to_regclass('quote_items')") is None


async def test_rows_that_say_something_else_stop_the_migration(before: asyncpg.Connection) -> None:
    for difference in (
        "update quote_items set note = 'dry' where position = 1",
        "delete from quote_items where position = 2",
        "delete from quote_items",
        "update quotes set items = '[]'",
    ):
        with pytest.raises(asyncpg.RaiseError, match="the items of 1 quotes differ"):
            async with before.transaction():
                await before.execute(difference)
                await migrate(before)
    assert await before.fetchval("select count(*) from quote_items") == 2
