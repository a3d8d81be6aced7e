-- name: read_stock_tenants
select
  t.id,
  t.time_zone,
  s.today,
  s.parameters::text as parameters,
  s.parameters_seq,
  s.defaults::text as defaults,
  s.defaults_seq
from tenants as t
left join engine_stock_tenants as s on s.tenant_id = t.id
where t.id = any ($tenant_ids::uuid[]);

-- name: save_stock_tenants
insert into engine_stock_tenants (tenant_id, today, parameters, effective, parameters_seq, defaults, defaults_seq)
select *
from unnest(
  $tenant_ids::uuid[], $days::date[], $parameters::text[]::jsonb[], $effective::text[]::jsonb[],
  $parameters_seqs::bigint[], $defaults::text[]::jsonb[], $defaults_seqs::bigint[]
)
on conflict (tenant_id) do update set
  today = excluded.today,
  parameters = excluded.parameters,
  effective = excluded.effective,
  parameters_seq = excluded.parameters_seq,
  defaults = excluded.defaults,
  defaults_seq = excluded.defaults_seq;

-- name: read_stock_products
select
  wanted.place,
  p.product_id::text,
  p.parameters::text,
  p.on_hand::float8,
  p.available::float8,
  p.on_order::float8,
  p.ordered::float8,
  p.lead_times,
  p.lead_time_mean,
  p.lead_time_squares,
  p.active,
  p.cost::float8,
  p.price::float8,
  p.category,
  p.parameters_seq,
  p.described_seq,
  p.priced_seq,
  p.answered_seq,
  p.window_days,
  p.first_sale_day,
  p.known_since,
  p.last_sale_day,
  p.day_quantity,
  p.day_revenue,
  p.window_quantity,
  p.window_squares,
  p.window_revenue,
  p.window_demand_days,
  p.window_stock_out_days,
  p.croston_size,
  p.croston_interval,
  p.croston_gap,
  p.recent_mean,
  p.recent_variance,
  p.stocked_since,
  p.out_since,
  p.ordered_on,
  p.method,
  p.forecast,
  p.lift,
  p.weekly_variation,
  p.suggestion_state,
  p.suggestion_until,
  p.accepted_until,
  p.abc_class,
  p.status,
  p.kind,
  p.risk,
  p.opened_at,
  p.closed_at
from unnest($tenant_ids::text::uuid[], $products::text::uuid[])
  with ordinality as wanted (tenant_id, product_id, place)
join engine_stock_products as p
  on p.tenant_id = wanted.tenant_id
  and p.product_id = wanted.product_id;

-- name: read_store_products
-- All products of a store, in the columns of read_stock_products.
select
  p.product_id::text,
  p.parameters::text,
  p.on_hand::float8,
  p.available::float8,
  p.on_order::float8,
  p.ordered::float8,
  p.lead_times,
  p.lead_time_mean,
  p.lead_time_squares,
  p.active,
  p.cost::float8,
  p.price::float8,
  p.category,
  p.parameters_seq,
  p.described_seq,
  p.priced_seq,
  p.answered_seq,
  p.window_days,
  p.first_sale_day,
  p.known_since,
  p.last_sale_day,
  p.day_quantity,
  p.day_revenue,
  p.window_quantity,
  p.window_squares,
  p.window_revenue,
  p.window_demand_days,
  p.window_stock_out_days,
  p.croston_size,
  p.croston_interval,
  p.croston_gap,
  p.recent_mean,
  p.recent_variance,
  p.stocked_since,
  p.out_since,
  p.ordered_on,
  p.method,
  p.forecast,
  p.lift,
  p.weekly_variation,
  p.suggestion_state,
  p.suggestion_until,
  p.accepted_until,
  p.abc_class,
  p.status,
  p.kind,
  p.risk,
  p.opened_at,
  p.closed_at
from engine_stock_products as p
where p.tenant_id = $tenant_id
order by p.product_id;

-- name: read_leaving_demand
-- The daily rows that fall out of the windows of a store's products while the days $first to $last begin.
select
  d.product_id,
  d.day,
  d.quantity::float8,
  d.revenue::float8,
  d.stock_out
