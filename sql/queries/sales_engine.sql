-- name: read_sales_tenants
select
  t.id,
  t.time_zone,
  s.today,
  p.parameters::text as parameters,
  coalesce(p.seq, 0) as parameters_seq
from tenants as t
left join engine_sales_totals as s on s.tenant_id = t.id
left join engine_sales_parameters as p
  on p.tenant_id = t.id
  and p.product_id = '00000000-0000-0000-0000-000000000000'
where t.id = any ($tenant_ids::uuid[]);

-- name: save_sales_parameters
insert into engine_sales_parameters as known (tenant_id, product_id, seq, parameters, effective)
select *
from unnest(
  $tenant_ids::uuid[], $product_ids::uuid[], $seqs::bigint[], $parameters::text[]::jsonb[],
  $effective::text[]::jsonb[]
)
on conflict (tenant_id, product_id) do update set
  seq = excluded.seq,
  parameters = excluded.parameters,
  effective = excluded.effective
  where excluded.seq > known.seq;

-- name: add_sales
-- The batch's orders, products, pairs and baskets, added to what is known. Ids come once and are referred to by their
-- place, because a pair of ids is several times as much to send as a pair of numbers. Those arrays are parameters as they
-- are, not texts to be cast: a cast would be computed again for every row that looks something up.
with totals as (
  insert into engine_sales_totals as known (tenant_id, orders, today)
  select *
  from unnest($tenant_ids::uuid[], $total_orders::text::integer[], $days::date[])
  on conflict (tenant_id) do update set
    orders = known.orders + excluded.orders,
    today = excluded.today
  returning tenant_id, orders
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
),
baskets as (
  insert into engine_sales_baskets as known (tenant_id, slot, number, product_ids)
  select
    t.tenant_id,
    (t.orders - given.in_batch + b.number) % $kept::integer,
    t.orders - given.in_batch + b.number,
    b.product_ids
  from unnest($tenant_ids::uuid[], $total_orders::text::integer[])
    with ordinality as given (tenant_id, in_batch, place)
  join totals as t on t.tenant_id = given.tenant_id
  join unnest($basket_tenants::text::integer[], $basket_numbers::text::integer[], $baskets::bytea[])
    as b (tenant_place, number, product_ids)
    on b.tenant_place = given.place
  on conflict (tenant_id, slot) do update set
    number = excluded.number,
    product_ids = excluded.product_ids
)
insert into engine_sales_pairs as known (tenant_id, product_a, product_b, orders)
select
  ($tenant_ids::uuid[])[($product_tenants::integer[])[pair.a]],
  ($product_ids::uuid[])[pair.a],
  ($product_ids::uuid[])[pair.b],
  pair.orders
from unnest($pairs_a::text::integer[], $pairs_b::text::integer[], $pair_orders::text::integer[]) as pair (a, b, orders)
on conflict (tenant_id, product_a, product_b) do update set orders = known.orders + excluded.orders;

-- name: add_purchases
-- all tenants: bound by the list of the batch. The purchases of the batch's customers, numbered on from those known. A row
-- without days adds to the quantity of an earlier purchase alone.
with given as (
  select *
  from unnest(
    $buyer_tenants::uuid[], $buyer_ids::uuid[], $purchases::text::integer[], $last_days::text::date[]
  ) with ordinality as g (tenant_id, customer_id, purchases, last_on, place)
),
customers as (
  insert into engine_sales_customers as known (tenant_id, customer_id, purchases, last_on)
  select g.tenant_id, g.customer_id, g.purchases, g.last_on
  from given as g
  order by g.place
  on conflict (tenant_id, customer_id) do update set
    purchases = known.purchases + excluded.purchases,
    last_on = excluded.last_on
  returning tenant_id, customer_id, purchases
)
insert into engine_sales_customer_products as known (
  tenant_id, customer_id, product_id, last_number, recent, first_on, last_on, days, squares, quantity
)
select
  c.tenant_id,
  c.customer_id,
  ($product_ids::uuid[])[b.product],
  c.purchases - g.purchases + b.number,
  b.recent,
  b.first_on,
  b.last_on,
  b.days,
  b.squares,
  b.quantity
