-- name: list_stock_alerts
-- What the stock engine says of a store's products; a scan of the store's own rows, some thousands at most.
select
  e.product_id,
  p.sku,
  p.name,
  p.unit,
  e.kind,
  e.risk,
  e.status,
  e.opened_at,
  e.closed_at,
  e.on_hand,
  e.available,
  e.on_order,
  e.cost,
  e.mean,
  e.deviation,
  e.recent_mean,
  e.lift,
  e.window_days,
  e.method,
  e.xyz_class,
  f.pattern,
  f.wape,
  f.mase,
  f.week_error,
  e.reorder_point,
  e.maximum,
  e.days_left,
  e.last_sale_day,
  e.stocked_since,
  coalesce(
    (e.parameters ->> 'lead_time_days')::float8,
    (t.parameters ->> 'lead_time_days')::float8,
    case when e.lead_times > 0 then e.lead_time_mean end,
    (t.effective ->> 'lead_time_days')::float8
  ) as lead_time_days,
  ranked.rank,
  ranked.urgency,
  t.today
from engine_stock_products as e
join engine_stock_tenants as t on t.tenant_id = e.tenant_id
left join engine_stock_forecasts as f
  on f.tenant_id = e.tenant_id
  and f.product_id = e.product_id
join products as p
  on p.tenant_id = e.tenant_id
  and p.id = e.product_id
cross join lateral (
  select
    case e.risk when 'high' then 0 when 'medium' then 1 else 2 end as rank,
    -- Text of the number itself, so that a cursor gives it back to the last bit.
    case e.kind when 'stock_out' then coalesce(e.days_left, 1e9) else 1e9 end as urgency
) as ranked
where e.tenant_id = $tenant_id
  and e.status = $status
  and ($kind::text is null or e.kind = $kind)
  and ($risk::text is null or e.risk = $risk)
  and (ranked.rank, ranked.urgency, e.product_id) > ($after_rank::integer, $after_urgency::float8, $after_id::uuid)
order by ranked.rank, ranked.urgency, e.product_id
limit $limit;

-- name: list_stock_suggestions
select
  e.product_id,
  p.sku,
  p.name,
  p.unit,
  e.kind,
  e.risk,
  e.status,
  e.opened_at,
  e.on_hand,
  e.available,
  e.on_order,
  e.mean,
  e.deviation,
  e.recent_mean,
  e.lift,
  e.window_days,
  e.method,
  e.xyz_class,
  f.pattern,
  f.wape,
  f.mase,
  f.week_error,
  e.reorder_point,
  e.maximum,
  e.days_left,
  e.suggested_quantity,
  p.unit_conversions,
  p.purchase_pack,
  e.cost,
  e.priority,
  coalesce(e.abc_class, 'C') as abc_class,
  coalesce(
    (e.parameters ->> 'lead_time_days')::float8,
    (t.parameters ->> 'lead_time_days')::float8,
    case when e.lead_times > 0 then e.lead_time_mean end,
    (t.effective ->> 'lead_time_days')::float8
  ) as lead_time_days,
  coalesce(e.days_left, 1e9) as urgency
from engine_stock_products as e
join engine_stock_tenants as t on t.tenant_id = e.tenant_id
left join engine_stock_forecasts as f
  on f.tenant_id = e.tenant_id
  and f.product_id = e.product_id
join products as p
  on p.tenant_id = e.tenant_id
  and p.id = e.product_id
where e.tenant_id = $tenant_id
  and e.status = 'open'
  and e.kind = 'stock_out'
  and e.suggested_quantity > 0
  and coalesce(e.suggestion_state, 'accepted') = 'accepted'
  and (e.priority, coalesce(e.days_left, 1e9), e.product_id)
    > ($after_priority::integer, $after_urgency::float8, $after_id::uuid)
order by e.priority, urgency, e.product_id
limit $limit;

-- name: read_stock_forecast
select
  e.product_id,
  p.sku,
  p.name,
  p.unit,
  e.mean,
  e.lift,
  e.window_days,
  e.method,
  e.xyz_class,
  f.pattern,
  f.wape,
  f.mase,
  f.week_error,
  coalesce(
    (e.parameters ->> 'lead_time_days')::float8,
    (t.parameters ->> 'lead_time_days')::float8,
    case when e.lead_times > 0 then e.lead_time_mean end,
    (t.effective ->> 'lead_time_days')::float8
  ) as lead_time_days
