-- name: list_delivery_orders
select order_id
from delivery_orders
where tenant_id = $tenant_id
  and delivery_id = $delivery_id
order by order_id;

-- name: lock_delivery_orders
-- The orders that a delivery carries and, when one is given, the one that it is to carry, in the order of their ids:
-- so that two deliveries of the same orders never wait for each other in a ring.
select orders.id
from orders
where orders.tenant_id = $tenant_id
  and orders.id = any (
    array(
      select carried.order_id
      from delivery_orders as carried
      where carried.tenant_id = $tenant_id
        and carried.delivery_id = $delivery_id
    ) || $order_id::uuid
  )
order by orders.id
for no key update;

-- name: is_same_place
-- Whether two orders go to the same customer's same place: one site, or two that are written alike.
select
  one.customer_id = other.customer_id
  and (
    one.site_id is not distinct from other.site_id
    or (
      nullif(coalesce(one_site.address, customer.address), '') = coalesce(other_site.address, customer.address)
      and coalesce(one_site.postal_code, customer.postal_code)
        is not distinct from coalesce(other_site.postal_code, customer.postal_code)
    )
  ) as same
from orders as one
join orders as other
  on other.tenant_id = one.tenant_id
  and other.id = $other_id
left join customers as customer on customer.tenant_id = one.tenant_id and customer.id = one.customer_id
left join sites as one_site on one_site.tenant_id = one.tenant_id and one_site.id = one.site_id
left join sites as other_site on other_site.tenant_id = other.tenant_id and other_site.id = other.site_id
where one.tenant_id = $tenant_id
  and one.id = $order_id;

-- name: load_order
-- Puts the chosen (item, quantity) of another order on a delivery, or without items all that is owed of it. Answers the
-- delivery's id, and no row when nothing is owed.
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
sums as (
  select
    coalesce(sum(quantity * weight_kg), 0) as weight_kg,
    coalesce(sum(quantity * volume_m3), 0) as volume_m3,
    bool_and(weight_kg is not null and volume_m3 is not null) as measured
  from wanted
  where quantity > 0
  having count(*) > 0
),
loaded as (
  update deliveries as d
  set
    weight_kg = least(d.weight_kg + sums.weight_kg, 99999999999.999),
    volume_m3 = least(d.volume_m3 + sums.volume_m3, 99999999.999999),
    measured = d.measured and sums.measured,
    version = d.version + 1,
    updated_at = $now
  from sums
  where d.tenant_id = $tenant_id
    and d.id = $delivery_id
  returning d.id
),
joined as (
  insert into delivery_orders (tenant_id, delivery_id, order_id)
  select $tenant_id, loaded.id, $order_id
  from loaded
  on conflict (tenant_id, delivery_id, order_id) do nothing
),
item as (
  insert into delivery_items as item (tenant_id, delivery_id, order_item_id, quantity)
  select $tenant_id, loaded.id, wanted.id, wanted.quantity
  from loaded
  cross join wanted
  where wanted.quantity > 0
  on conflict (tenant_id, delivery_id, order_item_id) do update
    set quantity = item.quantity + excluded.quantity
)
select id
from loaded;

-- name: lock_orders_to_dispatch
-- Orders with goods on the route that are still being prepared: all of them, before the first takes the counter of
-- document numbers.
select o.id
from orders as o
where o.tenant_id = $tenant_id
  and o.id = any (
    array(
      select carried.order_id
      from deliveries as d
      join delivery_orders as carried
        on carried.tenant_id = d.tenant_id
        and carried.delivery_id = d.id
      where d.tenant_id = $tenant_id
        and d.route_id = $route_id
        and d.status = 'assigned'
    )
  )
  and o.status = 'preparing'
order by o.id
for no key update;
