-- name: list_complementary
-- The products bought with those given, by what each of them suggests best. Support is the share of all orders with
-- both, confidence the share of the orders with the one that hold the other too, lift how many times as often as by
-- chance: together * total / (first * second).
with rules as (
  select
    b.first_id,
    b.second_id,
    b.together,
    f.orders as first_orders,
    s.orders as second_orders,
    t.orders as total,
    b.together::float8 / t.orders as support,
    b.together::float8 / f.orders as confidence,
    b.together::float8 * t.orders / (f.orders::float8 * s.orders) as lift
  from (
    select a.product_a as first_id, a.product_b as second_id, a.orders as together
    from engine_sales_pairs as a
    where a.tenant_id = $tenant_id
      and a.product_a = any ($product_ids::uuid[])
    union all
    select a.product_b, a.product_a, a.orders
    from engine_sales_pairs as a
    where a.tenant_id = $tenant_id
      and a.product_b = any ($product_ids::uuid[])
  ) as b
  join engine_sales_totals as t on t.tenant_id = $tenant_id
  join engine_sales_products as f
    on f.tenant_id = $tenant_id
    and f.product_id = b.first_id
  join engine_sales_products as s
    on s.tenant_id = $tenant_id
    and s.product_id = b.second_id
  where b.second_id <> all ($product_ids::uuid[])
),
best as (
  select distinct on (r.second_id) r.*
  from rules as r
  where r.support >= $min_support::float8
    and r.confidence >= $min_confidence::float8
    and not exists (
      select
      from engine_sales_answers as a
      where a.tenant_id = $tenant_id
        and a.kind = 'complement'
        and a.subject_id = r.second_id
        and a.from_id = r.first_id
        and a.customer_id = any ($customer_ids::uuid[])
        and a.rests_until > $today::date
    )
  order by r.second_id, r.confidence * r.lift desc, r.first_id
)
select
  b.*,
  p.sku,
  p.name,
  p.unit,
  p.base_price,
  p.active,
  first.name as first_name,
  stock.available
from best as b
join products as p
  on p.tenant_id = $tenant_id
  and p.id = b.second_id
join products as first
  on first.tenant_id = $tenant_id
  and first.id = b.first_id
cross join lateral (
  select coalesce(sum(l.available), 0) as available
  from stock_levels as l
  where l.tenant_id = $tenant_id
    and l.product_id = b.second_id
) as stock
where ($include_unavailable or (p.active and stock.available > 0))
  and not exists (
    select
    from engine_sales_parameters as s
    where s.tenant_id = $tenant_id
      and s.product_id = b.second_id
      and s.parameters @> '{"advised": false}'
  )
order by b.confidence * b.lift desc, b.second_id
limit $limit;

-- name: read_sales_parameters
-- Those that were set and those that hold, of the store (nil) and of one product; no row before the engine's first event.
select
  s.parameters,
  s.effective,
  o.parameters as own_parameters,
  s.effective || coalesce(o.parameters, '{}') as own_effective
from engine_sales_parameters as s
left join engine_sales_parameters as o
  on o.tenant_id = s.tenant_id
  and o.product_id = $product_id::uuid
where s.tenant_id = $tenant_id
  and s.product_id = '00000000-0000-0000-0000-000000000000';

