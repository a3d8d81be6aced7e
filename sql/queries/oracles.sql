-- name: oracle_unfinished_consumers
-- Once everything is quiet, every consumer stands at the head of the log.
select consumers.name || ' stands at ' || coalesce(c.last_seq, 0) || ' of ' || h.head as problem
from tenant_event_head as h
cross join unnest($consumers::text[]) as consumers (name)
left join consumer_cursor as c
  on c.consumer = consumers.name
  and c.tenant_id = h.tenant_id
where h.tenant_id = $tenant_id
  and coalesce(c.last_seq, 0) <> h.head;

-- name: oracle_event_gaps
-- Numbers are gapless and end at the head, whatever retention has cut at the beginning.
select 'events ' || min(tenant_seq) || ' to ' || max(tenant_seq) || ', but ' || count(*) || ' rows and head ' || h.head
  as problem
from tenant_event_head as h
join event_outbox as o on o.tenant_id = h.tenant_id
where h.tenant_id = $tenant_id
group by h.head
having count(*) <> max(o.tenant_seq) - min(o.tenant_seq) + 1
  or max(o.tenant_seq) <> h.head;

-- name: oracle_on_hand_differs
-- On-hand is the sum of its movements.
select 'product ' || l.product_id || ': on hand ' || l.on_hand || ', movements sum to ' || coalesce(m.total, 0) as problem
from stock_levels as l
left join (
  select product_id, location_id, sum(delta) as total
  from stock_movements
  where tenant_id = $tenant_id
  group by product_id, location_id
) as m
  on m.product_id = l.product_id
  and m.location_id = l.location_id
where l.tenant_id = $tenant_id
  and l.on_hand <> coalesce(m.total, 0);

-- name: oracle_lots_differ
-- On-hand of a product that is kept in lots is the sum of its lots, a lot's is the sum of its movements, and what has
-- expired is what lies in expired lots.
select 'product ' || l.product_id || ': on hand ' || l.on_hand || ' with ' || l.expired || ' expired, lots hold '
  || coalesce(lots.on_hand, 0) || ' with ' || coalesce(lots.expired, 0) || ', their movements '
  || coalesce(moved.total, 0) as problem
from stock_levels as l
join lot_products as kept
  on kept.tenant_id = l.tenant_id
  and kept.product_id = l.product_id
left join (
  select product_id, location_id, sum(on_hand) as on_hand, coalesce(sum(on_hand) filter (where expired), 0) as expired
  from stock_lots
  where tenant_id = $tenant_id
  group by product_id, location_id
) as lots
  on lots.product_id = l.product_id
  and lots.location_id = l.location_id
left join (
  select product_id, location_id, sum(delta) as total
  from stock_lot_movements
  where tenant_id = $tenant_id
  group by product_id, location_id
) as moved
  on moved.product_id = l.product_id
  and moved.location_id = l.location_id
where l.tenant_id = $tenant_id
  and (
    l.on_hand <> coalesce(lots.on_hand, 0)
    or l.expired <> coalesce(lots.expired, 0)
    or coalesce(lots.on_hand, 0) <> coalesce(moved.total, 0)
  );

-- name: oracle_reserved_differs
-- What is reserved is what open orders still wait for.
select 'product ' || l.product_id || ': reserved ' || l.reserved || ', open orders hold ' || coalesce(o.quantity, 0) as problem
from stock_levels as l
left join (
  select i.product_id, o.location_id, sum(i.quantity - left_quantity($tenant_id, i.id)) as quantity
  from orders as o
  join order_items as i
    on i.tenant_id = o.tenant_id
    and i.order_id = o.id
  where o.tenant_id = $tenant_id
    and o.status in ('pending', 'preparing', 'out_for_delivery', 'ready_for_pickup')
  group by i.product_id, o.location_id
) as o
  on o.product_id = l.product_id
  and o.location_id = l.location_id
where l.tenant_id = $tenant_id
  and l.reserved <> coalesce(o.quantity, 0);

-- name: oracle_quotes_with_two_orders
select 'quote ' || quote_id || ' has ' || count(*) || ' orders' as problem
from orders
where tenant_id = $tenant_id
  and quote_id is not null
group by quote_id
having count(*) > 1;

-- name: oracle_document_number_gaps
select series || ' numbers up to ' || max(serial) || ', but ' || count(*) || ' documents' as problem
from (
  select 'quote' as series, serial from quotes where tenant_id = $tenant_id
  union all
  select 'order', serial from orders where tenant_id = $tenant_id
  union all
  select 'purchase order', serial from purchase_orders where tenant_id = $tenant_id
  union all
  select 'delivery', serial from deliveries where tenant_id = $tenant_id
) as documents
group by series
having count(*) <> max(serial)
  or count(distinct serial) <> count(*);

