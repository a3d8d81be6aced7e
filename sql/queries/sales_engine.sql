-- name: add_sales
-- The batch's orders, products and pairs, added to what is known. Ids come once and are referred to by their place,
-- because a pair of ids is several times as much to send as a pair of numbers. Those arrays are parameters as they
-- are, not texts to be cast: a cast would be computed again for every row that looks something up.
with totals as (
  insert into engine_sales_totals as known (tenant_id, orders)
  select *
  from unnest($tenant_ids::uuid[], $total_orders::text::integer[])
  on conflict (tenant_id) do update set orders = known.orders + excluded.orders
),
products as (
  insert into engine_sales_products as known (tenant_id, product_id, orders, quantity, revenue)
  select
    ($tenant_ids::uuid[])[p.tenant_place],
    p.product_id,
    p.orders,
    p.quantity,
    p.revenue
  from unnest(
    $product_tenants::integer[], $product_ids::uuid[], $product_orders::text::integer[],
    $quantities::text::float8[], $revenues::text::float8[]
  ) as p (tenant_place, product_id, orders, quantity, revenue)
  on conflict (tenant_id, product_id) do update set
    orders = known.orders + excluded.orders,
    quantity = known.quantity + excluded.quantity,
    revenue = known.revenue + excluded.revenue
)
insert into engine_sales_pairs as known (tenant_id, product_a, product_b, orders)
select
  ($tenant_ids::uuid[])[($product_tenants::integer[])[pair.a]],
  ($product_ids::uuid[])[pair.a],
  ($product_ids::uuid[])[pair.b],
  pair.orders
from unnest($pairs_a::text::integer[], $pairs_b::text::integer[], $pair_orders::text::integer[]) as pair (a, b, orders)
on conflict (tenant_id, product_a, product_b) do update set orders = known.orders + excluded.orders;

-- name: clear_sales_engine
with totals_cleared as (
  delete from engine_sales_totals
  where tenant_id = $tenant_id
),
products_cleared as (
  delete from engine_sales_products
  where tenant_id = $tenant_id
)
delete from engine_sales_pairs
where tenant_id = $tenant_id;
