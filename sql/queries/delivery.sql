-- name: insert_vehicle
insert into vehicles (tenant_id, id, plate, name, capacity_kg, capacity_m3, active, created_at, updated_at)
values ($tenant_id, $id, $plate, $name, $capacity_kg, $capacity_m3, $active, $now, $now);

-- name: get_vehicle
select vehicle_json(vehicles) as body, version
from vehicles
where tenant_id = $tenant_id
  and id = $id;

-- name: lock_vehicle
select plate, name, capacity_kg, capacity_m3, active, version
from vehicles
where tenant_id = $tenant_id
  and id = $id
for no key update;

-- name: update_vehicle
update vehicles
set
  plate = $plate,
  name = $name,
  capacity_kg = $capacity_kg,
  capacity_m3 = $capacity_m3,
  active = $active,
  version = version + 1,
  updated_at = greatest(updated_at, $now)
where tenant_id = $tenant_id
  and id = $id;

-- name: list_vehicles
select vehicle_json(vehicles) as body, name_key, id
from vehicles
where tenant_id = $tenant_id
  and (name_key, id) > (
    coalesce($after_name::text, ''), coalesce($after_id::uuid, '00000000-0000-0000-0000-000000000000')
  )
  and ($active::boolean is null or active = $active)
  and ($q::text is null or name_key like '%' || search_text($q) || '%' or plate like '%' || upper($q) || '%')
order by name_key, id
limit $limit;

-- name: lock_delivered_order
-- Everything about an order's deliveries happens under the lock of its row.
select status, fulfilment
from orders
where tenant_id = $tenant_id
  and id = $order_id
for no key update;

-- name: list_owed_items
-- What of each item no delivery has brought or is about to bring.
select
  item.id, item.unit, item.quantity, item.sold_unit, item.sold_quantity, owed_quantity($tenant_id, item.id) as owed
from order_items as item
where item.tenant_id = $tenant_id
  and item.order_id = $order_id
order by item.position;

-- name: open_delivery
-- Without items: all that is owed. No row when that is nothing.
with wanted as (
  select
    item.id,
    case when $item_ids::uuid[] is null then owed_quantity($tenant_id, item.id) else given.quantity end as quantity,
    product.weight_kg,
    product.volume_m3
  from order_items as item
  join products as product
    on product.tenant_id = item.tenant_id
    and product.id = item.product_id
  left join unnest($item_ids::uuid[], $quantities::numeric[]) as given (id, quantity) on given.id = item.id
  where item.tenant_id = $tenant_id
    and item.order_id = $order_id
),
counter as (
  insert into document_counters as counter (tenant_id, series, value)
  select $tenant_id, 'delivery', 1
  where exists (select from wanted where quantity > 0)
  on conflict (tenant_id, series) do update
    set value = counter.value + 1
  returning value
),
made as (
  insert into deliveries (
    tenant_id, id, serial, number, order_id, priority, scheduled_on, window_from, window_to, notes, weight_kg,
    volume_m3, measured, created_by, created_at, updated_at
  )
  select
    $tenant_id, $id, counter.value,
    document_number(
      coalesce((select settings ->> 'delivery_prefix' from tenants where id = $tenant_id), $default_prefix), counter.value
    ),
    $order_id, $priority::smallint,
    $scheduled_on::date, $window_from::timestamptz, $window_to::timestamptz, $notes,
    (
      select least(coalesce(sum(quantity * weight_kg), 0), 99999999999.999)
      from wanted
      where quantity > 0
    ),
    (
      select least(coalesce(sum(quantity * volume_m3), 0), 99999999.999999)
      from wanted
      where quantity > 0
    ),
    (
      select bool_and(weight_kg is not null and volume_m3 is not null)
      from wanted
      where quantity > 0
    ),
    $user_id, $now, $now
  from counter
  returning id
),
carried as (
  insert into delivery_orders (tenant_id, delivery_id, order_id)
  select $tenant_id, made.id, $order_id
  from made
)
insert into delivery_items (tenant_id, delivery_id, order_item_id, quantity)
select $tenant_id, made.id, wanted.id, wanted.quantity
from made
cross join wanted
where wanted.quantity > 0;

-- name: end_order_deliveries
-- What open deliveries carry of the order is settled; one that carries nothing else any more ends, too. Each looks for
-- what else it carries by itself: as a join that is planned while the store is new, it is one over all deliveries.
with former as (
  select d.id, d.status
  from deliveries as d
  where d.tenant_id = $tenant_id
    and d.id = any (
      array(
        select carried.delivery_id
        from delivery_orders as carried
        where carried.tenant_id = $tenant_id
          and carried.order_id = $order_id
      )
    )
    and d.status = any ($open_states::text[])
  order by d.id
  for no key update
),
brought as (
  update delivery_items as item
  set delivered_quantity = case when $status::text = 'delivered' then item.quantity else 0 end
  from former, order_items as ordered
  where item.tenant_id = $tenant_id
    and item.delivery_id = former.id
    and item.delivered_quantity is null
    and ordered.tenant_id = item.tenant_id
    and ordered.id = item.order_item_id
    and ordered.order_id = $order_id
)
update deliveries as d
set
  status = $status::text,
  locked = false,
  finished_at = $now,
  on_time = case when $status::text = 'delivered' then kept_promise(d, $now) end,
  updated_at = $now,
  version = version + 1