from engine_stock_products as e
join engine_stock_tenants as t on t.tenant_id = e.tenant_id
left join engine_stock_forecasts as f
  on f.tenant_id = e.tenant_id
  and f.product_id = e.product_id
join products as p
  on p.tenant_id = e.tenant_id
  and p.id = e.product_id
where e.tenant_id = $tenant_id
  and e.product_id = $product_id
  and e.first_sale_day is not null;

-- name: read_suggestion
select
  e.suggested_quantity
from engine_stock_products as e
where e.tenant_id = $tenant_id
  and e.product_id = $product_id
  and e.status = 'open'
  and e.kind = 'stock_out'
  and e.suggested_quantity > 0
  and coalesce(e.suggestion_state, 'accepted') = 'accepted';

-- name: list_stock_feedback
select
  f.seq,
  json_build_object(
    'product_id', f.product_id,
    'sku', p.sku,
    'name', p.name,
    'answered_at', f.answered_at,
    'answer', f.answer,
    'suggested', f.suggested::text,
    'quantity', f.quantity::text,
    'reason', f.reason,
    'until', f.until
  )::text as body
from engine_stock_feedback as f
join products as p
  on p.tenant_id = f.tenant_id
  and p.id = f.product_id
where f.tenant_id = $tenant_id
  and ($product_id::uuid is null or f.product_id = $product_id)
  and ($answer::text is null or f.answer = $answer)
  and ($before_seq::bigint is null or f.seq < $before_seq)
order by f.seq desc
limit $limit;

-- name: list_abc_classes
-- The engine's class where it has given one; a product sold for the first time today ranks by today's revenue.
with ranked as (
  select
    e.product_id,
    e.window_revenue,
    e.window_quantity,
    e.window_days,
    e.abc_class,
    e.xyz_class,
    sum(greatest(e.window_revenue, 0)) over () as total,
    sum(greatest(e.window_revenue, 0)) over (
      order by e.window_revenue desc, e.product_id::text
      rows between unbounded preceding and current row
    ) as so_far
  from engine_stock_products as e
  where e.tenant_id = $tenant_id
    and e.first_sale_day is not null
)
select
  r.product_id,
  p.sku,
  p.name,
  p.unit,
  r.window_revenue,
  r.window_quantity,
  r.window_days,
  r.xyz_class,
  coalesce(
    r.abc_class,
    case
      when r.window_revenue <= 0 then 'C'
      when r.so_far - r.window_revenue < 0.80 * r.total then 'A'
      when r.so_far - r.window_revenue < 0.95 * r.total then 'B'
      else 'C'
    end
  ) as abc_class,
  case when r.total > 0 then greatest(r.window_revenue, 0) / r.total else 0 end as share,
  case when r.total > 0 then r.so_far / r.total else 0 end as cumulative_share
from ranked as r
join products as p
  on p.tenant_id = $tenant_id
  and p.id = r.product_id
where (-r.window_revenue, r.product_id) > ($after_revenue::float8, $after_id::uuid)
order by -r.window_revenue, r.product_id
limit $limit;

-- name: read_store_parameters
select
  t.parameters,
  t.effective
from engine_stock_tenants as t
where t.tenant_id = $tenant_id;

-- name: list_product_parameters
select
  e.product_id,
  p.sku,
  p.name,
  e.parameters,
  t.effective || jsonb_strip_nulls(e.parameters) as effective
from engine_stock_products as e
join engine_stock_tenants as t on t.tenant_id = e.tenant_id
join products as p
  on p.tenant_id = e.tenant_id
  and p.id = e.product_id
where e.tenant_id = $tenant_id
  and e.parameters is not null
  and ($product_id::uuid is null or e.product_id = $product_id)
  and e.product_id > $after_id::uuid
order by e.product_id
limit $limit;

-- name: find_product
select
  p.sku,
  p.name
from products as p
where p.tenant_id = $tenant_id
  and p.id = $product_id;