-- name: oracle_contradictory_orders
-- A sale was recorded for each part of an order that left, or one for an order that was delivered as a whole.
with sale as materialized (
  select (payload ->> 'order_id')::uuid as order_id, count(*) as sales
  from event_outbox
  where tenant_id = $tenant_id
    and event_type = 'sale_recorded'
  group by 1
),
part as (
  select order_id, count(*) as parts
  from order_parts
  where tenant_id = $tenant_id
  group by order_id
)
select 'order ' || o.id || ' is ' || o.status || ' in ' || coalesce(part.parts, 0) || ' parts with '
  || coalesce(sale.sales, 0) || ' recorded sales' as problem
from orders as o
left join sale on sale.order_id = o.id
left join part on part.order_id = o.id
where o.tenant_id = $tenant_id
  and coalesce(sale.sales, 0) <> coalesce(part.parts, (o.status = 'delivered')::integer)
  and (select min(first.tenant_seq) from event_outbox as first where first.tenant_id = $tenant_id) = 1;

-- name: oracle_parts_differ
-- No more of an item leaves than was ordered, all of it of a delivered order, and what the parts come to adds up.
select 'order ' || o.id || ' is ' || o.status || ': ' || p.total || ' of ' || o.total || ' has left, known is '
  || coalesce(o.left_total::text, 'nothing') || '; of item ' || i.id || ' ' || left_quantity($tenant_id, i.id) || ' of '
  || i.quantity as problem
from (
  select order_id, sum(total) as total
  from order_parts
  where tenant_id = $tenant_id
  group by order_id
) as p
join orders as o
  on o.tenant_id = $tenant_id
  and o.id = p.order_id
join order_items as i
  on i.tenant_id = o.tenant_id
  and i.order_id = o.id
where o.left_total is distinct from p.total
  or left_quantity($tenant_id, i.id) > i.quantity
  or (o.status = 'delivered' and (left_quantity($tenant_id, i.id) <> i.quantity or p.total <> o.total));

-- name: oracle_sale_movements_differ
-- What the ledger sold of an order is what has left of it.
select 'order ' || coalesce(s.order_id, m.order_id) || ', product ' || coalesce(s.product_id, m.product_id) || ': '
  || coalesce(s.quantity, 0) || ' has left, the ledger sold ' || coalesce(m.quantity, 0) as problem
from (
  select
    o.id as order_id,
    i.product_id,
    sum(case when o.left_total is null then i.quantity else left_quantity($tenant_id, i.id) end) as quantity
  from orders as o
  join order_items as i
    on i.tenant_id = o.tenant_id
    and i.order_id = o.id
  where o.tenant_id = $tenant_id
    and (o.status = 'delivered' or o.left_total is not null)
  group by o.id, i.product_id
) as s
full join (
  select order_id, product_id, -sum(delta) as quantity
  from stock_movements
  where tenant_id = $tenant_id
    and kind = 'sale'
  group by order_id, product_id
) as m
  on m.order_id = s.order_id
  and m.product_id = s.product_id
where coalesce(s.quantity, 0) <> coalesce(m.quantity, 0);

-- name: oracle_engine_demand_differs
-- The stock engine's demand, of past days and of today, is what the log says was sold, less what came back. Only while the log is whole.
select 'product ' || coalesce(d.product_id, s.product_id) || ': demand ' || coalesce(d.quantity, 0)
  || ', the log sold ' || coalesce(s.quantity, 0) as problem
from (
  select product_id, sum(quantity) as quantity
  from (
    select product_id, quantity
    from engine_daily_demand
    where tenant_id = $tenant_id
    union all
    select product_id, day_quantity::numeric(20,3)
    from engine_stock_products
    where tenant_id = $tenant_id
  ) as days
  group by product_id
) as d
full join (
  select
    (item ->> 'product_id')::uuid as product_id,
    sum((item ->> 'quantity')::numeric * case o.event_type when 'sale_recorded' then 1 else -1 end) as quantity
  from event_outbox as o
  cross join json_array_elements(o.payload -> 'items') as item
  where o.tenant_id = $tenant_id
    and o.event_type in ('sale_recorded', 'order_returned')
  group by 1
) as s on s.product_id = d.product_id
where coalesce(d.quantity, 0) <> coalesce(s.quantity, 0)
  and (select min(first.tenant_seq) from event_outbox as first where first.tenant_id = $tenant_id) = 1;