from engine_stock_products as p
join engine_daily_demand as d
  on d.tenant_id = p.tenant_id
  and d.product_id = p.product_id
  and d.day between $first::date - p.window_days and $last::date - p.window_days
where p.tenant_id = $tenant_id;

-- name: read_late_demand
select
  wanted.place,
  d.day,
  d.quantity::float8,
  d.revenue::float8,
  d.stock_out
from unnest($tenant_ids::uuid[], $products::uuid[], $days::date[])
  with ordinality as wanted (tenant_id, product_id, day, place)
join engine_daily_demand as d
  on d.tenant_id = wanted.tenant_id
  and d.product_id = wanted.product_id
  and d.day = wanted.day;

-- name: read_window_demand
-- A product's window summed anew, after its length has changed.
select
  d.product_id,
  sum(d.quantity)::float8 as quantity,
  sum(d.quantity * d.quantity)::float8 as squares,
  sum(d.revenue)::float8 as revenue,
  count(*) filter (where d.quantity > 0) as demand_days,
  count(*) filter (where d.stock_out) as stock_out_days
from unnest($products::uuid[], $after::date[]) as wanted (product_id, after)
join engine_daily_demand as d
  on d.tenant_id = $tenant_id
  and d.product_id = wanted.product_id
  and d.day > wanted.after
group by d.product_id;

-- name: save_stock_products
-- Columns come as array literals: the driver takes ten times as long to encode a list, element by element.
insert into engine_stock_products (
  tenant_id, product_id, first_sale_day, last_sale_day, on_hand, available, day_quantity, day_revenue,
  window_quantity, window_squares, window_revenue, window_demand_days, window_stock_out_days,
  stocked_since, out_since, mean, deviation, reorder_point, maximum, days_left, suggested_quantity,
  priority, xyz_class, status, kind, risk, opened_at, closed_at, on_order, ordered, lead_times,
  lead_time_mean, lead_time_squares, active, cost, price, window_days,
  croston_size,
  croston_interval, croston_gap, recent_mean, recent_variance, suggestion_state, suggestion_until,
  accepted_until, abc_class, described_seq, priced_seq, answered_seq, ordered_on, known_since, method, forecast, lift, weekly_variation, category
)
select *
from unnest(
  $tenant_ids::text::uuid[], $product_id::text::uuid[], $first_sale_day::text::date[],
  $last_sale_day::text::date[], $on_hand::text::float8[], $available::text::float8[],
  $day_quantity::text::float8[], $day_revenue::text::float8[], $window_quantity::text::float8[],
  $window_squares::text::float8[],
  $window_revenue::text::float8[], $window_demand_days::text::smallint[],
  $window_stock_out_days::text::smallint[], $stocked_since::text::date[], $out_since::text::date[],
  $mean::text::float8[], $deviation::text::float8[], $reorder_point::text::float8[],
  $maximum::text::float8[], $days_left::text::float8[], $suggested_quantity::text::float8[],
  $priority::text::smallint[], $xyz_class::text::text[], $status::text::text[], $kind::text::text[],
  $risk::text::text[], $opened_at::text::timestamptz[],
  $closed_at::text::timestamptz[], $on_order::text::float8[], $ordered::text::float8[],
  $lead_times::text::integer[], $lead_time_mean::text::float8[], $lead_time_squares::text::float8[], $active::text::boolean[],
  $cost::text::float8[], $price::text::float8[], $window_days::text::smallint[],
  $croston_size::text::float8[], $croston_interval::text::float8[], $croston_gap::text::integer[],
  $recent_mean::text::float8[], $recent_variance::text::float8[], $suggestion_state::text::text[],
  $suggestion_until::text::date[], $accepted_until::text::date[], $abc_class::text::text[], $described_seq::text::bigint[],
  $priced_seq::text::bigint[], $answered_seq::text::bigint[], $ordered_on::text::date[], $known_since::text::date[],
  $method::text::text[], $forecast::text::float8[], $lift::text::float8[], $weekly_variation::text::float8[],
  $category::text[]
)
on conflict (tenant_id, product_id) do update set
  first_sale_day = excluded.first_sale_day,
  last_sale_day = excluded.last_sale_day,
  on_hand = excluded.on_hand,
  available = excluded.available,
  day_quantity = excluded.day_quantity,
  day_revenue = excluded.day_revenue,
  window_quantity = excluded.window_quantity,
  window_squares = excluded.window_squares,
  window_revenue = excluded.window_revenue,
  window_demand_days = excluded.window_demand_days,
  window_stock_out_days = excluded.window_stock_out_days,
  stocked_since = excluded.stocked_since,
  out_since = excluded.out_since,
  mean = excluded.mean,
  deviation = excluded.deviation,
  reorder_point = excluded.reorder_point,
  maximum = excluded.maximum,
  days_left = excluded.days_left,
  suggested_quantity = excluded.suggested_quantity,
  priority = excluded.priority,
  xyz_class = excluded.xyz_class,
  status = excluded.status,
  kind = excluded.kind,
  risk = excluded.risk,
  opened_at = excluded.opened_at,
  closed_at = excluded.closed_at,
  on_order = excluded.on_order,
  ordered = excluded.ordered,
  lead_times = excluded.lead_times,
  lead_time_mean = excluded.lead_time_mean,
  lead_time_squares = excluded.lead_time_squares,
  active = excluded.active,
  cost = excluded.cost,
  price = excluded.price,
  window_days = excluded.window_days,
  croston_size = excluded.croston_size,
  croston_interval = excluded.croston_interval,
  croston_gap = excluded.croston_gap,
  recent_mean = excluded.recent_mean,
  recent_variance = excluded.recent_variance,
  suggestion_state = excluded.suggestion_state,
  suggestion_until = excluded.suggestion_until,
  accepted_until = excluded.accepted_until,
  abc_class = excluded.abc_class,
  described_seq = excluded.described_seq,
  priced_seq = excluded.priced_seq,
  answered_seq = excluded.answered_seq,
  ordered_on = excluded.ordered_on,
  known_since = excluded.known_since,
  method = excluded.method,
  forecast = excluded.forecast,
  lift = excluded.lift,
  weekly_variation = excluded.weekly_variation,
  category = excluded.category;

