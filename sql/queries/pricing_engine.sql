-- name: read_pricing_tenants
select
  t.id,
  t.time_zone,
  s.today,
  s.parameters::text as parameters,
  array(select u.supplier_id from engine_pricing_suppliers as u where u.tenant_id = t.id order by 1) as supplier_ids,
  array(select u.active from engine_pricing_suppliers as u where u.tenant_id = t.id order by u.supplier_id) as used,
  array(select u.seq from engine_pricing_suppliers as u where u.tenant_id = t.id order by u.supplier_id) as seqs
from tenants as t
left join engine_pricing_tenants as s on s.tenant_id = t.id
where t.id = any ($tenant_ids::uuid[]);

-- name: save_pricing_tenants
insert into engine_pricing_tenants (tenant_id, today, parameters, effective)
select *
from unnest($tenant_ids::uuid[], $days::date[], $parameters::text[]::jsonb[], $effective::text[]::jsonb[])
on conflict (tenant_id) do update set
  today = excluded.today,
  parameters = excluded.parameters,
  effective = excluded.effective;

-- name: save_pricing_suppliers
insert into engine_pricing_suppliers (tenant_id, supplier_id, active, seq)
select *
from unnest($tenant_ids::uuid[], $supplier_ids::uuid[], $active::boolean[], $seqs::bigint[])
on conflict (tenant_id, supplier_id) do update set
  active = excluded.active,
  seq = excluded.seq;

-- name: list_supplied_products
select o.tenant_id, o.product_id
from unnest($tenant_ids::uuid[], $supplier_ids::uuid[]) as wanted (tenant_id, supplier_id)
join engine_pricing_offers as o
  on o.tenant_id = wanted.tenant_id
  and o.supplier_id = wanted.supplier_id;

-- name: list_due_products
-- The products of which something changes by itself up to the day given with their store; all of them without a day.
select p.tenant_id, p.product_id
from unnest($tenant_ids::uuid[], $days::date[]) as store (tenant_id, day)
join engine_pricing_products as p
  on p.tenant_id = store.tenant_id
  and (store.day is null or p.next_day <= store.day)
order by p.tenant_id, p.product_id;

-- name: read_pricing_products
select
  p.tenant_id,
  p.product_id,
  p.parameters::text,
  p.active,
  p.price,
  p.cost,
  p.paid,
  p.paid_supplier_id,
  p.paid_on,
  p.receipts,
  p.used_quantity,
  p.last_quantity,
  p.first_received_on,
  p.last_received_on,
  p.next_day
from unnest($tenant_ids::uuid[], $product_ids::uuid[]) as wanted (tenant_id, product_id)
join engine_pricing_products as p
  on p.tenant_id = wanted.tenant_id
  and p.product_id = wanted.product_id;

-- name: read_pricing_offers
select
  o.tenant_id,
  o.product_id,
  o.supplier_id,
  o.registered,
  o.lowest,
  o.highest,
  o.known,
  o.previous,
  o.changed_on
from unnest($tenant_ids::uuid[], $product_ids::uuid[]) as wanted (tenant_id, product_id)
join engine_pricing_offers as o
  on o.tenant_id = wanted.tenant_id
  and o.product_id = wanted.product_id
order by o.tenant_id, o.product_id, o.supplier_id;

-- name: read_pricing_periods
select
  p.tenant_id,
  p.product_id,
  p.supplier_id,
  p.valid_from,
  p.valid_to,
  p.seq,
  p.price,
  p.minimum_quantity,
  p.payment_days,
  p.lead_time_days
from unnest($tenant_ids::uuid[], $product_ids::uuid[]) as wanted (tenant_id, product_id)
join engine_pricing_periods as p
  on p.tenant_id = wanted.tenant_id
  and p.product_id = wanted.product_id;

-- name: read_pricing_alerts
select
  a.tenant_id,
  a.product_id,
  a.about,
  a.supplier_id,
  a.kind,
  a.risk,
  a.reference,
  a.value,
  a.share,
  a.status,
  a.opened_at,
  a.closed_at,
  a.answer,
  a.reason,
  a.until,
  a.answered_at
from unnest($tenant_ids::uuid[], $product_ids::uuid[]) as wanted (tenant_id, product_id)
join engine_pricing_alerts as a
  on a.tenant_id = wanted.tenant_id
  and a.product_id = wanted.product_id;

-- name: save_pricing_products
insert into engine_pricing_products (
  tenant_id, product_id, parameters, effective, active, price, cost, paid, paid_supplier_id, paid_on, receipts,
  used_quantity, last_quantity, first_received_on, last_received_on, next_day, base_cost, base_source, usual_quantity,
  slope, confidence, points
)
select *
from unnest(
  $tenant_ids::uuid[], $product_ids::uuid[], $parameters::text[]::jsonb[], $effective::text[]::jsonb[],
  $active::boolean[], $price::numeric[], $cost::numeric[], $paid::numeric[], $paid_supplier_id::uuid[],
  $paid_on::date[], $receipts::integer[], $used_quantity::numeric[], $last_quantity::numeric[],
  $first_received_on::date[], $last_received_on::date[], $next_day::date[], $base_cost::numeric[],
  $base_source::text[], $usual_quantity::float8[], $slope::float8[], $confidence::float8[], $points::integer[]
)
on conflict (tenant_id, product_id) do update set
  parameters = excluded.parameters,
  effective = excluded.effective,
  active = excluded.active,
  price = excluded.price,
  cost = excluded.cost,
  paid = excluded.paid,
  paid_supplier_id = excluded.paid_supplier_id,
  paid_on = excluded.paid_on,
  receipts = excluded.receipts,
  used_quantity = excluded.used_quantity,
  last_quantity = excluded.last_quantity,
  first_received_on = excluded.first_received_on,
  last_received_on = excluded.last_received_on,
  next_day = excluded.next_day,
  base_cost = excluded.base_cost,
  base_source = excluded.base_source,
  usual_quantity = excluded.usual_quantity,
  slope = excluded.slope,
  confidence = excluded.confidence,
  points = excluded.points;