-- name: list_substitutes
-- Products of the same category and unit at a similar price, for each of those given. First come those that most of the
-- product's customers have bought too, then those seldom in one sale with it, then the nearest prices.
with wanted as (
  select p.*
  from products as p
  where p.tenant_id = $tenant_id
    and p.id = any ($product_ids::uuid[])
),
candidates as (
  select
    w.id as first_id,
    w.name as first_name,
    w.base_price as first_price,
    p.id as second_id,
    p.sku,
    p.name,
    p.unit,
    p.category,
    p.base_price,
    p.active
  from wanted as w
  join products as p
    on p.tenant_id = $tenant_id
    and p.category = w.category
    and p.unit = w.unit
    and p.id <> all ($product_ids::uuid[])
    and abs(p.base_price - w.base_price) <= w.base_price * $price_band_percent::float8::numeric / 100
),
bought as (
  select b.product_id, b.customer_id
  from engine_sales_customer_products as b
  where b.tenant_id = $tenant_id
    and b.product_id = any ($product_ids::uuid[])
    and b.days > 0
),
buyers as (
  select product_id, count(*) as customers
  from bought
  group by product_id
),
shared as (
  select c.first_id, c.second_id, count(*) as customers
  from candidates as c
  join bought as b on b.product_id = c.first_id
  join engine_sales_customer_products as o
    on o.tenant_id = $tenant_id
    and o.customer_id = b.customer_id
    and o.product_id = c.second_id
    and o.days > 0
  group by c.first_id, c.second_id
),
ranked as (
  select
    c.*,
    stock.available,
    coalesce(buyers.customers, 0) as first_customers,
    coalesce(shared.customers, 0) as shared_customers,
    coalesce(pair.orders, 0) as together,
    row_number() over (
      partition by c.first_id
      order by coalesce(shared.customers, 0) desc, coalesce(pair.orders, 0), abs(c.base_price - c.first_price), c.second_id
    ) as rank
  from candidates as c
  left join buyers on buyers.product_id = c.first_id
  left join shared
    on shared.first_id = c.first_id
    and shared.second_id = c.second_id
  left join engine_sales_pairs as pair
    on pair.tenant_id = $tenant_id
    and pair.product_a = least(c.first_id, c.second_id)
    and pair.product_b = greatest(c.first_id, c.second_id)
  cross join lateral (
    select coalesce(sum(l.available), 0) as available
    from stock_levels as l
    where l.tenant_id = $tenant_id
      and l.product_id = c.second_id
  ) as stock
  where ($include_unavailable or (c.active and stock.available > 0))
    and not exists (
      select
      from engine_sales_answers as a
      where a.tenant_id = $tenant_id
        and a.kind = 'substitute'
        and a.subject_id = c.second_id
        and a.from_id = c.first_id
        and a.customer_id = any ($customer_ids::uuid[])
        and a.rests_until > $today::date
    )
    and not exists (
      select
      from engine_sales_parameters as s
      where s.tenant_id = $tenant_id
        and s.product_id = c.second_id
        and s.parameters @> '{"advised": false}'
    )
)
select *
from ranked
where rank <= $limit
order by array_position($product_ids, first_id), rank;

-- name: list_bundles
-- Bundles of which at least so many products are among those given, and one at least is not. What is missing is in use,
-- in stock and may be advised; the highest leverage comes first.
select
  b.bundle_id,
  b.orders,
  b.support,
  b.lift,
  m.baskets,
  part.price,
  part.names,
  part.items
from engine_sales_bundles as b
join engine_sales_mined as m on m.tenant_id = b.tenant_id
cross join lateral (
  select
    count(*) filter (where member.chosen) as chosen,
    bool_and(member.chosen or $include_unavailable or member.good) as good,
    sum(member.base_price) as price,
    array_agg(member.name order by member.chosen desc, member.name) as names,
    jsonb_agg(
      jsonb_build_object(
        'product_id', member.id,
        'sku', member.sku,
        'name', member.name,
        'unit', member.unit,
        'base_price', member.base_price::text,
        'available', member.available::text,
        'chosen', member.chosen
      )
      order by member.chosen desc, member.name
    ) as items
  from (
    select
      p.id,
      p.sku,
      p.name,
      p.unit,
      p.base_price,
      stock.available,
      p.id = any ($product_ids::uuid[]) as chosen,
      p.active and stock.available > 0 and not exists (
        select
        from engine_sales_parameters as s
        where s.tenant_id = $tenant_id
          and s.product_id = p.id
          and s.parameters @> '{"advised": false}'
      ) as good
    from products as p
    cross join lateral (
      select coalesce(sum(l.available), 0)::numeric(20, 3) as available
      from stock_levels as l
      where l.tenant_id = $tenant_id
        and l.product_id = p.id
    ) as stock
    where p.tenant_id = $tenant_id
      and p.id = any (b.product_ids)
  ) as member
) as part
where b.tenant_id = $tenant_id
  and b.closed
  and b.lift > 1
  and ($least_chosen::integer = 0 or b.product_ids && $product_ids)
  and part.chosen >= $least_chosen
  and part.chosen < cardinality(b.product_ids)
  and part.good
  and not exists (
    select
    from engine_sales_answers as a
    where a.tenant_id = $tenant_id
      and a.kind = 'bundle'
      and a.subject_id = b.bundle_id
      and a.customer_id = any ($customer_ids::uuid[])
      and a.rests_until > $today::date
  )
order by part.chosen desc, b.support * (1 - 1 / b.lift) desc, b.bundle_id
limit $limit;

-- name: find_bundle
select b.bundle_id
from engine_sales_bundles as b
where b.tenant_id = $tenant_id
  and b.bundle_id = $bundle_id;

-- name: list_habits
-- What a customer has bought in so many of the latest purchases, and is not among the products given. The oldest of the
-- bits that count is the first of these purchases.
select
  cp.product_id,
  p.sku,
  p.name,
  p.unit,
  p.base_price,
  stock.available,
  habit.times,
  least(c.purchases, $purchases::integer) as purchases,
  cp.last_on,
  (cp.quantity / greatest(cp.days, 1))::numeric(20, 3) as usual_quantity
