-- name: list_plannable_deliveries
-- What waits for a vehicle on this day, and what stands on this day's routes that have not left. The urgent and the
-- oldest first.
select
  d.id,
  d.number,
  d.version,
  d.priority,
  d.window_from,
  d.window_to,
  d.weight_kg,
  d.volume_m3,
  d.measured,
  s.latitude,
  s.longitude,
  case when s.id is null then c.postal_code else s.postal_code end as postal_code,
  case when d.locked then r.vehicle_id end as locked_to
from deliveries as d
join orders as o
  on o.tenant_id = d.tenant_id
  and o.id = d.order_id
left join customers as c
  on c.tenant_id = o.tenant_id
  and c.id = o.customer_id
left join sites as s
  on s.tenant_id = o.tenant_id
  and s.id = o.site_id
left join routes as r
  on r.tenant_id = d.tenant_id
  and r.id = d.route_id
where d.tenant_id = $tenant_id
  and (
    (d.status = 'planned' and (d.scheduled_on is null or d.scheduled_on <= $day::date))
    or (d.status = 'assigned' and r.day = $day::date and r.status = 'planned')
  )
order by d.locked desc, d.priority desc, d.scheduled_on nulls last, d.created_at, d.id
limit $limit;

-- name: list_plannable_vehicles
-- `out` on this day: not planned with unless it is named. `route_id` is its route that has not left.
select
  v.id,
  v.name,
  v.capacity_kg,
  v.capacity_m3,
  v.active,
  r.id as route_id,
  r.driver_id,
  exists (
    select
    from routes as away
    where away.tenant_id = v.tenant_id
      and away.vehicle_id = v.id
      and away.day = $day::date
      and away.status = 'out'
  ) as out
from vehicles as v
left join routes as r
  on r.tenant_id = v.tenant_id
  and r.vehicle_id = v.id
  and r.day = $day::date
  and r.status = 'planned'
where v.tenant_id = $tenant_id
  and (v.active or r.id is not null)
order by v.name_key, v.id;

-- name: list_place_references
-- The middle of the store's known places by the beginning of their CEP.
select left(postal_code, length) as prefix, avg(latitude) as latitude, avg(longitude) as longitude
from sites
cross join unnest(array[8, 5, 3]) as length
where tenant_id = $tenant_id
  and latitude is not null
  and postal_code is not null
group by left(postal_code, length);

-- name: list_drivers
select id
from users
where tenant_id = $tenant_id
  and id = any ($ids::uuid[])
  and role in ('driver', 'owner')
  and active;

-- name: lock_planned_routes
select id, vehicle_id
from routes
where tenant_id = $tenant_id
  and day = $day::date
  and status = 'planned'
order by id
for no key update;

-- name: lock_planned_deliveries
-- In the order of their ids. Whatever happened to one of them since it was read shows in its version.
select id, order_id, status, version
from deliveries
where tenant_id = $tenant_id
  and id = any ($ids::uuid[])
order by id
for no key update;

-- name: count_other_assigned
-- Deliveries on the day's routes that the plan did not know of.
select count(*)
from deliveries
where tenant_id = $tenant_id
  and route_id = any ($route_ids::uuid[])
  and status = 'assigned'
  and not (id = any ($ids::uuid[]));

-- name: upsert_planned_route
insert into routes as route (
  tenant_id, id, day, vehicle_id, driver_id, status, planned_departure, planned_return, planned_distance_m,
  planned_duration_s, planned_cost, explanation, created_by, created_at, updated_at
)
values (
  $tenant_id, $id, $day::date, $vehicle_id, $driver_id, 'planned', $planned_departure, $planned_return,
  $planned_distance_m, $planned_duration_s, $planned_cost, $explanation::text[], $user_id, $now, $now
)
on conflict (tenant_id, day, vehicle_id) where status = 'planned' do update
  set
    driver_id = coalesce(excluded.driver_id, route.driver_id),
    planned_departure = excluded.planned_departure,
    planned_return = excluded.planned_return,
    planned_distance_m = excluded.planned_distance_m,
    planned_duration_s = excluded.planned_duration_s,
    planned_cost = excluded.planned_cost,
    explanation = excluded.explanation,
    version = route.version + 1,
    updated_at = excluded.updated_at
returning id;

-- name: assign_deliveries
update deliveries as d
set
  status = 'assigned',
  route_id = given.route_id,
  position = given.position,
  trip = given.trip,
  placed_by = given.placed_by,
  planned_arrival = given.planned_arrival,
  leg_distance_m = given.leg_distance_m,
  leg_duration_s = given.leg_duration_s,
  planned_cost = given.planned_cost,
  version = d.version + 1,
  updated_at = $now
