-- name: list_consumed_tenants
-- all tenants: periodic work looks at every tenant that the engine has come to know
select c.tenant_id
from consumer_cursor as c
join tenants as t on t.id = c.tenant_id
where c.consumer = $consumer
  and t.status = 'active';

-- name: list_mined
select
  s.tenant_id,
  s.orders,
  p.parameters::text as parameters,
  m.through,
  m.least_share,
  m.least_orders
from engine_sales_totals as s
left join engine_sales_parameters as p
  on p.tenant_id = s.tenant_id
  and p.product_id = '00000000-0000-0000-0000-000000000000'
left join engine_sales_mined as m on m.tenant_id = s.tenant_id
where s.tenant_id = any ($tenant_ids::uuid[])
order by s.tenant_id;

-- name: read_baskets
select b.product_ids
from engine_sales_baskets as b
where b.tenant_id = $tenant_id
  and b.number > $after
  and b.number <= $through
order by b.number;

-- name: save_mined
-- No row when the store has had fewer orders than were mined: its rows have been cleared.
insert into engine_sales_mined (tenant_id, through, baskets, least_share, least_orders, complete)
select s.tenant_id, $through, $baskets, $least_share, $least_orders, $complete
from engine_sales_totals as s
where s.tenant_id = $tenant_id
  and s.orders >= $through
on conflict (tenant_id) do update set
  through = excluded.through,
  baskets = excluded.baskets,
  least_share = excluded.least_share,
  least_orders = excluded.least_orders,
  complete = excluded.complete;

-- name: clear_bundles
delete from engine_sales_bundles
where tenant_id = $tenant_id;

-- name: save_bundles
insert into engine_sales_bundles (tenant_id, bundle_id, product_ids, orders, support, lift, closed)
select $tenant_id, b.bundle_id, b.product_ids::uuid[], b.orders, b.support, b.lift, b.closed
from unnest(
  $bundle_ids::uuid[], $product_ids::text[], $orders::integer[], $supports::float8[], $lifts::float8[],
  $closed::boolean[]
) as b (bundle_id, product_ids, orders, support, lift, closed);
