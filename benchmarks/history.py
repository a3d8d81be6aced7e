"""A database with a past: many stores, one of them large, written in SQL as the schema's owner."""

from __future__ import annotations

from uuid import UUID

import asyncpg

LARGE = UUID(int=1)
"""The store that has half of everything, or all of it when there is no other."""
WEBHOOK = UUID(int=2)
CONSUMERS = ("relay", "stock", "sales")
PRODUCTS, CUSTOMERS = 60, 60


async def grow(connection: asyncpg.Connection, *, stores: int, events: int) -> None:
    """Fill an empty, migrated database: ``events`` in the log, and in proportion what a store keeps beside it.

    Each store has as many products and customers, however long its past is. Triggers, foreign keys among them, are
    left out: what is written is consistent. Ends with fresh statistics and visibility maps.
    """
    each = events // stores if stores == 1 else events // 2 // (stores - 1)
    large = events if stores == 1 else events // 2
    async with connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        await connection.execute(_STORES, stores, LARGE, large, each)
        for statement in _PASTS:
            await connection.execute(statement)
        for consumer in CONSUMERS:
            await connection.execute(_CURSORS, consumer)
        await connection.execute(_WEBHOOK, WEBHOOK)
    await connection.execute("vacuum analyze")


_STORES = """
with made as (
  insert into tenants (id, slug, name)
  select case i when 1 then $2::uuid else md5('store ' || i)::uuid end, 'store-' || i, 'Store ' || i
  from generate_series(1, $1::integer) as i
  returning id
)
insert into tenant_event_head (tenant_id, partition, head, updated_at)
select id, 0, case id when $2 then $3::bigint else $4::bigint end, now() - interval '1 hour'
from made
"""

_CURSORS = """
insert into consumer_cursor (consumer, tenant_id, last_seq)
select $1, tenant_id, head
from tenant_event_head
"""

# One event in five is about a quote, one in eight about an order with a movement and a delivery, one in four audited.
_PASTS = (
    f"""
    insert into customers (tenant_id, id, kind, name, created_at, updated_at)
    select tenant_id, md5('customer ' || i)::uuid, 'person', 'Customer ' || i, now(), now()
    from tenant_event_head, generate_series(1, {CUSTOMERS}) as i
    """,
    f"""
    insert into products (tenant_id, id, sku, name, unit, base_price, created_at, updated_at)
    select tenant_id, md5('product ' || i)::uuid, 'P-' || i, 'Product ' || i, 'UN', 10, now(), now()
    from tenant_event_head, generate_series(1, {PRODUCTS}) as i
    """,
    f"""
    insert into event_outbox (
      tenant_id, tenant_seq, event_id, partition, event_type, version, vertical, occurred_at, recorded_at, payload
    )
    select
      tenant_id, i, gen_random_uuid(), 0, case when i % 997 = 0 then 'quote_rejected' else 'stock_updated' end, 1,
      'building_materials', now() - (head - i) * interval '1 minute', now() - (head - i) * interval '1 minute',
      json_build_object(
        'order_id', md5('order ' || i / 8)::uuid, 'product_id', md5('product ' || 1 + i % {PRODUCTS})::uuid
      )
    from tenant_event_head, generate_series(1, head) as i
    """,
    """
    insert into audit_log (tenant_id, id, at, action, thing, thing_id)
    select
      tenant_id, lpad(to_hex(i), 32, '0')::uuid, now() - (head - 4 * i) * interval '1 minute',
      case when i % 997 = 0 then 'quote.rejected' else 'quote.created' end, 'quote', md5('quote ' || i)::uuid
    from tenant_event_head, generate_series(1, head / 4) as i
    """,
    f"""
    insert into quotes (
      tenant_id, id, serial, number, customer_id, status, subtotal, discount_amount, total, validity_days, valid_until,
      items, created_at, updated_at
    )
    select
      tenant_id, md5('quote ' || i)::uuid, i, 'COT-' || i, md5('customer ' || 1 + i % {CUSTOMERS})::uuid,
      case when i % 997 = 0 then 'rejected' else 'cancelled' end, 10, 0, 10, 7, now(), '[]',
      now() - (head - 5 * i) * interval '1 minute', now()
    from tenant_event_head, generate_series(1, head / 5) as i
    """,
    f"""
    insert into orders (
      tenant_id, id, serial, number, customer_id, location_id, fulfilment, status, subtotal, discount_amount, total,
      items, created_at, updated_at, delivered_at
    )
    select
      tenant_id, md5('order ' || i)::uuid, i, 'PED-' || i, md5('customer ' || 1 + i % {CUSTOMERS})::uuid,
      md5('location')::uuid, 'counter', 'delivered', 10, 0, 10, '[]', now() - (head - 8 * i) * interval '1 minute',
      now(), now() - (head - 8 * i) * interval '1 minute'
    from tenant_event_head, generate_series(1, head / 8) as i
    """,
    f"""
    insert into stock_movements (tenant_id, id, product_id, location_id, kind, delta, on_hand_after, created_at)
    select
      tenant_id, md5('movement ' || i)::uuid, md5('product ' || 1 + i % {PRODUCTS})::uuid, md5('location')::uuid,
      'sale', -1, 1000, now() - (head - 8 * i) * interval '1 minute'
    from tenant_event_head, generate_series(1, head / 8) as i
    """,
    """
    insert into deliveries (
      tenant_id, id, serial, number, order_id, status, weight_kg, volume_m3, measured, created_at, updated_at,
      finished_at
    )
    select
      tenant_id, md5('delivery ' || i)::uuid, i, 'ENT-' || i, md5('order ' || i)::uuid, 'cancelled', 10, 0, true,
      now() - (head - 8 * i) * interval '1 minute', now(), now()
    from tenant_event_head, generate_series(1, head / 8) as i
    """,
    """
    insert into dead_letters (
      tenant_id, id, consumer, tenant_seq, event_id, event_type, version, occurred_at, payload, error, attempts, state,
      resolved_at
    )
    select
      tenant_id, md5(tenant_id || 'letter ' || i)::uuid, 'stock', i, gen_random_uuid(), 'stock_updated', 1, now(), '{}',
      'error', 5, 'replayed', now()
    from tenant_event_head, generate_series(1, head / 10) as i
    """,
)

_WEBHOOK = f"""
with hook as (
  insert into webhooks (tenant_id, id, url, last_seq, created_at, updated_at)
  select tenant_id, $1, 'https://example.org/hook', head, now(), now()
  from tenant_event_head
  where tenant_id = '{LARGE}'
  returning tenant_id, id, last_seq
)
insert into webhook_deliveries (tenant_id, id, webhook_id, tenant_seq, event_type, body, state, attempts, ended_at)
select
  tenant_id, lpad(to_hex(i), 32, '0')::uuid, id, i, 'stock_updated', '{{}}',
  case when i % 997 = 0 then 'dead' else 'delivered' end, 1, now()
from hook, generate_series(1, last_seq / 4) as i
"""
