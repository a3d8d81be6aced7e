"""The limits: an aiohttp server with nothing of ours in it (``python -m benchmarks.bare PORT [DATABASE_URL]``)."""

from __future__ import annotations

import sys
from decimal import Decimal
from uuid import UUID, uuid4

import asyncpg
import orjson
import uvloop
from aiohttp import web
from pydantic import BaseModel, TypeAdapter

_TABLES = """
create table if not exists bare_quotes (id uuid primary key, customer_id uuid not null, total numeric(14,2) not null,
  created_at timestamptz not null default now());
create table if not exists bare_quote_items (quote_id uuid not null, position int not null, product_id uuid not null,
  quantity numeric(14,3) not null, unit_price numeric(14,2) not null, line_total numeric(14,2) not null,
  primary key (quote_id, position));
"""
# Quote and items in one statement, the answer built by PostgreSQL.
INSERT = """
with quote as (
  insert into bare_quotes (id, customer_id, total) values ($1, $2, $3) returning *
),
items as (
  insert into bare_quote_items
  select $1, place, product_id, quantity, unit_price, round(quantity * unit_price, 2)
  from unnest($4::uuid[], $5::numeric[], $6::numeric[]) with ordinality as t (product_id, quantity, unit_price, place)
  returning *
)
select json_build_object('id', quote.id, 'total', quote.total::text, 'created_at', quote.created_at, 'items',
  (select json_agg(json_build_object('product_id', items.product_id, 'quantity', items.quantity::text,
    'unit_price', items.unit_price::text, 'line_total', items.line_total::text)
    order by items.position) from items))::text
from quote
"""


class _Item(BaseModel):
    product_id: UUID
    quantity: Decimal
    unit_price: Decimal


class _Quote(BaseModel):
    customer_id: UUID
    items: list[_Item]


_READER = TypeAdapter(_Quote)


async def _health(_request: web.Request) -> web.Response:
    return web.Response(body=b'{"status":"ok"}', content_type="application/json")


async def _serve(port: int, url: str | None) -> None:
    application = web.Application()
    application.router.add_get("/health", _health)
    if url is not None:
        owner = await asyncpg.connect(url)
        await owner.execute(_TABLES)
        await owner.close()
        pool = await asyncpg.create_pool(url, min_size=10, max_size=10, server_settings={"jit": "off"})

        async def create_quote(request: web.Request) -> web.Response:
            quote = _READER.validate_python(orjson.loads(await request.read()))
            total = sum((item.quantity * item.unit_price for item in quote.items), Decimal(0))
            body = await pool.fetchval(
                INSERT,
                uuid4(),
                quote.customer_id,
                total.quantize(Decimal("0.01")),
                [item.product_id for item in quote.items],
                [item.quantity for item in quote.items],
                [item.unit_price for item in quote.items],
            )
            return web.Response(body=body.encode(), status=201, content_type="application/json")

        application.router.add_post("/quotes", create_quote)
    await web._run_app(application, host="127.0.0.1", port=port, access_log=None, print=None)


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None))