-- name: save_moved_products
-- Only what sales and stock movements change, of products that exist.
update engine_stock_products as p
set
  first_sale_day = moved.first_sale_day,
  last_sale_day = moved.last_sale_day,
  on_hand = moved.on_hand,
  available = moved.available,
  day_quantity = moved.day_quantity,
  day_revenue = moved.day_revenue,
  window_quantity = moved.window_quantity,
  window_squares = moved.window_squares,
  window_revenue = moved.window_revenue,
  window_demand_days = moved.window_demand_days,
  window_stock_out_days = moved.window_stock_out_days,
  stocked_since = moved.stocked_since,
  out_since = moved.out_since,
  mean = moved.mean,
  deviation = moved.deviation,
  reorder_point = moved.reorder_point,
  maximum = moved.maximum,
  days_left = moved.days_left,
  suggested_quantity = moved.suggested_quantity,
  priority = moved.priority,
  xyz_class = moved.xyz_class,
  status = moved.status,
  kind = moved.kind,
  risk = moved.risk,
  opened_at = moved.opened_at,
  closed_at = moved.closed_at
from unnest(
  $tenant_ids::text::uuid[], $product_id::text::uuid[], $first_sale_day::text::date[],
  $last_sale_day::text::date[], $on_hand::text::float8[], $available::text::float8[],
  $day_quantity::text::float8[], $day_revenue::text::float8[], $window_quantity::text::float8[],
  $window_squares::text::float8[],
  $window_revenue::text::float8[], $window_demand_days::text::smallint[],
  $window_stock_out_days::text::smallint[], $stocked_since::text::date[], $out_since::text::date[],
  $mean::text::float8[], $deviation::text::float8[], $reorder_point::text::float8[],
  $maximum::text::float8[], $days_left::text::float8[], $suggested_quantity::text::float8[],
  $priority::text::smallint[], $xyz_class::text::text[], $status::text::text[], $kind::text::text[],
  $risk::text::text[], $opened_at::text::timestamptz[],
  $closed_at::text::timestamptz[]
) as moved (
  tenant_id, product_id, first_sale_day, last_sale_day, on_hand, available, day_quantity, day_revenue,
  window_quantity, window_squares, window_revenue, window_demand_days, window_stock_out_days, stocked_since,
  out_since, mean, deviation, reorder_point, maximum, days_left, suggested_quantity, priority, xyz_class,
  status, kind, risk, opened_at, closed_at
)
where p.tenant_id = moved.tenant_id
  and p.product_id = moved.product_id;