from unnest(
  $bought_by::text::integer[], $bought::text::integer[], $numbers::text::integer[], $recent::text::smallint[],
  $first_on::text::date[], $last_on::text::date[], $days::text::integer[], $squares::text::bigint[],
  $quantities::text::float8[]
) as b (place, product, number, recent, first_on, last_on, days, squares, quantity)
join given as g on g.place = b.place
join customers as c
  on c.tenant_id = g.tenant_id
  and c.customer_id = g.customer_id
on conflict (tenant_id, customer_id, product_id) do update set
  last_number = case excluded.days when 0 then known.last_number else excluded.last_number end,
  recent = case
    when excluded.days = 0 then known.recent
    when known.days = 0 then excluded.recent
    else (
      (known.recent::integer << least(excluded.last_number - known.last_number, 8)) | excluded.recent::integer
    ) & 255
  end,
  first_on = case when known.days = 0 and excluded.days > 0 then excluded.first_on else known.first_on end,
  last_on = case excluded.days when 0 then known.last_on else excluded.last_on end,
  days = known.days + excluded.days
    - (known.days > 0 and excluded.days > 0 and known.last_on = excluded.first_on)::integer,
  squares = known.squares + excluded.squares + case
    when known.days = 0 or excluded.days = 0 then 0
    else (excluded.first_on - known.last_on)::bigint * (excluded.first_on - known.last_on)
  end,
  quantity = known.quantity + excluded.quantity;

-- name: save_sales_answers
insert into engine_sales_answers as known (
  tenant_id, kind, subject_id, from_id, customer_id, seq, answer, reason, rests_until, answered_at, accepted, changed,
  dismissed, snoozed
)
select *
from unnest(
  $tenant_ids::uuid[], $kinds::text[], $subject_ids::uuid[], $from_ids::uuid[], $customer_ids::uuid[],
  $seqs::bigint[], $answers::text[], $reasons::text[], $rests_until::date[], $answered_at::timestamptz[], $accepted::integer[],
  $changed::integer[], $dismissed::integer[], $snoozed::integer[]
)
on conflict (tenant_id, kind, subject_id, from_id, customer_id) do update set
  seq = greatest(known.seq, excluded.seq),
  answer = case when excluded.seq > known.seq then excluded.answer else known.answer end,
  reason = case when excluded.seq > known.seq then excluded.reason else known.reason end,
  rests_until = case when excluded.seq > known.seq then excluded.rests_until else known.rests_until end,
  answered_at = case when excluded.seq > known.seq then excluded.answered_at else known.answered_at end,
  accepted = known.accepted + excluded.accepted,
  changed = known.changed + excluded.changed,
  dismissed = known.dismissed + excluded.dismissed,
  snoozed = known.snoozed + excluded.snoozed;

-- name: clear_sales_engine
with totals_cleared as (
  delete from engine_sales_totals
  where tenant_id = $tenant_id
),
products_cleared as (
  delete from engine_sales_products
  where tenant_id = $tenant_id
),
pairs_cleared as (
  delete from engine_sales_pairs
  where tenant_id = $tenant_id
),
parameters_cleared as (
  delete from engine_sales_parameters
  where tenant_id = $tenant_id
),
customers_cleared as (
  delete from engine_sales_customers
  where tenant_id = $tenant_id
),
customer_products_cleared as (
  delete from engine_sales_customer_products
  where tenant_id = $tenant_id
),
baskets_cleared as (
  delete from engine_sales_baskets
  where tenant_id = $tenant_id
),
mined_cleared as (
  delete from engine_sales_mined
  where tenant_id = $tenant_id
),
bundles_cleared as (
  delete from engine_sales_bundles
  where tenant_id = $tenant_id
)
delete from engine_sales_answers
where tenant_id = $tenant_id;