-- name: oracle_engine_orders_differ
-- The sales engine counted every order once, with the first of its recorded sales. Only while the log is whole.
select 'engine counted ' || coalesce(t.orders, 0) || ' sales, the log has ' || s.sales as problem
from (
  select count(*) as sales
  from event_outbox
  where tenant_id = $tenant_id
    and event_type = 'sale_recorded'
    and coalesce(json_array_length(payload -> 'earlier_product_ids'), 0) = 0
) as s
left join engine_sales_totals as t on t.tenant_id = $tenant_id
where coalesce(t.orders, 0) <> s.sales
  and coalesce((select min(first.tenant_seq) from event_outbox as first where first.tenant_id = $tenant_id), 1) = 1;

-- name: oracle_engine_stock_differs
-- The stock engine's on-hand is the ledger's.
select 'product ' || e.product_id || ': engine has ' || e.on_hand || ', ledger has ' || l.on_hand as problem
from engine_stock_levels as e
join stock_levels as l
  on l.tenant_id = e.tenant_id
  and l.product_id = e.product_id
  and l.location_id = e.location_id
where e.tenant_id = $tenant_id
  and e.on_hand <> l.on_hand;

-- name: oracle_engine_prices_differ
-- The pricing engine knows every price that suppliers registered, and its current one is the one that counts on its day.
select 'supplier ' || r.supplier_id || ', product ' || r.product_id || ': engine has ' || coalesce(o.registered, 0)
  || ' prices and ' || coalesce(o.price::text, 'none') || ' today, registered are ' || r.registered || ' and '
  || coalesce(current.price::text, 'none') as problem
from (
  select product_id, supplier_id, count(*) as registered, min(price) as lowest, max(price) as highest
  from supplier_prices
  where tenant_id = $tenant_id
  group by product_id, supplier_id
) as r
left join engine_pricing_tenants as t on t.tenant_id = $tenant_id
left join engine_pricing_offers as o
  on o.tenant_id = $tenant_id
  and o.product_id = r.product_id
  and o.supplier_id = r.supplier_id
left join lateral (
  select p.price
  from supplier_prices as p
  where p.tenant_id = $tenant_id
    and p.product_id = r.product_id
    and p.supplier_id = r.supplier_id
    and p.valid_from <= t.today
    and (p.valid_to is null or p.valid_to >= t.today)
  order by p.valid_from desc, p.id desc
  limit 1
) as current on true
where o.registered is distinct from r.registered
  or o.lowest is distinct from r.lowest
  or o.highest is distinct from r.highest
  or o.price is distinct from current.price;

-- name: oracle_engine_suppliers_differ
-- The suppliers whose prices the pricing engine leaves out are those out of use.
select 'supplier ' || s.id || ' is ' || case when s.active then 'in use' else 'out of use' end
  || ', the pricing engine thinks otherwise' as problem
from suppliers as s
left join engine_pricing_suppliers as u
  on u.tenant_id = s.tenant_id
  and u.supplier_id = s.id
where s.tenant_id = $tenant_id
  and s.active <> coalesce(u.active, true);

-- name: oracle_engine_purchases_differ
-- What customers bought, as the sales engine added it up, is what the log says. Only while the log is whole.
select 'customer ' || coalesce(e.customer_id, l.customer_id) || ', product ' || coalesce(e.product_id, l.product_id)
  || ': engine has ' || coalesce(e.quantity, 0) || ', the log sold ' || coalesce(l.quantity, 0) as problem
from (
  select customer_id, product_id, quantity
  from engine_sales_customer_products
  where tenant_id = $tenant_id
) as e
full join (
  select
    (o.payload ->> 'customer_id')::uuid as customer_id,
    (item ->> 'product_id')::uuid as product_id,
    sum((item ->> 'quantity')::numeric) as quantity
  from event_outbox as o
  cross join json_array_elements(o.payload -> 'items') as item
  where o.tenant_id = $tenant_id
    and o.event_type = 'sale_recorded'
    and o.payload ->> 'customer_id' is not null
  group by 1, 2
) as l
  on l.customer_id = e.customer_id
  and l.product_id = e.product_id
where coalesce(e.quantity, 0) <> coalesce(l.quantity, 0)
  and (select min(first.tenant_seq) from event_outbox as first where first.tenant_id = $tenant_id) = 1;

-- name: oracle_open_dead_letters
-- all tenants: dead letters are the platform's
select d.consumer || ' parked event ' || d.tenant_seq || ' of ' || t.slug || ': ' || d.error as problem
from dead_letters as d
join tenants as t on t.id = d.tenant_id
where d.state in ('parked', 'replay_requested');

-- name: list_active_tenants
-- all tenants: the directory
select id, slug, name, time_zone
from tenants
where id <> '00000000-0000-0000-0000-000000000000'
order by slug;
