-- name: create_order
with item as (
  insert into order_items (
    tenant_id, id, order_id, position, product_id, sku, name, unit, quantity, sold_unit, sold_quantity, base_price,
    base_price_unit, unit_price, price_unit, discount_percent, line_total, price_source, note
  )
  select
    $tenant_id, given.id, $id, given.place, products.id, products.sku, products.name, products.unit,
    given.quantity, given.sold_unit, given.sold_quantity, given.base_price, given.base_price_unit, given.unit_price,
    given.price_unit, given.discount_percent, given.line_total, given.price_source, given.note
  from unnest(
    $item_ids::uuid[], $product_ids::uuid[], $quantities::numeric[], $sold_units::text[], $sold_quantities::numeric[],
    $base_prices::numeric[], $base_price_units::text[], $unit_prices::numeric[], $price_units::text[],
    $discounts::numeric[], $line_totals::numeric[], $price_sources::text[], $notes_of_items::text[]
  ) with ordinality as given (
    id, product_id, quantity, sold_unit, sold_quantity, base_price, base_price_unit, unit_price, price_unit,
    discount_percent, line_total, price_source, note, place
  )
  join products on products.tenant_id = $tenant_id and products.id = given.product_id
  returning *
),
counter as (
  insert into document_counters as counter (tenant_id, series, value)
  values ($tenant_id, 'order', 1)
  on conflict (tenant_id, series) do update
    set value = counter.value + 1
  returning value
),
placed as (
  insert into orders (
    tenant_id, id, serial, number, customer_id, site_id, location_id, fulfilment, status, subtotal, discount_percent,
    discount_amount, total, notes, items, created_by, created_at, updated_at, delivered_at
  )
  select
    $tenant_id, $id, counter.value, document_number($prefix, counter.value), $customer_id::uuid, $site_id::uuid,
    $location_id, $fulfilment, $status, $subtotal, $discount_percent, $discount_amount, $total, $notes,
    (
      select json_agg(
        sale_item_json(
          item.id, item.position, item.product_id, item.sku, item.name, item.unit, item.quantity, item.sold_unit,
          item.sold_quantity, item.base_price, item.base_price_unit, item.unit_price, item.price_unit,
          item.discount_percent, item.line_total, item.price_source, item.note
        )
        order by item.position
      )
      from item
    ),
    $user_id, $now, $now, case when $status = 'delivered' then $now end
  from counter
  returning *
)
select placed.number, order_json(placed::orders, customers.name, sites.name, $allowed)::text as body
from placed
left join customers on customers.tenant_id = $tenant_id and customers.id = placed.customer_id
left join sites on sites.tenant_id = $tenant_id and sites.id = placed.site_id

-- name: get_order
select orders.version, order_json(orders, customers.name, sites.name, $allowed)::text as body
from orders
left join customers on customers.tenant_id = orders.tenant_id and customers.id = orders.customer_id
left join sites on sites.tenant_id = orders.tenant_id and sites.id = orders.site_id
where orders.tenant_id = $tenant_id
  and orders.id = $id

-- name: find_order_state
select status, fulfilment
from orders
where tenant_id = $tenant_id
  and id = $id

-- name: find_order_content
-- What a new draft is made from.
select customer_id, site_id, discount_percent, null::integer as validity_days, notes, items, total
from orders
where tenant_id = $tenant_id
  and id = $id

-- name: list_orders
-- The plain list, newest first; the bounds are always given so that one plan walks the index from the cursor on.
with placed as (
  select *
  from orders
  where tenant_id = $tenant_id
    and (created_at, id) < ($before_at::timestamptz, $before_id::uuid)
  order by created_at desc, id desc
  limit $limit
)
select
  placed.created_at,
  placed.id,
  order_json(placed::orders, customers.name, sites.name, $allowed)::text as body
from placed
left join customers on customers.tenant_id = $tenant_id and customers.id = placed.customer_id
left join sites on sites.tenant_id = $tenant_id and sites.id = placed.site_id
order by placed.created_at desc, placed.id desc

-- name: search_orders
select
  orders.created_at,
  orders.id,
  order_json(orders, customers.name, sites.name, $allowed)::text as body
from orders
left join customers on customers.tenant_id = orders.tenant_id and customers.id = orders.customer_id
left join sites on sites.tenant_id = orders.tenant_id and sites.id = orders.site_id
where orders.tenant_id = $tenant_id
  and (orders.created_at, orders.id) < ($before_at::timestamptz, $before_id::uuid)
  and orders.created_at >= $from_at
  and ($status::text is null or orders.status = $status)
  and ($fulfilment::text is null or orders.fulfilment = $fulfilment)
  and ($customer_id::uuid is null or orders.customer_id = $customer_id)
  and (
    $q::text is null
    or orders.serial = $serial::bigint
    or orders.customer_id in (
      select named.id
      from customers as named
      where named.tenant_id = $tenant_id
        and named.search like all ((select search_patterns($q))::text[])
    )
  )
order by orders.created_at desc, orders.id desc
limit $limit

-- name: move_order
-- One step of the state machine that leaves the stock alone. `sources` are 'fulfilment/status' pairs.
with former as (
  select id, status
  from orders
  where tenant_id = $tenant_id
    and id = $id
  for no key update
),
moved as (
  update orders
  set
    status = $target,
    version = version + 1,
    updated_at = $now,
    prepared_at = case when $target = 'preparing' then $now else prepared_at end,
    dispatched_at = case when $target = 'out_for_delivery' then $now else dispatched_at end,
    ready_at = case when $target = 'ready_for_pickup' then $now else ready_at end
  from former
  where orders.tenant_id = $tenant_id
    and orders.id = former.id
    and orders.fulfilment || '/' || orders.status = any ($sources::text[])
  returning orders.*
)
select
  moved.version,
  former.status as previous,
  order_json(moved::orders, customers.name, sites.name, $allowed)::text as body
