-- name: keep_lots
-- What lies there becomes one lot of the given code, without a last day. The product's row is locked by the caller.
with kept as (
  insert into lot_products (tenant_id, product_id, created_by, created_at)
  values ($tenant_id, $product_id, $user_id, $now)
),
flagged as (
  update stock_levels
  set in_lots = true
  where tenant_id = $tenant_id
    and product_id = $product_id
),
lot as (
  insert into stock_lots (
    tenant_id, product_id, location_id, code, expires_on, on_hand, expired, created_at, updated_at
  )
  select $tenant_id, level.product_id, level.location_id, $code, null, level.on_hand, false, $now, $now
  from stock_levels as level
  where level.tenant_id = $tenant_id
    and level.product_id = $product_id
    and level.on_hand <> 0
  on conflict (tenant_id, product_id, location_id, code) do update
    set on_hand = excluded.on_hand, expired = false, updated_at = excluded.updated_at
  returning product_id, location_id, code, on_hand
)
insert into stock_lot_movements (
  tenant_id, id, product_id, location_id, code, kind, delta, on_hand_after, user_id, created_at
)
select
  $tenant_id, gen_random_uuid(), lot.product_id, lot.location_id, lot.code, 'adjustment', lot.on_hand, lot.on_hand,
  $user_id, $now
from lot;

-- name: lock_levels
-- In the order of the keys, as everywhere: before lots are read or written, their levels are held.
select level.product_id, level.location_id, level.on_hand
from stock_levels as level
where level.tenant_id = $tenant_id
  and level.product_id = any ($product_ids::uuid[])
order by level.product_id, level.location_id
for no key update;

-- name: drop_lots
with flagged as (
  update stock_levels
  set in_lots = false
  where tenant_id = $tenant_id
    and product_id = $product_id
)
delete from lot_products
where tenant_id = $tenant_id
  and product_id = $product_id;

-- name: list_lots_of
-- The lots of some products at all places, in the order in which they are to leave. `past` by the store's day, whether
-- the scheduler has been there or not.
select
  product_id,
  location_id,
  code,
  expires_on,
  on_hand,
  coalesce(expires_on < store_day($tenant_id, $now), false) as past
from stock_lots
where tenant_id = $tenant_id
  and product_id = any ($product_ids::uuid[])
order by product_id, location_id, expires_on nulls last, created_at, code;

-- name: list_lots_of_order
-- What of each lot an order got and has not brought back, the freshest first.
select moved.product_id, moved.code, lot.expires_on, -sum(moved.delta) as quantity
from stock_lot_movements as moved
join stock_lots as lot
  on lot.tenant_id = moved.tenant_id
  and lot.product_id = moved.product_id
  and lot.location_id = moved.location_id
  and lot.code = moved.code
where moved.tenant_id = $tenant_id
  and moved.order_id = $order_id
group by moved.product_id, moved.code, lot.expires_on
having sum(moved.delta) < 0
order by moved.product_id, lot.expires_on desc nulls first, moved.code;