-- name: save_pricing_offers
insert into engine_pricing_offers (
  tenant_id, product_id, supplier_id, registered, lowest, highest, known, previous, changed_on, price,
  minimum_quantity, payment_days, lead_time_days, valid_from, valid_to, reference, change, prices, mean, deviation,
  stability, landed, slope, confidence, points
)
select *
from unnest(
  $tenant_ids::uuid[], $product_ids::uuid[], $supplier_ids::uuid[], $registered::integer[], $lowest::numeric[],
  $highest::numeric[], $known::numeric[], $previous::numeric[], $changed_on::date[], $price::numeric[],
  $minimum_quantity::numeric[], $payment_days::integer[], $lead_time_days::integer[], $valid_from::date[],
  $valid_to::date[], $reference::numeric[], $change::float8[], $prices::integer[], $mean::float8[],
  $deviation::float8[], $stability::text[], $landed::float8[], $slope::float8[], $confidence::float8[],
  $points::integer[]
)
on conflict (tenant_id, product_id, supplier_id) do update set
  registered = excluded.registered,
  lowest = excluded.lowest,
  highest = excluded.highest,
  known = excluded.known,
  previous = excluded.previous,
  changed_on = excluded.changed_on,
  price = excluded.price,
  minimum_quantity = excluded.minimum_quantity,
  payment_days = excluded.payment_days,
  lead_time_days = excluded.lead_time_days,
  valid_from = excluded.valid_from,
  valid_to = excluded.valid_to,
  reference = excluded.reference,
  change = excluded.change,
  prices = excluded.prices,
  mean = excluded.mean,
  deviation = excluded.deviation,
  stability = excluded.stability,
  landed = excluded.landed,
  slope = excluded.slope,
  confidence = excluded.confidence,
  points = excluded.points;

-- name: save_pricing_periods
insert into engine_pricing_periods (
  tenant_id, product_id, supplier_id, valid_from, valid_to, seq, price, minimum_quantity, payment_days, lead_time_days
)
select *
from unnest(
  $tenant_ids::uuid[], $product_ids::uuid[], $supplier_ids::uuid[], $valid_from::date[], $valid_to::date[],
  $seq::bigint[], $price::numeric[], $minimum_quantity::numeric[], $payment_days::integer[],
  $lead_time_days::integer[]
)
on conflict (tenant_id, product_id, supplier_id, valid_from, valid_to) do update set
  seq = excluded.seq,
  price = excluded.price,
  minimum_quantity = excluded.minimum_quantity,
  payment_days = excluded.payment_days,
  lead_time_days = excluded.lead_time_days;

-- name: save_pricing_alerts
insert into engine_pricing_alerts (
  tenant_id, product_id, about, supplier_id, kind, risk, reference, value, share, status, opened_at, closed_at,
  answer, reason, until, answered_at
)
select *
from unnest(
  $tenant_ids::uuid[], $product_ids::uuid[], $about::text[], $supplier_ids::uuid[], $kind::text[], $risk::text[],
  $reference::numeric[], $value::numeric[], $share::float8[], $status::text[], $opened_at::timestamptz[],
  $closed_at::timestamptz[], $answer::text[], $reason::text[], $until::date[], $answered_at::timestamptz[]
)
on conflict (tenant_id, product_id, about, supplier_id) do update set
  kind = excluded.kind,
  risk = excluded.risk,
  reference = excluded.reference,
  value = excluded.value,
  share = excluded.share,
  status = excluded.status,
  opened_at = excluded.opened_at,
  closed_at = excluded.closed_at,
  answer = excluded.answer,
  reason = excluded.reason,
  until = excluded.until,
  answered_at = excluded.answered_at;

-- name: forget_old_prices
-- Prices that ended before the day given with their store, or before which another one without an end has begun: no
-- window reaches back to them.
delete from engine_pricing_periods as old
using unnest($tenant_ids::uuid[], $before::date[]) as store (tenant_id, before)
where old.tenant_id = store.tenant_id
  and old.valid_from < store.before
  and (
    old.valid_to < store.before
    or exists (
      select
      from engine_pricing_periods as newer
      where newer.tenant_id = old.tenant_id
        and newer.product_id = old.product_id
        and newer.supplier_id = old.supplier_id
        and newer.valid_from <= store.before
        and newer.valid_to = 'infinity'
        and (newer.valid_from, newer.seq) > (old.valid_from, old.seq)
    )
  );

-- name: clear_pricing_engine
with products as (
  delete from engine_pricing_products
  where tenant_id = $tenant_id
),
offers as (
  delete from engine_pricing_offers
  where tenant_id = $tenant_id
),
periods as (
  delete from engine_pricing_periods
  where tenant_id = $tenant_id
),
alerts as (
  delete from engine_pricing_alerts
  where tenant_id = $tenant_id
),
suppliers_cleared as (
  delete from engine_pricing_suppliers
  where tenant_id = $tenant_id
)
delete from engine_pricing_tenants
where tenant_id = $tenant_id;
