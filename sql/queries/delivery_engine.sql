-- name: list_delivery_zones
select id, time_zone
from tenants
where id = any ($tenant_ids::uuid[]);

-- name: list_orders_out
select known.tenant_id, known.order_id, known.out_at
from engine_delivery_orders as known
join unnest($tenant_ids::uuid[], $order_ids::uuid[]) as given (tenant_id, order_id)
  on given.tenant_id = known.tenant_id
  and given.order_id = known.order_id;

-- name: add_orders_out
insert into engine_delivery_orders (tenant_id, order_id, out_at)
select *
from unnest($tenant_ids::uuid[], $order_ids::uuid[], $out_at::timestamptz[])
on conflict (tenant_id, order_id) do update set out_at = excluded.out_at;

-- name: remove_orders_out
delete from engine_delivery_orders as known
using unnest($tenant_ids::uuid[], $order_ids::uuid[]) as given (tenant_id, order_id)
where known.tenant_id = given.tenant_id
  and known.order_id = given.order_id;

-- name: add_delivery_days
insert into engine_delivery_days as known (
  tenant_id, day, delivered, with_issue, failed, promised, on_time, orders_delivered, order_seconds, orders_cancelled,
  routes, route_deliveries, planned_distance_m, driven_distance_m, duration_s, planned_cost, cost
)
select *
from unnest(
  $tenant_ids::uuid[], $days::date[], $delivered::integer[], $with_issue::integer[], $failed::integer[],
  $promised::integer[], $on_time::integer[], $orders_delivered::integer[], $order_seconds::bigint[],
  $orders_cancelled::integer[], $routes::integer[], $route_deliveries::integer[], $planned_distance_m::bigint[],
  $driven_distance_m::bigint[], $duration_s::bigint[], $planned_cost::numeric[], $cost::numeric[]
)
on conflict (tenant_id, day) do update set
  delivered = known.delivered + excluded.delivered,
  with_issue = known.with_issue + excluded.with_issue,
  failed = known.failed + excluded.failed,
  promised = known.promised + excluded.promised,
  on_time = known.on_time + excluded.on_time,
  orders_delivered = known.orders_delivered + excluded.orders_delivered,
  order_seconds = known.order_seconds + excluded.order_seconds,
  orders_cancelled = known.orders_cancelled + excluded.orders_cancelled,
  routes = known.routes + excluded.routes,
  route_deliveries = known.route_deliveries + excluded.route_deliveries,
  planned_distance_m = known.planned_distance_m + excluded.planned_distance_m,
  driven_distance_m = known.driven_distance_m + excluded.driven_distance_m,
  duration_s = known.duration_s + excluded.duration_s,
  planned_cost = known.planned_cost + excluded.planned_cost,
  cost = known.cost + excluded.cost;

-- name: add_delivery_occurrences
insert into engine_delivery_occurrences as known (tenant_id, day, kind, occurrences)
select *
from unnest($tenant_ids::uuid[], $days::date[], $kinds::text[], $occurrences::integer[])
on conflict (tenant_id, day, kind) do update set occurrences = known.occurrences + excluded.occurrences;

-- name: clear_delivery_engine
with days as (
  delete from engine_delivery_days
  where tenant_id = $tenant_id
),
occurrences as (
  delete from engine_delivery_occurrences
  where tenant_id = $tenant_id
)
delete from engine_delivery_orders
where tenant_id = $tenant_id;

-- name: list_delivery_days
select
  day, delivered, with_issue, failed, promised, on_time, orders_delivered, order_seconds, orders_cancelled, routes,
  route_deliveries, planned_distance_m, driven_distance_m, duration_s, planned_cost, cost
from engine_delivery_days
where tenant_id = $tenant_id
  and day between $first_day::date and $last_day::date
order by day;

-- name: list_occurrence_counts
select kind, sum(occurrences) as occurrences
from engine_delivery_occurrences
where tenant_id = $tenant_id
  and day between $first_day::date and $last_day::date
group by kind
order by sum(occurrences) desc, kind;