from former
where d.tenant_id = $tenant_id
  and d.id = former.id
  and (
    select other.delivery_id
    from delivery_items as other
    join order_items as ordered
      on ordered.tenant_id = other.tenant_id
      and ordered.id = other.order_item_id
    where other.tenant_id = $tenant_id
      and other.delivery_id = d.id
      and other.delivered_quantity is null
      and ordered.order_id <> $order_id
    limit 1
  ) is null
returning d.id, d.order_id, d.route_id, former.status as previous, d.on_time;

-- name: get_delivery
-- `driver_id` is who drives its route.
select
  d.version,
  d.status,
  d.order_id,
  d.route_id,
  r.driver_id,
  delivery_json(d, $allowed)::text as body
from deliveries as d
left join routes as r
  on r.tenant_id = d.tenant_id
  and r.id = d.route_id
where d.tenant_id = $tenant_id
  and d.id = $id;

-- name: find_delivery
select d.status, d.order_id, d.number, r.driver_id
from deliveries as d
left join routes as r
  on r.tenant_id = d.tenant_id
  and r.id = d.route_id
where d.tenant_id = $tenant_id
  and d.id = $id;

-- name: lock_delivery
select
  d.status, d.route_id, d.version, d.priority, d.scheduled_on, d.window_from, d.window_to, d.notes, d.locked,
  (select r.driver_id from routes as r where r.tenant_id = d.tenant_id and r.id = d.route_id) as driver_id
from deliveries as d
where d.tenant_id = $tenant_id
  and d.id = $id
for no key update of d;

-- name: list_newest_deliveries
-- The plain list: with filters that may be absent the plan for all of them would sort all deliveries.
with newest as (
  select *
  from deliveries
  where tenant_id = $tenant_id
    and (created_at, id) < ($before_at::timestamptz, $before_id::uuid)
  order by created_at desc, id desc
  limit $limit
)
select newest.created_at, newest.id, delivery_json(newest::deliveries, $allowed)::text as body
from newest
order by newest.created_at desc, newest.id desc;

-- name: list_deliveries
select d.created_at, d.id, delivery_json(d, $allowed)::text as body
from deliveries as d
where d.tenant_id = $tenant_id
  and (d.created_at, d.id) < ($before_at::timestamptz, $before_id::uuid)
  and d.created_at >= $from_at
  and ($status::text is null or d.status = $status)
  and (
    $order_id::uuid is null
    or d.id = any (
      array(
        select carried.delivery_id
        from delivery_orders as carried
        where carried.tenant_id = $tenant_id
          and carried.order_id = $order_id
      )
    )
  )
  and ($route_id::uuid is null or d.route_id = $route_id)
  and ($scheduled_on::date is null or d.scheduled_on = $scheduled_on)
  and ($serial::bigint is null or d.serial = $serial)
  and (
    $driver_id::uuid is null
    or exists (
      select
      from routes as r
      where r.tenant_id = d.tenant_id
        and r.id = d.route_id
        and r.driver_id = $driver_id
    )
  )
order by d.created_at desc, d.id desc
limit $limit;

-- name: update_delivery
update deliveries
set
  priority = $priority::smallint,
  scheduled_on = $scheduled_on::date,
  window_from = $window_from::timestamptz,
  window_to = $window_to::timestamptz,
  notes = $notes,
  locked = $locked,
  version = version + 1,
  updated_at = $now
where tenant_id = $tenant_id
  and id = $id;

-- name: arrive_at_delivery
update deliveries
set status = 'arrived', arrived_at = $now, version = version + 1, updated_at = $now
where tenant_id = $tenant_id
  and id = $id;

-- name: end_delivery
-- What was reported short stays with the store: the customer has the rest, or nothing when it failed. What an order that
-- has ended in the meantime had on it is settled already.
with short as (
  select order_item_id, sum(quantity) as quantity
  from delivery_occurrences
  where tenant_id = $tenant_id
    and delivery_id = $id
    and kind = any ($short_kinds::text[])
    and order_item_id is not null
  group by order_item_id
),
brought as (
  update delivery_items as item
  set
    delivered_quantity = case
      when $brought::boolean then greatest(
        item.quantity
        - coalesce((select short.quantity from short where short.order_item_id = item.order_item_id), 0), 0
      )
      else 0
    end
  where item.tenant_id = $tenant_id
    and item.delivery_id = $id
    and item.delivered_quantity is null
)
update deliveries as d
set
  status = $status::text,
  locked = false,
  arrived_at = case when $brought::boolean then coalesce(d.arrived_at, $now) else d.arrived_at end,
  finished_at = $now,
  on_time = case when $brought::boolean then kept_promise(d, $happened_at::timestamptz) end,
  reason = $reason::text,
  version = version + 1,
  updated_at = $now
