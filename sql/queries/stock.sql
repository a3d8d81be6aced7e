-- name: reserve_stock
-- The levels are locked in the order of the product ids. The reservation is written first and judged afterwards:
-- what comes back short (below zero available) is refused by the caller, which undoes it.
with wanted as (
  select given.product_id, sum(given.quantity) as quantity
  from unnest($product_ids::uuid[], $quantities::numeric[]) as given (product_id, quantity)
  group by given.product_id
),
level as (
  insert into stock_levels as level (tenant_id, product_id, location_id, on_hand, reserved, created_at, updated_at)
  select $tenant_id, wanted.product_id, $location_id, 0, wanted.quantity, $now, $now
  from wanted
  order by wanted.product_id
  on conflict (tenant_id, product_id, location_id) do update
    set reserved = level.reserved + excluded.reserved, updated_at = excluded.updated_at
  returning product_id, available
)
select wanted.product_id, wanted.quantity, level.available + wanted.quantity as available
from wanted
join level on level.product_id = wanted.product_id
where level.available < 0
order by wanted.product_id

-- name: find_default_location
select id
from locations
where tenant_id = $tenant_id
  and is_default

-- name: create_default_location
insert into locations (tenant_id, id, name, is_default, created_at)
values ($tenant_id, $id, $name, true, $now)
on conflict do nothing

-- name: list_locations
select id, json_build_object(
  'id', id,
  'name', name,
  'is_default', is_default,
  'active', active,
  'created_at', created_at
)::text as body
from locations
where tenant_id = $tenant_id
  and id > $after_id::uuid
order by id
limit $limit

-- name: lock_product_stock
-- The product's row keeps two bookings of one product apart, so that its average cost is exact.
select
  products.cost,
  products.unit,
  products.unit_conversions,
  (select locations.id from locations where locations.tenant_id = $tenant_id and locations.is_default)
    as default_location_id,
  exists (select from locations where locations.tenant_id = $tenant_id and locations.id = $location_id::uuid)
    as location_exists,
  exists (select from lot_products where lot_products.tenant_id = $tenant_id and lot_products.product_id = products.id)
    as in_lots
from products
where products.tenant_id = $tenant_id
  and products.id = $product_id
for no key update

-- name: book_movement
-- The level, the ledger and (for a receipt with its cost) the moving average, in one statement. `exact_cost` is
-- `unit_cost` before it was rounded to cents.
with level as (
  insert into stock_levels as level (tenant_id, product_id, location_id, on_hand, created_at, updated_at)
  values ($tenant_id, $product_id, $location_id, $delta::numeric, $now, $now)
  on conflict (tenant_id, product_id, location_id) do update
    set on_hand = level.on_hand + excluded.on_hand, updated_at = excluded.updated_at
  returning *
),
movement as (
  insert into stock_movements (
    tenant_id, id, product_id, location_id, kind, delta, on_hand_after, unit_cost, reason, user_id, created_at
  )
  select
    $tenant_id, $id, $product_id, level.location_id, $kind, $delta::numeric, level.on_hand, $unit_cost::numeric,
    $reason::text, $user_id, $now
  from level
  returning *
),
former as (
  select
    level.on_hand - $delta::numeric + coalesce(
      (
        select sum(others.on_hand)
        from stock_levels as others
        where others.tenant_id = $tenant_id
          and others.product_id = $product_id
          and others.location_id <> level.location_id
      ),
      0
    ) as on_hand,
    coalesce(
      (select costs.average_cost from stock_costs as costs where costs.tenant_id = $tenant_id and costs.product_id = $product_id),
      $cost::numeric,
      $exact_cost::numeric
    ) as average_cost
  from level
),
average as (
  insert into stock_costs (tenant_id, product_id, average_cost, updated_at)
  select
    $tenant_id, $product_id,
    case
      when former.on_hand <= 0 then $exact_cost::numeric
      else (former.on_hand * former.average_cost + $delta::numeric * $exact_cost::numeric) / (former.on_hand + $delta::numeric)
    end,
    $now
  from former
  where $kind = 'receipt'
    and $unit_cost::numeric is not null
  on conflict (tenant_id, product_id) do update
    set average_cost = excluded.average_cost, updated_at = excluded.updated_at
  returning average_cost
)
select
  level.on_hand,
  level.available,
  level.in_lots,
  (select round(average.average_cost, 2) from average) as average_cost,
  json_build_object(
    'id', movement.id,
    'product_id', movement.product_id,
    'location_id', movement.location_id,
    'kind', movement.kind,
    'delta', movement.delta::text,
    'on_hand', level.on_hand::text,
    'reserved', level.reserved::text,
    'available', level.available::text,
    'unit_cost', movement.unit_cost::text,
    'reason', movement.reason,
    'order_id', movement.order_id,
    'user_id', movement.user_id,
    'created_at', movement.created_at
  )::text as body