from moved
join former on former.id = moved.id
left join customers on customers.tenant_id = $tenant_id and customers.id = moved.customer_id
left join sites on sites.tenant_id = $tenant_id and sites.id = moved.site_id

-- name: deliver_order
-- An order that leaves as a whole; the rest of one that leaves in parts is a part. Locks the order, then the levels in the
-- order of their product ids. A product's movement takes the id of its first item: an item is delivered once, so the same delivery can never be booked twice.
with former as (
  select id, status
  from orders
  where tenant_id = $tenant_id
    and id = $id
  for no key update
),
moved as (
  update orders
  set status = 'delivered', version = version + 1, updated_at = $now, delivered_at = $now
  from former
  where orders.tenant_id = $tenant_id
    and orders.id = former.id
    and orders.fulfilment || '/' || orders.status = any ($sources::text[])
    and orders.left_total is null
  returning orders.*
),
wanted as (
  select
    order_items.product_id,
    sum(order_items.quantity) as quantity,
    (array_agg(order_items.id order by order_items.position))[1] as movement_id
  from moved
  join order_items on order_items.tenant_id = $tenant_id and order_items.order_id = moved.id
  group by order_items.product_id
),
level as (
  insert into stock_levels as level (tenant_id, product_id, location_id, on_hand, reserved, created_at, updated_at)
  select $tenant_id, wanted.product_id, moved.location_id, -wanted.quantity, wanted.quantity, $now, $now
  from wanted, moved
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
    round(cost.average_cost, 2), $id, $user_id, $now
  from level
  join wanted on wanted.product_id = level.product_id
  left join stock_costs as cost on cost.tenant_id = $tenant_id and cost.product_id = level.product_id
)
select
  moved.version,
  former.status as previous,
  moved.customer_id,
  moved.location_id,
  moved.total,
  moved.items,
  array(
    select row (
      wanted.product_id, wanted.quantity, level.on_hand, level.available, level.in_lots or lots.product_id is not null
    )
    from wanted
    join level on level.product_id = wanted.product_id
    left join lot_products as lots on lots.tenant_id = $tenant_id and lots.product_id = wanted.product_id
    order by wanted.product_id
  ) as taken,
  order_json(moved::orders, customers.name, sites.name, $allowed)::text as body
from moved
join former on former.id = moved.id
left join customers on customers.tenant_id = $tenant_id and customers.id = moved.customer_id
left join sites on sites.tenant_id = $tenant_id and sites.id = moved.site_id

-- name: take_order_stock
-- A sale over the counter: the order was created delivered, and what was reserved a moment ago leaves at once.
with wanted as (
  select
    product_id,
    sum(quantity) as quantity,
    (array_agg(id order by position))[1] as movement_id
  from order_items
  where tenant_id = $tenant_id
    and order_id = $id
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
    round(cost.average_cost, 2), $id, $user_id, $now
  from level
  join wanted on wanted.product_id = level.product_id
  left join stock_costs as cost on cost.tenant_id = $tenant_id and cost.product_id = level.product_id
)
select wanted.product_id, wanted.quantity, level.on_hand, level.available, level.in_lots or lots.product_id is not null as in_lots
from wanted
join level on level.product_id = wanted.product_id
left join lot_products as lots on lots.tenant_id = $tenant_id and lots.product_id = wanted.product_id
order by wanted.product_id

-- name: lock_order
select
from orders
where tenant_id = $tenant_id
  and id = $id
for no key update

-- name: cancel_order
-- Gives back what is still reserved of the order, in the order of the product ids. The order is locked by a statement
-- before: one that waited for the lock would not see what a part took meanwhile, and would release it again.
with former as (
  select id, status
  from orders
  where tenant_id = $tenant_id
    and id = $id
),
moved as (
  update orders
  set
    status = 'cancelled',
    version = version + 1,
    updated_at = $now,
    cancelled_at = $now,
    reason = $reason::text
  from former
  where orders.tenant_id = $tenant_id
    and orders.id = former.id
    and orders.fulfilment || '/' || orders.status = any ($sources::text[])
  returning orders.*
),
wanted as (
  select
    order_items.product_id,
    sum(
      case
        when moved.left_total is null then order_items.quantity
        else order_items.quantity - left_quantity($tenant_id, order_items.id)
      end
    ) as quantity
  from moved
  join order_items on order_items.tenant_id = $tenant_id and order_items.order_id = moved.id
  group by order_items.product_id
),
level as (
  insert into stock_levels as level (tenant_id, product_id, location_id, on_hand, reserved, created_at, updated_at)
  select $tenant_id, wanted.product_id, moved.location_id, 0, wanted.quantity, $now, $now
  from wanted, moved
  order by wanted.product_id
  on conflict (tenant_id, product_id, location_id) do update
    set reserved = level.reserved - excluded.reserved, updated_at = excluded.updated_at
  returning product_id
)
select
  moved.version,
  former.status as previous,
  moved.left_total,
  order_json(moved::orders, customers.name, sites.name, $allowed)::text as body
from moved
join former on former.id = moved.id
left join customers on customers.tenant_id = $tenant_id and customers.id = moved.customer_id
left join sites on sites.tenant_id = $tenant_id and sites.id = moved.site_id