where d.tenant_id = $tenant_id
  and d.id = $id
returning d.on_time;

-- name: record_delivery_proof
insert into delivery_proofs (
  tenant_id, delivery_id, receiver_name, receiver_document, latitude, longitude, happened_at, recorded_by, recorded_at
)
values (
  $tenant_id, $delivery_id, $receiver_name, $receiver_document, $latitude, $longitude, $happened_at, $user_id, $now
);

-- name: list_reportable_items
-- How much of each item has not been reported yet.
select
  ordered.id,
  ordered.product_id,
  ordered.unit,
  ordered.quantity,
  ordered.sold_unit,
  ordered.sold_quantity,
  item.quantity - coalesce((
    select sum(told.quantity)
    from delivery_occurrences as told
    where told.tenant_id = item.tenant_id
      and told.delivery_id = item.delivery_id
      and told.order_item_id = item.order_item_id
  ), 0) as unreported
from delivery_items as item
join order_items as ordered
  on ordered.tenant_id = item.tenant_id
  and ordered.id = item.order_item_id
where item.tenant_id = $tenant_id
  and item.delivery_id = $delivery_id;

-- name: insert_occurrences
insert into delivery_occurrences (
  tenant_id, id, delivery_id, kind, order_item_id, quantity, note, reported_by, reported_at
)
select
  $tenant_id, given.id, $delivery_id, given.kind, given.order_item_id, given.quantity, given.note, $user_id, $now
from unnest($ids::uuid[], $kinds::text[], $order_item_ids::uuid[], $quantities::numeric[], $notes::text[])
  as given (id, kind, order_item_id, quantity, note);

-- name: count_occurrences
select count(*)
from delivery_occurrences
where tenant_id = $tenant_id
  and delivery_id = $delivery_id;

-- name: count_delivery_images
select count(*)
from delivery_images
where tenant_id = $tenant_id
  and delivery_id = $delivery_id;

-- name: insert_delivery_image
insert into delivery_images (
  tenant_id, id, delivery_id, kind, file_name, media_type, width, height, size_bytes, created_by, created_at
)
values (
  $tenant_id, $id, $delivery_id, $kind, $file_name, $media_type, $width, $height, $size_bytes, $user_id, $now
);

-- name: find_delivery_image
select i.file_name, i.media_type, r.driver_id
from delivery_images as i
join deliveries as d
  on d.tenant_id = i.tenant_id
  and d.id = i.delivery_id
left join routes as r
  on r.tenant_id = d.tenant_id
  and r.id = d.route_id
where i.tenant_id = $tenant_id
  and i.delivery_id = $delivery_id
  and i.id = $id;

-- name: create_delivery_link
insert into delivery_links (tenant_id, id, delivery_id, token_hash, created_by, created_at, expires_at)
values ($tenant_id, $id, $delivery_id, $token_hash, $user_id, $now, $expires_at);

-- name: get_tracked_delivery
-- What somebody with the link sees: no address, no driver, no name.
select
  d.number,
  d.status,
  d.scheduled_on,
  d.window_from,
  d.window_to,
  d.planned_arrival,
  d.departed_at,
  d.arrived_at,
  d.finished_at,
  o.number as order_number,
  delivery_items_json(d.tenant_id, d.id)::text as items
from delivery_links as l
join deliveries as d
  on d.tenant_id = l.tenant_id
  and d.id = l.delivery_id
join orders as o
  on o.tenant_id = d.tenant_id
  and o.id = d.order_id
where l.tenant_id = $tenant_id
  and l.token_hash = $token_hash
  and l.expires_at > $now;

-- name: anonymise_deliveries
-- Who received the customer's goods, where exactly, and what was noted about it.
with mine as (
  select d.tenant_id, d.id
  from deliveries as d
  join orders as o
    on o.tenant_id = d.tenant_id
    and o.id = d.order_id
  where d.tenant_id = $tenant_id
    and o.customer_id = $customer_id
),
proofs as (
  update delivery_proofs as p
  set receiver_name = null, receiver_document = null, latitude = null, longitude = null
  from mine
  where p.tenant_id = $tenant_id
    and p.delivery_id = mine.id
),
told as (
  update delivery_occurrences as r
  set note = null
  from mine
  where r.tenant_id = $tenant_id
    and r.delivery_id = mine.id
),
links as (
  update delivery_links as l
  set expires_at = least(l.expires_at, $now)
  from mine
  where l.tenant_id = $tenant_id
    and l.delivery_id = mine.id
)
update deliveries as d
set notes = '', reason = null
from mine
where d.tenant_id = $tenant_id
  and d.id = mine.id;

-- name: delete_customer_images
delete from delivery_images as i
using deliveries as d, orders as o
where i.tenant_id = $tenant_id
  and d.tenant_id = i.tenant_id
  and d.id = i.delivery_id
  and o.tenant_id = d.tenant_id
  and o.id = d.order_id
  and o.customer_id = $customer_id
returning i.file_name;
