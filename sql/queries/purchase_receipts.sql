-- name: find_purchase_lead_time
-- The longest of the lead times that the supplier promised for the products of an order.
select max(current.lead_time_days)
from purchase_order_items as items
cross join lateral (
  select prices.lead_time_days
  from supplier_prices as prices
  where prices.tenant_id = $tenant_id
    and prices.product_id = items.product_id
    and prices.supplier_id = $supplier_id
    and prices.valid_from <= $today::date
    and (prices.valid_to is null or prices.valid_to >= $today)
  order by prices.valid_from desc, prices.id desc
  limit 1
) as current
where items.tenant_id = $tenant_id
  and items.purchase_order_id = $purchase_order_id;

-- name: prepare_stock_levels
-- Levels for what is on its way, so that GET /stock shows it where it will arrive.
insert into stock_levels (tenant_id, product_id, location_id, created_at, updated_at)
select $tenant_id, items.product_id, $location_id::uuid, $now, $now
from purchase_order_items as items
where items.tenant_id = $tenant_id
  and items.purchase_order_id = $purchase_order_id
order by items.product_id
on conflict (tenant_id, product_id, location_id) do nothing;

-- name: insert_purchase_receipt
insert into purchase_receipts (
  tenant_id, id, purchase_order_id, supplier_id, location_id, document, notes, lead_time_days, received_by, received_at
)
values (
  $tenant_id, $id, $purchase_order_id, $supplier_id, $location_id, $document, $notes,
  least(greatest(round(extract(epoch from $now - $sent_at::timestamptz) / 86400, 2), 0), 99999), $user_id, $now
);

-- name: record_received_items
-- The lines of a receipt, what of the order has now come, and what each product cost this time.
with given as (
  select *
  from unnest($product_ids::uuid[], $movement_ids::uuid[], $quantities::numeric[], $unit_costs::numeric[])
    as given (product_id, movement_id, quantity, unit_cost)
),
line as (
  insert into purchase_receipt_items (tenant_id, receipt_id, product_id, movement_id, quantity, unit_cost)
  select $tenant_id, $receipt_id::uuid, given.product_id, given.movement_id, given.quantity, given.unit_cost
  from given
),
cost as (
  insert into purchase_costs (tenant_id, product_id, last_cost, purchase_order_id, updated_at)
  select $tenant_id, given.product_id, given.unit_cost, $purchase_order_id::uuid, $now
  from given
  order by given.product_id
  on conflict (tenant_id, product_id) do update
    set
      last_cost = excluded.last_cost,
      purchase_order_id = excluded.purchase_order_id,
      updated_at = excluded.updated_at
)
update purchase_order_items as items
set received_quantity = items.received_quantity + given.quantity
from given
where items.tenant_id = $tenant_id
  and items.purchase_order_id = $purchase_order_id
  and items.product_id = given.product_id;

-- name: list_purchase_receipts
select
  receipts.id,
  json_build_object(
    'id', receipts.id,
    'purchase_order_id', receipts.purchase_order_id,
    'location_id', receipts.location_id,
    'document', receipts.document,
    'notes', receipts.notes,
    'lead_time_days', receipts.lead_time_days::text,
    'received_by', receipts.received_by,
    'received_at', receipts.received_at,
    'items', (
      select json_agg(
        json_build_object(
          'product_id', items.product_id,
          'movement_id', items.movement_id,
          'quantity', items.quantity::text,
          'unit_cost', items.unit_cost::text
        )
        order by items.product_id
      )
      from purchase_receipt_items as items
      where items.tenant_id = $tenant_id
        and items.receipt_id = receipts.id
    )
  )::text as body
from purchase_receipts as receipts
where receipts.tenant_id = $tenant_id
  and receipts.purchase_order_id = $purchase_order_id
  and receipts.id > $after_id::uuid
order by receipts.id
limit $limit;
