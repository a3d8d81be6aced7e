-- name: find_purchase_parts
-- One row per wanted product, in the order given: what a purchase order needs to know before it is written.
select
  products.id is not null as known,
  products.active,
  products.unit,
  products.unit_conversions,
  asked.price,
  asked.quoted_unit,
  asked.quoted_price,
  asked.quoted_units,
  asked.quoted_holds,
  coalesce(purchase_costs.last_cost, products.cost) as cost,
  (select suppliers.active from suppliers where suppliers.tenant_id = $tenant_id and suppliers.id = $supplier_id)
    as supplier_active,
  exists (select from locations where locations.tenant_id = $tenant_id and locations.id = $location_id::uuid)
    as location_exists
from unnest($product_ids::uuid[]) with ordinality as wanted (product_id, place)
left join products on products.tenant_id = $tenant_id and products.id = wanted.product_id
left join purchase_costs on purchase_costs.tenant_id = $tenant_id and purchase_costs.product_id = wanted.product_id
left join lateral (
  select prices.*
  from supplier_prices as prices
  where prices.tenant_id = $tenant_id
    and prices.product_id = wanted.product_id
    and prices.supplier_id = $supplier_id::uuid
    and prices.valid_from <= $today::date
    and (prices.valid_to is null or prices.valid_to >= $today)
  order by prices.valid_from desc, prices.id desc
  limit 1
) as asked on true
order by wanted.place;

-- name: insert_purchase_order
with counter as (
  insert into document_counters as counter (tenant_id, series, value)
  values ($tenant_id, 'purchase_order', 1)
  on conflict (tenant_id, series) do update
    set value = counter.value + 1
  returning value
)
insert into purchase_orders (
  tenant_id, id, serial, number, supplier_id, location_id, total, expected_on, notes, from_suggestions, created_by,
  created_at, updated_at
)
select
  $tenant_id, $id, counter.value,
  document_number(
    coalesce((select settings ->> 'purchase_order_prefix' from tenants where id = $tenant_id), $default_prefix), counter.value
  ),
  $supplier_id, $location_id, $total,
  $expected_on, $notes, $from_suggestions, $user_id, $now, $now
from counter;

-- name: insert_purchase_items
insert into purchase_order_items (
  tenant_id, id, purchase_order_id, position, product_id, sku, name, unit, quantity, unit_cost, bought_unit,
  bought_quantity, bought_cost, cost_unit, cost_units, cost_holds, line_total, note
)
select
  $tenant_id, given.id, $purchase_order_id::uuid, given.place, products.id, products.sku, products.name, products.unit,
  given.quantity, given.unit_cost, given.bought_unit, given.bought_quantity, given.bought_cost, given.cost_unit,
  given.cost_units, given.cost_holds, given.line_total, given.note
from unnest(
  $item_ids::uuid[], $product_ids::uuid[], $quantities::numeric[], $unit_costs::numeric[], $bought_units::text[],
  $bought_quantities::numeric[], $bought_costs::numeric[], $cost_units::text[], $cost_counts::numeric[],
  $cost_holds::numeric[], $line_totals::numeric[], $notes_of_items::text[]
) with ordinality as given (
  id, product_id, quantity, unit_cost, bought_unit, bought_quantity, bought_cost, cost_unit, cost_units, cost_holds,
  line_total, note, place
)
join products on products.tenant_id = $tenant_id and products.id = given.product_id;

-- name: delete_purchase_items
delete from purchase_order_items
where tenant_id = $tenant_id
  and purchase_order_id = $purchase_order_id
  and exists (
    select from purchase_orders
    where purchase_orders.tenant_id = $tenant_id
      and purchase_orders.id = $purchase_order_id
      and purchase_orders.status = 'draft'
  );

-- name: get_purchase_order
select
  purchase_orders.version,
  purchase_order_json(purchase_orders, suppliers.name, $allowed)::text as body
from purchase_orders
join suppliers on suppliers.tenant_id = purchase_orders.tenant_id and suppliers.id = purchase_orders.supplier_id
where purchase_orders.tenant_id = $tenant_id
  and purchase_orders.id = $id;

