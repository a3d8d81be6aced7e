-- name: lock_leaving_order
-- Everything that leaves of an order leaves under the lock of its row.
select status, fulfilment, customer_id, location_id, subtotal, total, items
from orders
where tenant_id = $tenant_id
  and id = $id
for no key update;

-- name: list_open_items
-- A statement of its own, after the lock: one that waited for the lock would not see what another part took.
select
  item.id,
  item.product_id,
  item.unit,
  item.quantity,
  item.sold_unit,
  item.sold_quantity,
  item.line_total,
  left_quantity($tenant_id, item.id) as left_quantity
from order_items as item
where item.tenant_id = $tenant_id
  and item.order_id = $order_id
order by item.position;

-- name: list_brought_items
select item.order_item_id, item.delivered_quantity
from delivery_items as item
join order_items as ordered
  on ordered.tenant_id = item.tenant_id
  and ordered.id = item.order_item_id
where item.tenant_id = $tenant_id
  and item.delivery_id = $delivery_id
  and ordered.order_id = $order_id
  and item.delivered_quantity > 0;

-- name: take_part
-- A part of an order leaves: its rows, the levels in the order of their product ids, and a movement per product that
-- takes the id of its first item, so that no part is ever booked twice. The last part makes the order delivered.
with part as (
  insert into order_parts (tenant_id, id, order_id, delivery_id, total, created_by, created_at)
  values ($tenant_id, $id, $order_id, $delivery_id::uuid, $total, $user_id, $now)
),
given as (
  select *
  from unnest(
    $item_ids::uuid[], $product_ids::uuid[], $quantities::numeric[], $amounts::numeric[], $movement_ids::uuid[]
  ) with ordinality as g (item_id, product_id, quantity, amount, movement_id, place)
),
item as (
  insert into order_part_items (tenant_id, part_id, order_item_id, quantity, amount)
  select $tenant_id, $id, given.item_id, given.quantity, given.amount
  from given
),
known as (
  update orders
  set
    left_total = coalesce(left_total, 0) + $total,
    status = case when $is_last::boolean then 'delivered' else status end,
    delivered_at = case when $is_last then $now else delivered_at end,
    version = version + 1,
    updated_at = $now
  where tenant_id = $tenant_id
    and id = $order_id
),
wanted as (
  select
    product_id,
    sum(quantity) as quantity,
    (array_agg(movement_id order by place))[1] as movement_id
  from given
  group by product_id
),
level as (
  insert into stock_levels as level (tenant_id, product_id, location_id, on_hand, reserved, created_at, updated_at)
  select $tenant_id, wanted.product_id, $location_id, -wanted.quantity, wanted.quantity, $now, $now
  from wanted
  order by wanted.product_id
  on conflict (tenant_id, product_id, location_id) do update
    set
      on_hand = level.on_hand + excluded.on_hand,
      reserved = level.reserved - excluded.reserved,
      last_sold_at = greatest(level.last_sold_at, $now),
      updated_at = excluded.updated_at
  returning product_id, location_id, on_hand, available, in_lots
),
movement as (
  insert into stock_movements (
    tenant_id, id, product_id, location_id, kind, delta, on_hand_after, unit_cost, order_id, user_id, created_at
  )
  select
    $tenant_id, wanted.movement_id, level.product_id, level.location_id, 'sale', -wanted.quantity, level.on_hand,
    round(cost.average_cost, 2), $order_id, $user_id, $now
  from level
  join wanted on wanted.product_id = level.product_id
  left join stock_costs as cost on cost.tenant_id = $tenant_id and cost.product_id = level.product_id
)
select wanted.product_id, wanted.quantity, level.on_hand, level.available, level.in_lots or lots.product_id is not null as in_lots
from wanted
join level on level.product_id = wanted.product_id
left join lot_products as lots on lots.tenant_id = $tenant_id and lots.product_id = wanted.product_id
order by wanted.product_id;

-- name: is_on_its_way
-- Whether a vehicle is out with some of the order.
select exists (
  select
  from delivery_orders as carried
  join deliveries as d
    on d.tenant_id = carried.tenant_id
    and d.id = carried.delivery_id
  where carried.tenant_id = $tenant_id
    and carried.order_id = $order_id
    and d.status in ('out', 'arrived')
);
