"""Stores and events written straight into the log, faster than any business could."""

from __future__ import annotations

import asyncpg

from benchmarks.installation import PARTITIONS
from runtime.data.ids import new_id, partition_of

_STORES = """
insert into tenants (id, slug, name)
select id, 'bench-' || place, 'Bench ' || place from unnest($1::uuid[]) with ordinality as given (id, place)
"""
_HEADS = """
insert into tenant_event_head (tenant_id, partition)
select id, partition from unnest($1::uuid[], $2::smallint[]) as given (id, partition)
"""
# Five different products of 200, the popular ones more often; `seq` runs per store, so that numbers have no gap.
_SALES = """
insert into event_outbox
  (tenant_id, tenant_seq, event_id, partition, event_type, version, vertical, occurred_at, payload)
select
  heads.tenant_id, heads.head + seq, gen_random_uuid(), heads.partition, 'sale_recorded', 1, 'construction', now(),
  jsonb_build_object('order_id', gen_random_uuid(), 'customer_id', null, 'total', '64.50', 'items', (
    select jsonb_agg(jsonb_build_object(
      'product_id', md5(heads.tenant_id::text || ((start.place + item * 37) % 200))::uuid,
      'quantity', '1.000', 'unit_price', '12.90', 'line_total', '12.90'))
    from generate_series(1, 5) as item
  ))
from tenant_event_head as heads
cross join generate_series(1, $1) as seq
cross join lateral (select floor(200 * power(random(), 2) + 0 * seq)::int as place) as start
where heads.tenant_id = any ($2::uuid[])
order by seq, heads.tenant_id
"""


async def add_stores(url: str, count: int) -> list[object]:
    """Stores that have an event log and nothing else."""
    ids = [new_id() for _ in range(count)]
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_STORES, ids)
        await connection.execute(_HEADS, ids, [partition_of(store, PARTITIONS) for store in ids])
    finally:
        await connection.close()
    return list(ids)


async def add_sales(url: str, stores: list[object], each: int) -> int:
    """``each`` events ``sale_recorded`` of five items per store; returns how many in all."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_SALES, each, stores, timeout=600)
        await connection.execute(
            "update tenant_event_head set head = head + $1 where tenant_id = any ($2::uuid[])", each, stores
        )
        await connection.execute("vacuum analyze event_outbox")
        await connection.execute("checkpoint")
    finally:
        await connection.close()
    return each * len(stores)
