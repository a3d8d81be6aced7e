-- name: lock_returned_order
-- The order's row keeps two returns of one order apart.
select status, location_id, left_total
from orders
where tenant_id = $tenant_id
  and id = $order_id
for no key update;

-- name: list_returnable_items
-- A statement of its own, after the lock: one that waited for the lock would not see what the other return took.
select
  item.id,
  item.product_id,
  case
    when item.price_unit = item.unit then item.unit_price
    else round(item.unit_price * item.sold_quantity / item.quantity, 2)
  end as unit_price,
  item.unit,
  item.quantity,
  item.sold_unit,
  item.sold_quantity,
  item.line_total,
  case when o.left_total is null then item.quantity else left_quantity($tenant_id, item.id) end as had,
  coalesce(sum(back.quantity), 0) as returned
from orders as o
join order_items as item
  on item.tenant_id = o.tenant_id
  and item.order_id = o.id
left join order_return_items as back
  on back.tenant_id = item.tenant_id
  and back.order_item_id = item.id
where o.tenant_id = $tenant_id
  and o.id = $order_id
group by item.tenant_id, item.id, o.left_total
order by item.position;

-- name: create_return
with back as (
  insert into order_returns (tenant_id, id, order_id, reason, restocked, amount, created_by, created_at)
  values ($tenant_id, $id, $order_id, $reason, $restocked, $amount, $user_id, $now)
)
insert into order_return_items (tenant_id, id, return_id, order_item_id, product_id, quantity, amount)
select $tenant_id, given.id, $id, given.order_item_id, given.product_id, given.quantity, given.amount
from unnest(
  $item_ids::uuid[], $order_item_ids::uuid[], $product_ids::uuid[], $quantities::numeric[], $amounts::numeric[]
) as given (id, order_item_id, product_id, quantity, amount);

-- name: list_returns
select
  back.id,
  json_build_object(
    'id', back.id,
    'order_id', back.order_id,
    'reason', back.reason,
    'restocked', back.restocked,
    'amount', back.amount::text,
    'created_by', back.created_by,
    'created_at', back.created_at,
    'items', (
      select json_agg(
        json_build_object(
          'order_item_id', item.order_item_id,
          'product_id', item.product_id,
          'unit', sold.sold_unit,
          'quantity', line_quantity(sold, item.quantity)::text,
          'stock_unit', sold.unit,
          'stock_quantity', item.quantity::text,
          'amount', item.amount::text
        )
        order by item.id
      )
      from order_return_items as item
      join order_items as sold
        on sold.tenant_id = item.tenant_id
        and sold.id = item.order_item_id
      where item.tenant_id = back.tenant_id
        and item.return_id = back.id
    )
  )::text as body
from order_returns as back
where back.tenant_id = $tenant_id
  and back.order_id = $order_id
  and ($only_id::uuid is null or back.id = $only_id)
  and ($after::uuid is null or back.id < $after)
order by back.id desc
limit $limit;

-- name: list_timeline
-- What a customer asked for and got, newest first: quotes and orders in one list.
select entry.created_at, entry.id, entry.body
from (
  (
    select
      q.created_at,
      q.id,
      json_build_object(
        'kind', 'quote', 'id', q.id, 'number', q.number, 'status', quote_state(q.status, q.valid_until, $now),
        'total', q.total::text, 'created_at', q.created_at, 'items', q.items
      )::text as body
    from quotes as q
    where q.tenant_id = $tenant_id
      and q.customer_id = $customer_id
      and (q.created_at, q.id) < ($before_at::timestamptz, $before_id::uuid)
      and q.created_at >= $from_at
    order by q.created_at desc, q.id desc
    limit $limit
  )
  union all
  (
    select
      o.created_at,
      o.id,
      json_build_object(
        'kind', 'order', 'id', o.id, 'number', o.number, 'status', o.status, 'total', o.total::text,
        'created_at', o.created_at, 'items', o.items
      )::text
    from orders as o
    where o.tenant_id = $tenant_id
      and o.customer_id = $customer_id
      and (o.created_at, o.id) < ($before_at::timestamptz, $before_id::uuid)
      and o.created_at >= $from_at
    order by o.created_at desc, o.id desc
    limit $limit
  )
) as entry
order by entry.created_at desc, entry.id desc
limit $limit;

-- name: list_paid_prices
-- What the customer paid for a product, the last times first.
select json_build_object(
  'items', coalesce(
    json_agg(
      json_build_object(
        'order_id', paid.order_id, 'number', paid.number, 'created_at', paid.created_at,
        'quantity', paid.quantity::text, 'unit_price', paid.unit_price::text,
        'discount_percent', paid.discount_percent::text, 'line_total', paid.line_total::text
      )
      order by paid.created_at desc, paid.position
    ),
    '[]'::json
  ),
  'next_cursor', null
)::text as body
from (
  select o.id as order_id, o.number, o.created_at, i.quantity, i.unit_price, i.discount_percent, i.line_total, i.position
  from orders as o
  join order_items as i
    on i.tenant_id = o.tenant_id
    and i.order_id = o.id
    and i.product_id = $product_id
  where o.tenant_id = $tenant_id
    and o.customer_id = $customer_id
    and o.status <> 'cancelled'
  order by o.created_at desc
  limit 10
) as paid;
