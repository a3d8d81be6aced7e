-- name: get_dashboard
-- Days, weeks and months are those of the store; each figure reads one index range. Sums are not cast to the columns'
-- type: a few large amounts together are more than it holds.
with bounds as (
  select
    date_trunc('day', $now at time zone t.time_zone) at time zone t.time_zone as today,
    date_trunc('week', $now at time zone t.time_zone) at time zone t.time_zone as week,
    date_trunc('month', $now at time zone t.time_zone) at time zone t.time_zone as month,
    ($now at time zone t.time_zone)::date as date
  from tenants as t
  where t.id = $tenant_id
),
quotes_today as (
  select count(*) as number
  from quotes, bounds
  where quotes.tenant_id = $tenant_id
    and quotes.created_at >= bounds.today
),
orders_today as (
  select count(*) as number
  from orders, bounds
  where orders.tenant_id = $tenant_id
    and orders.created_at >= bounds.today
),
delivered as (
  select
    coalesce(sum(orders.total) filter (where orders.left_total is null and orders.delivered_at >= bounds.week), 0) as week,
    coalesce(sum(orders.total) filter (where orders.left_total is null and orders.delivered_at >= bounds.month), 0)
      as month,
    avg(extract(epoch from orders.delivered_at - orders.created_at)) filter (where orders.fulfilment <> 'counter')
      as seconds
  from orders, bounds
  where orders.tenant_id = $tenant_id
    and orders.delivered_at >= least(bounds.week, bounds.month)
),
returned as (
  -- Counted when it comes back, whenever it was sold: a week that is over does not change any more. A return's amount
  -- is that of its lines, of which the order's overall discount is still to be taken.
  select
    coalesce(sum(back.amount * o.total / o.subtotal) filter (where back.created_at >= bounds.week), 0) as week,
    coalesce(sum(back.amount * o.total / o.subtotal) filter (where back.created_at >= bounds.month), 0) as month
  from bounds
  cross join order_returns as back
  join orders as o
    on o.tenant_id = back.tenant_id
    and o.id = back.order_id
    and o.subtotal > 0
  where back.tenant_id = $tenant_id
    and back.created_at >= least(bounds.week, bounds.month)
),
-- Of orders that leave in parts each part counts on its own day.
parts as (
  select
    coalesce(sum(order_parts.total) filter (where order_parts.created_at >= bounds.week), 0) as week,
    coalesce(sum(order_parts.total) filter (where order_parts.created_at >= bounds.month), 0) as month
  from order_parts, bounds
  where order_parts.tenant_id = $tenant_id
    and order_parts.created_at >= least(bounds.week, bounds.month)
),
sent as (
  select
    count(*) as number,
    count(quotes.converted_at) as converted,
    avg(extract(epoch from quotes.converted_at - quotes.created_at)) as seconds
  from quotes
  where quotes.tenant_id = $tenant_id
    and quotes.sent_at >= $now - interval '90 days'
),
shelf as (
  select
    count(*) filter (where products.active and held.on_hand <= 0) as empty,
    count(*) filter (where products.active) as kept,
    coalesce(
      sum(greatest(held.on_hand, 0) * coalesce(cost.average_cost, products.cost, 0))
        filter (where held.last_sold_at < $now - interval '60 days'),
      0
    ) as idle_capital
  from (
    -- Over all locations: a product that lies in the yard is not out because the counter's shelf is empty.
    select
      level.product_id,
      sum(level.on_hand) as on_hand,
      coalesce(max(level.last_sold_at), min(level.created_at)) as last_sold_at
    from stock_levels as level
    where level.tenant_id = $tenant_id
    group by level.product_id
  ) as held
  join products
    on products.tenant_id = $tenant_id
    and products.id = held.product_id
  left join stock_costs as cost
    on cost.tenant_id = $tenant_id
    and cost.product_id = held.product_id
),
behind as (
  select coalesce(max(head.head - coalesce(engine_cursor.last_seq, 0)), 0) as events
  from tenant_event_head as head
  cross join unnest($engines::text[]) as engine (name)
  left join consumer_cursor as engine_cursor
    on engine_cursor.consumer = engine.name
    and engine_cursor.tenant_id = $tenant_id
  where head.tenant_id = $tenant_id
)
select json_build_object(
  'date', bounds.date,
  'quotes_today', quotes_today.number,
  'orders_today', orders_today.number,
  'revenue_week', round(delivered.week + parts.week - returned.week, 2)::text,
  'revenue_month', round(delivered.month + parts.month - returned.month, 2)::text,
  'conversion_rate', round(sent.converted::numeric / nullif(sent.number, 0), 4)::float8,
  'hours_quote_to_order', round(sent.seconds / 3600, 2)::float8,
  'hours_order_to_delivery', round(delivered.seconds / 3600, 2)::float8,
  'stock_out_rate', round(shelf.empty::numeric / nullif(shelf.kept, 0), 4)::float8,
  'idle_capital', round(shelf.idle_capital, 2)::text,
  'pending_events', behind.events
)::text as body
from bounds, quotes_today, orders_today, delivered, returned, parts, sent, shelf, behind;