-- name: set_product_parameters
update engine_stock_products
set
  parameters = $parameters::text::jsonb,
  parameters_seq = $seq
where tenant_id = $tenant_id
  and product_id = $product_id;

-- name: read_stock_forecasts
select
  f.product_id,
  f.state
from engine_stock_forecasts as f
where f.tenant_id = $tenant_id;

-- name: save_stock_forecasts
insert into engine_stock_forecasts (tenant_id, product_id, pattern, wape, mase, week_error, state)
select g.tenant_id, g.product_id, g.pattern, g.wape, g.mase, g.week_error, g.state::float8[]
from unnest(
  $tenant_ids::text::uuid[], $products::text::uuid[], $patterns::text::text[], $wapes::text::float8[],
  $mases::text::float8[], $week_errors::text::float8[], $states::text::text[]
) as g (tenant_id, product_id, pattern, wape, mase, week_error, state)
on conflict (tenant_id, product_id) do update set
  pattern = excluded.pattern,
  wape = excluded.wape,
  mase = excluded.mase,
  week_error = excluded.week_error,
  state = excluded.state;

-- name: add_daily_demand
insert into engine_daily_demand as d (tenant_id, product_id, day, quantity, revenue, stock_out)
select *
from unnest(
  $tenant_ids::text::uuid[], $products::text::uuid[], $days::text::date[], $quantities::text::float8[],
  $revenues::text::float8[], $stock_outs::text::boolean[]
)
on conflict (tenant_id, product_id, day) do update set
  quantity = d.quantity + excluded.quantity,
  revenue = d.revenue + excluded.revenue,
  stock_out = (d.stock_out or excluded.stock_out) and excluded.quantity <= 0;

-- name: forget_old_demand
delete from engine_daily_demand as d
using engine_stock_products as p
where p.tenant_id = $tenant_id
  and d.tenant_id = p.tenant_id
  and d.product_id = p.product_id
  and d.day < $before;

-- name: read_stock_levels
select
  wanted.place,
  l.on_hand::float8,
  l.available::float8,
  l.seq
from unnest($tenant_ids::uuid[], $products::uuid[], $locations::uuid[])
  with ordinality as wanted (tenant_id, product_id, location_id, place)
join engine_stock_levels as l
  on l.tenant_id = wanted.tenant_id
  and l.product_id = wanted.product_id
  and l.location_id = wanted.location_id;

-- name: save_stock_levels
insert into engine_stock_levels (tenant_id, product_id, location_id, on_hand, available, seq)
select *
from unnest(
  $tenant_ids::uuid[], $products::uuid[], $locations::uuid[], $on_hand::float8[], $available::float8[],
  $seqs::bigint[]
)
on conflict (tenant_id, product_id, location_id) do update set
  on_hand = excluded.on_hand,
  available = excluded.available,
  seq = excluded.seq;

-- name: add_stock_feedback
insert into engine_stock_feedback (
  tenant_id, seq, product_id, answered_at, answer, suggested, quantity, reason, until
)
select *
from unnest(
  $tenant_ids::uuid[], $seqs::bigint[], $products::uuid[], $moments::timestamptz[], $answers::text[],
  $suggested::float8[], $quantities::float8[], $reasons::text[], $untils::date[]
);

-- name: clear_stock_engine
with tenants_cleared as (
  delete from engine_stock_tenants
  where tenant_id = $tenant_id
),
products_cleared as (
  delete from engine_stock_products
  where tenant_id = $tenant_id
),
levels_cleared as (
  delete from engine_stock_levels
  where tenant_id = $tenant_id
),
forecasts_cleared as (
  delete from engine_stock_forecasts
  where tenant_id = $tenant_id
),
feedback_cleared as (
  delete from engine_stock_feedback
  where tenant_id = $tenant_id
)
delete from engine_daily_demand
where tenant_id = $tenant_id;