from unnest(
  $ids::uuid[], $route_ids::uuid[], $positions::integer[], $trips::integer[], $placed_by::text[],
  $planned_arrivals::timestamptz[], $leg_distances::integer[], $leg_durations::integer[], $planned_costs::numeric[]
) as given (
  id, route_id, position, trip, placed_by, planned_arrival, leg_distance_m, leg_duration_s, planned_cost
)
where d.tenant_id = $tenant_id
  and d.id = given.id;

-- name: release_deliveries
update deliveries
set
  status = 'planned',
  route_id = null,
  position = null,
  trip = null,
  locked = false,
  placed_by = null,
  planned_arrival = null,
  leg_distance_m = null,
  leg_duration_s = null,
  planned_cost = null,
  version = version + 1,
  updated_at = $now
where tenant_id = $tenant_id
  and id = any ($ids::uuid[])
  and status = 'assigned';

-- name: cancel_routes
update routes
set status = 'cancelled', version = version + 1, updated_at = $now
where tenant_id = $tenant_id
  and id = any ($ids::uuid[])
  and status = 'planned';

-- name: list_day_routes
select route_json(r, $allowed)::text as body
from routes as r
where r.tenant_id = $tenant_id
  and r.day = $day::date
  and r.status = 'planned'
order by r.vehicle_id;

-- name: list_routes
select r.created_at, r.id, route_json(r, $allowed)::text as body
from routes as r
where r.tenant_id = $tenant_id
  and (r.created_at, r.id) < ($before_at::timestamptz, $before_id::uuid)
  and r.created_at >= $from_at
  and ($day::date is null or r.day = $day)
  and ($status::text is null or r.status = $status)
  and ($driver_id::uuid is null or r.driver_id = $driver_id)
order by r.created_at desc, r.id desc
limit $limit;

-- name: get_route
select r.version, r.driver_id, route_json(r, $allowed)::text as body
from routes as r
where r.tenant_id = $tenant_id
  and r.id = $id;

-- name: lock_route
select
  status, driver_id, version, departed_at, planned_distance_m, planned_cost
from routes
where tenant_id = $tenant_id
  and id = $id
for no key update;

-- name: set_route_driver
update routes
set driver_id = $driver_id::uuid, version = version + 1, updated_at = $now
where tenant_id = $tenant_id
  and id = $id;

-- name: list_route_deliveries
select d.id, d.order_id, d.status
from deliveries as d
where d.tenant_id = $tenant_id
  and d.route_id = $route_id
order by d.order_id, d.id;

-- name: send_route_out
update routes
set status = 'out', departed_at = $now, version = version + 1, updated_at = $now
where tenant_id = $tenant_id
  and id = $id;

-- name: send_deliveries_out
update deliveries
set status = 'out', locked = false, departed_at = $now, version = version + 1, updated_at = $now
where tenant_id = $tenant_id
  and route_id = $route_id
  and status = 'assigned'
returning id, order_id;

-- name: finish_route
-- Each delivery bears as much of the real cost as it was to bear of the planned one.
with shared as (
  update deliveries
  set
    cost = case
      when $planned_cost::numeric > 0 then round(planned_cost * $cost::numeric / $planned_cost, 2)
      else 0
    end
  where tenant_id = $tenant_id
    and route_id = $id
    and status <> 'cancelled'
)
update routes
set
  status = 'finished',
  finished_at = $now,
  driven_distance_m = $driven_distance_m::integer,
  cost = $cost::numeric,
  version = version + 1,
  updated_at = $now
where tenant_id = $tenant_id
  and id = $id;

-- name: list_loading
-- Every item of the route's deliveries, the last stop of each trip first: it is loaded first.
select
  d.trip,
  d.position,
  d.id as delivery_id,
  d.number,
  d.weight_kg,
  d.volume_m3,
  c.name as customer_name,
  s.name as site_name,
  ordered.product_id,
  ordered.sku,
  ordered.name,
  ordered.unit,
  item.quantity
from deliveries as d
join orders as o
  on o.tenant_id = d.tenant_id
  and o.id = d.order_id
left join customers as c
  on c.tenant_id = o.tenant_id
  and c.id = o.customer_id
left join sites as s
  on s.tenant_id = o.tenant_id
  and s.id = o.site_id
join delivery_items as item
  on item.tenant_id = d.tenant_id
  and item.delivery_id = d.id
join order_items as ordered
  on ordered.tenant_id = d.tenant_id
  and ordered.id = item.order_item_id
where d.tenant_id = $tenant_id
  and d.route_id = $route_id
  and d.status <> 'cancelled'
order by d.trip, d.position desc, ordered.position;

-- name: get_route_heading
select r.day, r.driver_id, v.plate, v.name as vehicle_name, u.name as driver_name
from routes as r
join vehicles as v
  on v.tenant_id = r.tenant_id
  and v.id = r.vehicle_id
left join users as u
  on u.tenant_id = r.tenant_id
  and u.id = r.driver_id
where r.tenant_id = $tenant_id
  and r.id = $id;