from engine_sales_customers as c
join engine_sales_customer_products as cp
  on cp.tenant_id = c.tenant_id
  and cp.customer_id = c.customer_id
  and cp.days > 0
join products as p
  on p.tenant_id = c.tenant_id
  and p.id = cp.product_id
cross join lateral (
  select bit_count(
    (
      (cp.recent::integer << least(c.purchases - cp.last_number, 8)) & ((1 << $purchases) - 1)
    )::bit(16)
  )::integer as times
) as habit
cross join lateral (
  select coalesce(sum(l.available), 0) as available
  from stock_levels as l
  where l.tenant_id = $tenant_id
    and l.product_id = cp.product_id
) as stock
where c.tenant_id = $tenant_id
  and c.customer_id = $customer_id
  and habit.times >= $least::integer
  and cp.product_id <> all ($product_ids::uuid[])
  and ($include_unavailable or (p.active and stock.available > 0))
  and not exists (
    select
    from engine_sales_answers as a
    where a.tenant_id = $tenant_id
      and a.kind = 'habit'
      and a.subject_id = cp.product_id
      and a.customer_id = any ($customer_ids::uuid[])
      and a.rests_until > $today::date
  )
  and not exists (
    select
    from engine_sales_parameters as s
    where s.tenant_id = $tenant_id
      and s.product_id = cp.product_id
      and s.parameters @> '{"advised": false}'
  )
order by habit.times desc, cp.last_on desc, cp.product_id
limit $limit;

-- name: list_rebuys
-- Customers who regularly buy a product and are due to buy it again, the longest due first. A purchase moves the day on,
-- which ends the reminder; after a whole interval without one the customer is taken to have stopped.
select
  cp.customer_id,
  k.name as customer_name,
  cp.product_id,
  p.sku,
  p.name,
  p.unit,
  cp.days,
  cp.last_on,
  cp.due_on,
  every.mean,
  every.deviation,
  (cp.quantity / cp.days)::numeric(20, 3) as usual_quantity
from engine_sales_customer_products as cp
join customers as k
  on k.tenant_id = cp.tenant_id
  and k.id = cp.customer_id
  and k.active
join products as p
  on p.tenant_id = cp.tenant_id
  and p.id = cp.product_id
  and p.active
cross join lateral (
  select
    (cp.last_on - cp.first_on)::float8 / (cp.days - 1) as mean,
    sqrt(
      greatest(cp.squares - (cp.last_on - cp.first_on)::float8 ^ 2 / (cp.days - 1), 0) / (cp.days - 2)
    ) as deviation
) as every
where cp.tenant_id = $tenant_id
  and cp.due_on <= $until::date
  and ($include_lapsed or cp.due_on + ceil(every.mean)::integer >= $today::date)
  and every.mean >= $least_days::integer
  and every.deviation <= every.mean * $variation_percent::float8 / 100
  and ($customer_id::uuid is null or cp.customer_id = $customer_id)
  and ($product_id::uuid is null or cp.product_id = $product_id)
  and not exists (
    select
    from engine_sales_answers as a
    where a.tenant_id = cp.tenant_id
      and a.kind = 'rebuy'
      and a.subject_id = cp.product_id
      and a.customer_id in (cp.customer_id, '00000000-0000-0000-0000-000000000000')
      and a.rests_until > $today
  )
  and not exists (
    select
    from engine_sales_parameters as s
    where s.tenant_id = cp.tenant_id
      and s.product_id = cp.product_id
      and s.parameters @> '{"advised": false}'
  )
  and (cp.due_on, cp.customer_id, cp.product_id) > ($after_day::date, $after_customer::uuid, $after_product::uuid)
order by cp.due_on, cp.customer_id, cp.product_id
limit $limit;

-- name: sum_sales_answers
select
  a.kind,
  sum(a.accepted)::integer as accepted,
  sum(a.changed)::integer as changed,
  sum(a.dismissed)::integer as dismissed,
  sum(a.snoozed)::integer as snoozed
from engine_sales_answers as a
where a.tenant_id = $tenant_id
group by a.kind
order by a.kind;

-- name: find_customer_name
select k.name
from customers as k
where k.tenant_id = $tenant_id
  and k.id = $customer_id;

-- name: list_without_stock
select p.id
from products as p
where p.tenant_id = $tenant_id
  and p.id = any ($product_ids::uuid[])
  and not exists (
    select
    from stock_levels as l
    where l.tenant_id = p.tenant_id
      and l.product_id = p.id
    group by l.product_id
    having sum(l.available) > 0
  )
order by p.id;

-- name: find_quoted
select
  customer_id,
  array(
    select distinct (item ->> 'product_id')::uuid
    from json_array_elements(quotes.items) as item
  ) as product_ids
from quotes
where tenant_id = $tenant_id
  and id = $id;
