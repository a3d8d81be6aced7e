-- name: book_deltas
-- Several movements of one kind at once; levels are locked in the order of their keys, like everywhere. A product and
-- location named twice is booked once, with the sum.
with wanted as (
  select
    given.product_id,
    given.location_id,
    sum(given.delta) as delta,
    (array_agg(given.movement_id order by given.movement_id))[1] as movement_id
  from unnest($product_ids::uuid[], $location_ids::uuid[], $deltas::numeric[], $movement_ids::uuid[])
    as given (product_id, location_id, delta, movement_id)
  group by given.product_id, given.location_id
  having sum(given.delta) <> 0
),
level as (
  insert into stock_levels as level (tenant_id, product_id, location_id, on_hand, created_at, updated_at)
  select $tenant_id, wanted.product_id, wanted.location_id, wanted.delta, $now, $now
  from wanted
  order by wanted.product_id, wanted.location_id
  on conflict (tenant_id, product_id, location_id) do update
    set on_hand = level.on_hand + excluded.on_hand, updated_at = excluded.updated_at
  returning product_id, location_id, on_hand, available, in_lots
),
movement as (
  insert into stock_movements (
    tenant_id, id, product_id, location_id, kind, delta, on_hand_after, reason, order_id, user_id, created_at
  )
  select
    $tenant_id, wanted.movement_id, level.product_id, level.location_id, $kind, wanted.delta, level.on_hand,
    $reason::text, $order_id::uuid, $user_id, $now
  from level
  join wanted
    on wanted.product_id = level.product_id
    and wanted.location_id = level.location_id
)
select
  level.product_id,
  level.location_id,
  wanted.delta,
  level.on_hand,
  level.available,
  level.in_lots or lots.product_id is not null as in_lots
from level
join wanted
  on wanted.product_id = level.product_id
  and wanted.location_id = level.location_id
left join lot_products as lots
  on lots.tenant_id = $tenant_id
  and lots.product_id = level.product_id
order by level.product_id, level.location_id;

-- name: count_known_products
select count(*)
from products
where tenant_id = $tenant_id
  and id = any ($product_ids::uuid[]);

-- name: count_known_locations
select count(*)
from locations
where tenant_id = $tenant_id
  and id = any ($location_ids::uuid[])
  and active;

-- name: create_stock_count
insert into stock_counts (tenant_id, id, location_id, blind, notes, created_by, created_at)
values ($tenant_id, $id, $location_id, $blind, $notes, $user_id, $now);

-- name: fill_stock_count
-- The products to count: those named, those of an ABC class, or all that are kept at the location.
insert into stock_count_lines (tenant_id, count_id, product_id)
select $tenant_id, $id, products.id
from products
where products.tenant_id = $tenant_id
  and products.active
  and case
    when $product_ids::uuid[] is not null then products.id = any ($product_ids)
    when $abc_class::text is not null then exists (
      select 1
      from engine_stock_products as known
      where known.tenant_id = $tenant_id
        and known.product_id = products.id
        and known.abc_class = $abc_class
    )
    else exists (
      select 1
      from stock_levels as level
      where level.tenant_id = $tenant_id
        and level.product_id = products.id
        and level.location_id = $location_id
    )
  end;

-- name: lock_stock_count
select status, location_id, version
from stock_counts
where tenant_id = $tenant_id
  and id = $id
for no key update;

-- name: record_counted
-- What the books say now is kept beside what was counted: only their difference will be booked. The levels are locked,
-- so that another count of the same goods is booked either before this reading or after it, and then shifts it.
with given as (
  select *
  from unnest($product_ids::uuid[], $quantities::numeric[]) as g (product_id, counted)
),
level as materialized (
  select stock_levels.product_id, stock_levels.on_hand
  from stock_levels
  where stock_levels.tenant_id = $tenant_id
    and stock_levels.location_id = $location_id
    and stock_levels.product_id = any ($product_ids::uuid[])
  order by stock_levels.product_id
  for no key update
)
update stock_count_lines as line
set counted = given.counted,
    expected = coalesce(level.on_hand, 0),
    counted_by = $user_id,
    counted_at = $now
