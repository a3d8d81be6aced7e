-- name: find_availability
-- What can be had of each product at the location that is sold from: now, from open purchase orders by the day they are
-- expected (never before tomorrow: what has not arrived is not promised for today), and how long buying more takes.
with place as (
  select locations.id as location_id, ($now at time zone tenants.time_zone)::date as today, tenants.time_zone
  from tenants
  join locations on locations.tenant_id = tenants.id and locations.is_default
  where tenants.id = $tenant_id
),
wanted as (
  select
    given.product_id,
    coalesce(
      (e.parameters ->> 'lead_time_days')::float8,
      (t.parameters ->> 'lead_time_days')::float8,
      case when e.lead_times > 0 then e.lead_time_mean end,
      $default_lead_time_days::numeric::float8
    ) as lead_time_days
  from unnest($product_ids::uuid[]) as given (product_id)
  left join engine_stock_products as e on e.tenant_id = $tenant_id and e.product_id = given.product_id
  left join engine_stock_tenants as t on t.tenant_id = $tenant_id
)
select
  wanted.product_id,
  coalesce(level.available, 0) as available,
  (place.today + greatest(1, ceil(wanted.lead_time_days))::integer) as bought_on,
  array(
    select row (
      greatest(
        coalesce(
          purchase.expected_on,
          (purchase.sent_at at time zone place.time_zone)::date + ceil(wanted.lead_time_days)::integer
        ),
        place.today + 1
      ),
      awaited.quantity - awaited.received_quantity
    )
    from purchase_order_items as awaited
    join purchase_orders as purchase
      on purchase.tenant_id = $tenant_id
      and purchase.id = awaited.purchase_order_id
      and purchase.location_id = place.location_id
      and purchase.status in ('sent', 'partially_received')
    where awaited.tenant_id = $tenant_id
      and awaited.product_id = wanted.product_id
      and awaited.received_quantity < awaited.quantity
    order by 1
  ) as incoming
from place
cross join wanted
left join stock_levels as level
  on level.tenant_id = $tenant_id
  and level.product_id = wanted.product_id
  and level.location_id = place.location_id;