from level, movement

-- name: set_product_cost
-- No row when the product already has this cost.
update products
set cost = $cost::numeric, version = version + 1, updated_at = $now
where tenant_id = $tenant_id
  and id = $product_id
  and cost is distinct from $cost::numeric
returning unit, category, base_price, cost, active

-- name: list_newest_movements
-- The plain list: with filters that may be absent the plan for all of them would sort the whole ledger.
with newest as (
  select *
  from stock_movements
  where tenant_id = $tenant_id
    and (created_at, id) < ($before_at::timestamptz, $before_id::uuid)
  order by created_at desc, id desc
  limit $limit
)
select
  newest.created_at,
  newest.id,
  movement_json(newest::stock_movements, products.sku, products.name, $costs)::text as body
from newest
join products on products.tenant_id = $tenant_id and products.id = newest.product_id
order by newest.created_at desc, newest.id desc

-- name: list_movements
select
  stock_movements.created_at,
  stock_movements.id,
  movement_json(stock_movements, products.sku, products.name, $costs)::text as body
from stock_movements
join products on products.tenant_id = $tenant_id and products.id = stock_movements.product_id
where stock_movements.tenant_id = $tenant_id
  and (stock_movements.created_at, stock_movements.id) < ($before_at::timestamptz, $before_id::uuid)
  and stock_movements.created_at >= $from_at
  and ($product_id::uuid is null or stock_movements.product_id = $product_id)
  and ($location_id::uuid is null or stock_movements.location_id = $location_id)
  and ($order_id::uuid is null or stock_movements.order_id = $order_id)
  and ($kind::text is null or stock_movements.kind = $kind)
order by stock_movements.created_at desc, stock_movements.id desc
limit $limit

-- name: list_stock
-- A product that was never moved is shown with zeros at the default location.
select
  products.id as product_id,
  place.location_id,
  json_build_object(
    'product_id', products.id,
    'sku', products.sku,
    'product_name', products.name,
    'unit', products.unit,
    'location_id', place.location_id,
    'on_hand', place.on_hand::text,
    'reserved', place.reserved::text,
    'available', place.available::text,
    'incoming', incoming_quantity($tenant_id, products.id, place.location_id)::text,
    'in_lots', lot_products.product_id is not null,
    'expired', place.expired::text,
    'expiring', coalesce(soon.quantity, 0)::numeric(14,3)::text,
    'next_expiry', soon.first_day,
    'last_cost', case when $costs::boolean then purchase_costs.last_cost::text end,
    'average_cost', case when $costs then round(stock_costs.average_cost, 2)::text end,
    'last_sold_at', place.last_sold_at,
    'updated_at', place.updated_at
  )::text as body
from products
cross join lateral (
  select
    levels.location_id, levels.on_hand, levels.reserved, levels.available, levels.expired,
    levels.last_sold_at, levels.updated_at
  from stock_levels as levels
  where levels.tenant_id = $tenant_id
    and levels.product_id = products.id
  union all
  select $default_location_id::uuid, 0.000, 0.000, 0.000, 0.000, null, null
  where not exists (
    select from stock_levels as levels where levels.tenant_id = $tenant_id and levels.product_id = products.id
  )
) as place
left join stock_costs on stock_costs.tenant_id = $tenant_id and stock_costs.product_id = products.id
left join purchase_costs on purchase_costs.tenant_id = $tenant_id and purchase_costs.product_id = products.id
left join lot_products on lot_products.tenant_id = $tenant_id and lot_products.product_id = products.id
left join lateral (
  select sum(lot.on_hand) filter (where lot.expires_on <= day.today + 30) as quantity, min(lot.expires_on) as first_day
  from (select store_day($tenant_id, $now) as today) as day
  join stock_lots as lot
    on lot.tenant_id = $tenant_id
    and lot.product_id = products.id
    and lot.location_id = place.location_id
    and lot.on_hand > 0
    and lot.expires_on >= day.today
) as soon on lot_products.product_id is not null
where products.tenant_id = $tenant_id
  and products.id >= $after_product_id::uuid
  and (products.id, place.location_id) > ($after_product_id::uuid, $after_location_id::uuid)
  and ($product_id::uuid is null or products.id = $product_id)
  and ($location_id::uuid is null or place.location_id = $location_id)
  and ($q::text is null or products.search like all ((select search_patterns($q))::text[]))
order by products.id, place.location_id
limit $limit