from given
left join level on level.product_id = given.product_id
where line.tenant_id = $tenant_id
  and line.count_id = $id
  and line.product_id = given.product_id;

-- name: prepare_counted_levels
-- A level for everything counted, so that there is a row to lock.
insert into stock_levels (tenant_id, product_id, location_id, created_at, updated_at)
select $tenant_id, line.product_id, $location_id::uuid, $now, $now
from stock_count_lines as line
where line.tenant_id = $tenant_id
  and line.count_id = $id
  and line.product_id = any ($product_ids::uuid[])
order by line.product_id
on conflict (tenant_id, product_id, location_id) do nothing;

-- name: lock_counted_levels
-- Before the differences are read, in a statement of its own: what another count booked in the meantime shifts them.
select level.product_id
from stock_levels as level
where level.tenant_id = $tenant_id
  and level.location_id = $location_id
  and level.product_id = any (
    array(
      select line.product_id
      from stock_count_lines as line
      where line.tenant_id = $tenant_id
        and line.count_id = $id
        and line.counted is not null
    )
  )
order by level.product_id
for no key update;

-- name: shift_other_counts
-- A difference is booked once: other open counts that found the same goods compare with the corrected books.
update stock_count_lines as line
set expected = line.expected + given.delta
from unnest($product_ids::uuid[], $deltas::numeric[]) as given (product_id, delta), stock_counts as other
where line.tenant_id = $tenant_id
  and line.product_id = given.product_id
  and line.counted is not null
  and line.count_id <> $id
  and other.tenant_id = line.tenant_id
  and other.id = line.count_id
  and other.status = 'open'
  and other.location_id = $location_id;

-- name: list_differences
select product_id, counted - expected as delta
from stock_count_lines
where tenant_id = $tenant_id
  and count_id = $id
  and counted <> expected
order by product_id;

-- name: close_stock_count
update stock_counts
set status = $status,
    closed_at = $now,
    version = version + 1
where tenant_id = $tenant_id
  and id = $id;

-- name: get_stock_count
-- A blind count does not show what the books say while it is open.
select
  c.version,
  json_build_object(
    'id', c.id,
    'location_id', c.location_id,
    'status', c.status,
    'blind', c.blind,
    'notes', c.notes,
    'created_by', c.created_by,
    'created_at', c.created_at,
    'closed_at', c.closed_at,
    'version', c.version,
    'lines', coalesce((
      select json_agg(
        json_build_object(
          'product_id', line.product_id,
          'sku', products.sku,
          'name', products.name,
          'unit', products.unit,
          'counted', line.counted::text,
          'expected', case when not c.blind or c.status <> 'open' then line.expected::text end,
          'difference', case when not c.blind or c.status <> 'open' then (line.counted - line.expected)::text end,
          'counted_by', line.counted_by,
          'counted_at', line.counted_at
        )
        order by products.name, products.id
      )
      from stock_count_lines as line
      join products
        on products.tenant_id = line.tenant_id
        and products.id = line.product_id
      where line.tenant_id = c.tenant_id
        and line.count_id = c.id
    ), '[]'::json)
  )::text as body
from stock_counts as c
where c.tenant_id = $tenant_id
  and c.id = $id;

-- name: list_stock_counts
select
  c.created_at,
  c.id,
  json_build_object(
    'id', c.id,
    'location_id', c.location_id,
    'status', c.status,
    'blind', c.blind,
    'notes', c.notes,
    'created_by', c.created_by,
    'created_at', c.created_at,
    'closed_at', c.closed_at,
    'version', c.version
  )::text as body
from stock_counts as c
where c.tenant_id = $tenant_id
  and ($status::text is null or c.status = $status)
  and (c.created_at, c.id) < ($before_at::timestamptz, $before_id::uuid)
  and c.created_at >= $from_at
order by c.created_at desc, c.id desc
limit $limit;

-- name: create_location
insert into locations (tenant_id, id, name, created_at)
values ($tenant_id, $id, $name, $now)
returning json_build_object(
  'id', id,
  'name', name,
  'is_default', is_default,
  'active', active,
  'created_at', created_at
)::text as body;