-- name: lock_purchase_order
select
  purchase_orders.number, purchase_orders.supplier_id, purchase_orders.location_id, purchase_orders.status,
  purchase_orders.total, purchase_orders.expected_on, purchase_orders.notes, purchase_orders.from_suggestions,
  purchase_orders.sent_at, purchase_orders.version,
  suppliers.active as supplier_active
from purchase_orders
join suppliers on suppliers.tenant_id = purchase_orders.tenant_id and suppliers.id = purchase_orders.supplier_id
where purchase_orders.tenant_id = $tenant_id
  and purchase_orders.id = $id
for no key update of purchase_orders;

-- name: list_purchase_items
select
  product_id, unit, quantity, unit_cost, received_quantity, bought_unit, bought_quantity, bought_cost, cost_units,
  cost_holds
from purchase_order_items
where tenant_id = $tenant_id
  and purchase_order_id = $purchase_order_id
order by position;

-- name: list_purchase_orders
select
  purchase_orders.created_at,
  purchase_orders.id,
  purchase_order_json(purchase_orders, suppliers.name, $allowed)::text as body
from purchase_orders
join suppliers on suppliers.tenant_id = purchase_orders.tenant_id and suppliers.id = purchase_orders.supplier_id
where purchase_orders.tenant_id = $tenant_id
  and (purchase_orders.created_at, purchase_orders.id) < ($before_at::timestamptz, $before_id::uuid)
  and purchase_orders.created_at >= $from_at
  and ($status::text is null or purchase_orders.status = $status)
  and ($supplier_id::uuid is null or purchase_orders.supplier_id = $supplier_id)
  and (
    $product_id::uuid is null
    or exists (
      select from purchase_order_items as items
      where items.tenant_id = $tenant_id
        and items.purchase_order_id = purchase_orders.id
        and items.product_id = $product_id
    )
  )
  and (
    $q::text is null
    or purchase_orders.serial = $serial::bigint
    or suppliers.search like all ((select search_patterns($q))::text[])
  )
order by purchase_orders.created_at desc, purchase_orders.id desc
limit $limit;

-- name: update_purchase_order
update purchase_orders
set
  supplier_id = $supplier_id,
  location_id = $location_id,
  expected_on = $expected_on,
  notes = $notes,
  total = $total,
  version = version + 1,
  updated_at = greatest(updated_at, $now)
where tenant_id = $tenant_id
  and id = $id;

-- name: move_purchase_order
update purchase_orders
set
  status = $status,
  reason = coalesce($reason::text, reason),
  expected_on = coalesce(expected_on, $expected_on::date),
  version = version + 1,
  updated_at = greatest(updated_at, $now),
  sent_at = case when $status = 'sent' then $now else sent_at end,
  received_at = case when $status = 'received' then $now end,
  cancelled_at = case when $status = 'cancelled' then $now end
where tenant_id = $tenant_id
  and id = $id;

-- name: find_wanted_products
-- The products to buy: those asked for, else those with an open suggestion, the most urgent first. `drafted` is the
-- number of a draft made from suggestions that has the product already.
select
  p.id as product_id,
  p.name,
  p.unit,
  p.unit_conversions,
  p.purchase_pack,
  p.active,
  e.suggested_quantity,
  (
    select min(purchase.number)
    from purchase_order_items as items
    join purchase_orders as purchase
      on purchase.tenant_id = items.tenant_id
      and purchase.id = items.purchase_order_id
    where items.tenant_id = $tenant_id
      and items.product_id = p.id
      and items.received_quantity < items.quantity
      and purchase.status = 'draft'
      and purchase.from_suggestions
  ) as drafted
from products as p
left join engine_stock_products as e
  on e.tenant_id = p.tenant_id
  and e.product_id = p.id
  and e.status = 'open'
  and e.kind = 'stock_out'
  and e.suggested_quantity > 0
  and coalesce(e.suggestion_state, 'accepted') = 'accepted'
where p.tenant_id = $tenant_id
  and case
    when $product_ids::uuid[] is null then e.product_id is not null
    else p.id = any ($product_ids)
  end
order by e.priority, e.days_left, p.id
limit $limit;