-- name: write_lots
-- The lots as they are now, what moved, and the levels' expired part. The levels are held by the caller.
with given as (
  select *
  from unnest(
    $movement_ids::uuid[], $product_ids::uuid[], $location_ids::uuid[], $codes::text[], $expiries::date[],
    $deltas::numeric[], $on_hands::numeric[]
  ) as g (movement_id, product_id, location_id, code, expires_on, delta, on_hand)
),
lot as (
  insert into stock_lots as lot (
    tenant_id, product_id, location_id, code, expires_on, on_hand, expired, created_at, updated_at
  )
  select
    $tenant_id, given.product_id, given.location_id, given.code, given.expires_on, given.on_hand,
    coalesce(given.expires_on < store_day($tenant_id, $now), false), $now, $now
  from given
  order by given.product_id, given.location_id, given.code
  on conflict (tenant_id, product_id, location_id, code) do update
    set
      on_hand = excluded.on_hand,
      -- A lot that is not empty is flagged by the scheduler, together with its level.
      expired = case when lot.on_hand = 0 then excluded.expired else lot.expired end,
      updated_at = excluded.updated_at
  returning product_id, location_id, code, expired
),
movement as (
  insert into stock_lot_movements (
    tenant_id, id, product_id, location_id, code, kind, delta, on_hand_after, order_id, user_id, created_at
  )
  select
    $tenant_id, given.movement_id, given.product_id, given.location_id, given.code, $kind, given.delta, given.on_hand,
    $order_id::uuid, $user_id, $now
  from given
)
update stock_levels as level
set expired = level.expired + moved.expired, in_lots = true
from (
  select given.product_id, given.location_id, coalesce(sum(given.delta) filter (where lot.expired), 0) as expired
  from given
  join lot
    on lot.product_id = given.product_id
    and lot.location_id = given.location_id
    and lot.code = given.code
  group by given.product_id, given.location_id
) as moved
where level.tenant_id = $tenant_id
  and level.product_id = moved.product_id
  and level.location_id = moved.location_id
returning level.product_id, level.location_id, level.available;

-- name: list_lots
-- What expires first, first; a lot without a last day comes last.
select
  coalesce(lot.expires_on, '9999-12-31') as last_day,
  lot.product_id,
  lot.location_id,
  lot.code,
  json_build_object(
    'product_id', lot.product_id,
    'sku', products.sku,
    'product_name', products.name,
    'unit', products.unit,
    'location_id', lot.location_id,
    'code', lot.code,
    'expires_on', lot.expires_on,
    'days_left', lot.expires_on - today.day,
    'expired', coalesce(lot.expires_on < today.day, false),
    'on_hand', lot.on_hand::text
  )::text as body
from (select store_day($tenant_id, $now) as day) as today
join stock_lots as lot on lot.tenant_id = $tenant_id
join products on products.tenant_id = lot.tenant_id and products.id = lot.product_id
where lot.on_hand > 0
  and ($product_id::uuid is null or lot.product_id = $product_id)
  and ($location_id::uuid is null or lot.location_id = $location_id)
  and ($within_days::integer is null or lot.expires_on <= today.day + $within_days::integer)
  and (coalesce(lot.expires_on, '9999-12-31'), lot.product_id, lot.location_id, lot.code)
    > ($after_day::date, $after_product_id::uuid, $after_location_id::uuid, $after_code)
order by coalesce(lot.expires_on, '9999-12-31'), lot.product_id, lot.location_id, lot.code
limit $limit;

-- name: find_stores_with_due_lots
-- all tenants: the scheduler looks after every store. A day further in the east is due first.
select tenant_id
from stock_lots
where on_hand > 0
  and not expired
  and expires_on < ($now at time zone 'Pacific/Kiritimati')::date
group by tenant_id
limit $limit;

-- name: find_due_lots
select distinct product_id
from stock_lots
where tenant_id = $tenant_id
  and on_hand > 0
  and not expired
  and expires_on < store_day($tenant_id, $now)
order by product_id
limit $limit;

-- name: expire_lots
-- The levels are held by the caller.
with due as (
  update stock_lots
  set expired = true, updated_at = $now
  where tenant_id = $tenant_id
    and product_id = any ($product_ids::uuid[])
    and on_hand > 0
    and not expired
    and expires_on < store_day($tenant_id, $now)
  returning product_id, location_id, on_hand
)
update stock_levels as level
set expired = level.expired + gone.on_hand, updated_at = $now
from (
  select product_id, location_id, sum(on_hand) as on_hand
  from due
  group by product_id, location_id
) as gone
where level.tenant_id = $tenant_id
  and level.product_id = gone.product_id
  and level.location_id = gone.location_id
returning level.product_id, level.location_id, level.on_hand, level.available;
