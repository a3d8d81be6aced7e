-- name: find_sale_parts
-- One row per wanted product, in the order given: what a quote or an order needs to know before it is written. Without
-- a customer there is nobody to have agreed a price with, so the product itself is read and nothing resolved.
with wanted as materialized (
  select *
  from unnest($product_ids::uuid[], $quantities::numeric[], $units::text[])
    with ordinality as w (product_id, quantity, unit, place)
),
priced as (
  select wanted.place, resolved.unit_price, resolved.price_unit, resolved.price_source
  from tenants
  cross join wanted
  cross join lateral resolve_price(
    $tenant_id, $customer_id::uuid, $site_id::uuid, wanted.product_id, wanted.quantity, wanted.unit,
    ($now at time zone tenants.time_zone)::date
  ) as resolved
  where tenants.id = $tenant_id
    and $customer_id::uuid is not null
)
select
  coalesce(priced.unit_price, products.base_price) as base_price,
  coalesce(priced.price_unit, products.unit) as price_unit,
  coalesce(priced.price_source, 'base') as price_source,
  products.active,
  products.unit,
  products.unit_conversions,
  products.sale_pack,
  -- Held, so that a customer who is being forgotten is either seen as inactive or seen to have this sale.
  (
    select customers.active
    from customers
    where customers.tenant_id = $tenant_id
      and customers.id = $customer_id::uuid
    for share
  ) as customer_active,
  (select sites.customer_id from sites where sites.tenant_id = $tenant_id and sites.id = $site_id::uuid)
    as site_customer_id,
  (select sites.active from sites where sites.tenant_id = $tenant_id and sites.id = $site_id::uuid) as site_active,
  (select locations.id from locations where locations.tenant_id = $tenant_id and locations.is_default)
    as location_id
from wanted
left join products on products.tenant_id = $tenant_id and products.id = wanted.product_id
left join priced on priced.place = wanted.place
order by wanted.place

-- name: create_quote
-- The number comes from a counter row in this transaction, so a quote that is rolled back gives it back.
with content as (
  select
    json_agg(
      sale_item_json(
        given.id, given.place::integer, given.product_id, products.sku, products.name, products.unit, given.quantity,
        given.sold_unit, given.sold_quantity, given.base_price, given.base_price_unit, given.unit_price, given.price_unit,
        given.discount_percent, given.line_total, given.price_source, given.note
      )
      order by given.place
    ) as items
  from unnest(
    $item_ids::uuid[], $product_ids::uuid[], $quantities::numeric[], $sold_units::text[], $sold_quantities::numeric[],
    $base_prices::numeric[], $base_price_units::text[], $unit_prices::numeric[], $price_units::text[],
    $discounts::numeric[], $line_totals::numeric[], $price_sources::text[], $notes_of_items::text[]
  ) with ordinality as given (
    id, product_id, quantity, sold_unit, sold_quantity, base_price, base_price_unit, unit_price, price_unit,
    discount_percent, line_total, price_source, note, place
  )
  join products on products.tenant_id = $tenant_id and products.id = given.product_id
),
counted as (
  insert into quoted_products (tenant_id, product_id)
  select distinct $tenant_id, given.product_id
  from unnest($product_ids::uuid[]) as given (product_id)
  where not exists (
    select
    from quoted_products as known
    where known.tenant_id = $tenant_id
      and known.product_id = given.product_id
  )
  order by given.product_id
  on conflict do nothing
),
counter as (
  insert into document_counters as counter (tenant_id, series, value)
  values ($tenant_id, 'quote', 1)
  on conflict (tenant_id, series) do update
    set value = counter.value + 1
  returning value
),
quote as (
  insert into quotes (
    tenant_id, id, serial, number, customer_id, site_id, status, subtotal, discount_percent, discount_amount, total,
    validity_days, valid_until, notes, items, discount_approval, below_floor, total_below_floor, created_by, created_at,
    updated_at
  )
  select
    $tenant_id, $id, counter.value, document_number($prefix, counter.value), $customer_id, $site_id, 'draft',
    $subtotal, $discount_percent, $discount_amount, $total, $validity_days,
    validity_end($now, $validity_days, tenants.time_zone), $notes,
    content.items, $discount_approval, breach.positions, breach.of_total, $user_id, $now, $now
  from counter, tenants, content
  cross join lateral floor_breaches($tenant_id, content.items, $discount_percent, $floor_percent) as breach
  where tenants.id = $tenant_id
  returning *
)
select quote.number, quote_json(quote::quotes, customers.name, sites.name, $allowed, $now)::text as body
from quote
join customers on customers.tenant_id = quote.tenant_id and customers.id = quote.customer_id
left join sites on sites.tenant_id = quote.tenant_id and sites.id = quote.site_id

-- name: get_quote
select quotes.version, quote_json(quotes, customers.name, sites.name, $allowed, $now)::text as body
from quotes
join customers on customers.tenant_id = quotes.tenant_id and customers.id = quotes.customer_id
left join sites on sites.tenant_id = quotes.tenant_id and sites.id = quotes.site_id
where quotes.tenant_id = $tenant_id
  and quotes.id = $id

-- name: find_quote_state
select quote_state(status, valid_until, $now) as state, discount_approval
from quotes
where tenant_id = $tenant_id
  and id = $id

-- name: list_quotes
-- The plain list, newest first; the bounds are always given so that one plan walks the index from the cursor on.
with quote as (
  select *
  from quotes
  where tenant_id = $tenant_id
    and (created_at, id) < ($before_at::timestamptz, $before_id::uuid)
  order by created_at desc, id desc
  limit $limit
)
select
  quote.created_at,
  quote.id,
  quote_json(quote::quotes, customers.name, sites.name, $allowed, $now)::text as body
from quote
join customers on customers.tenant_id = $tenant_id and customers.id = quote.customer_id
left join sites on sites.tenant_id = $tenant_id and sites.id = quote.site_id
order by quote.created_at desc, quote.id desc

-- name: search_quotes
select
  quotes.created_at,
  quotes.id,
  quote_json(quotes, customers.name, sites.name, $allowed, $now)::text as body
from quotes
join customers on customers.tenant_id = quotes.tenant_id and customers.id = quotes.customer_id
left join sites on sites.tenant_id = quotes.tenant_id and sites.id = quotes.site_id
where quotes.tenant_id = $tenant_id
  and (quotes.created_at, quotes.id) < ($before_at::timestamptz, $before_id::uuid)
  and quotes.created_at >= $from_at
  and (
    $status::text is null
    or (quotes.status = $status and quote_state(quotes.status, quotes.valid_until, $now) = $status)
    or ($status = 'expired' and quote_state(quotes.status, quotes.valid_until, $now) = 'expired')
  )
  and ($customer_id::uuid is null or quotes.customer_id = $customer_id)
  and (
    $discount_approval::text is null
    or (quotes.discount_approval = $discount_approval and ($discount_approval <> 'pending' or quotes.status = 'draft'))
  )
  and (
    $q::text is null
    or quotes.serial = $serial::bigint
    or quotes.customer_id in (
      select named.id
      from customers as named
      where named.tenant_id = $tenant_id
        and named.search like all ((select search_patterns($q))::text[])
    )
  )
order by quotes.created_at desc, quotes.id desc
limit $limit

-- name: move_quote
-- One step of the state machine; no row when the quote is not in one of the states the step starts from, or would be
-- sent without the approval that its discounts need.
with quote as (
  update quotes
  set
    status = $target,
    version = quotes.version + 1,
    updated_at = $now,
    reason = coalesce($reason::text, reason),
    valid_until = case when $target = 'sent' then validity_end($now, validity_days, tenants.time_zone) else valid_until end,
    sent_at = case when $target = 'sent' then $now else sent_at end,
    approved_at = case when $target = 'approved' then $now else approved_at end,
    closed_at = case when $target in ('rejected', 'cancelled') then $now else closed_at end
  from tenants
  where tenants.id = $tenant_id
    and quotes.tenant_id = $tenant_id
    and quotes.id = $id
    and quote_state(quotes.status, quotes.valid_until, $now) = any ($sources::text[])
    and ($target <> 'sent' or coalesce(quotes.discount_approval, 'approved') = 'approved')
  returning quotes.*
)
select quote.version, quote_json(quote::quotes, customers.name, sites.name, $allowed, $now)::text as body
from quote
join customers on customers.tenant_id = $tenant_id and customers.id = quote.customer_id
left join sites on sites.tenant_id = $tenant_id and sites.id = quote.site_id

-- name: lock_quote
select
  version, customer_id, site_id, discount_percent, validity_days, notes, items, discount_approval,
  quote_state(status, valid_until, $now) as state
from quotes
where tenant_id = $tenant_id
  and id = $id
for no key update

-- name: change_quote
-- With no new items ($item_ids empty) the present ones stay.
with content as (
  select
    json_agg(
      sale_item_json(
        given.id, given.place::integer, given.product_id, products.sku, products.name, products.unit, given.quantity,
        given.sold_unit, given.sold_quantity, given.base_price, given.base_price_unit, given.unit_price, given.price_unit,
        given.discount_percent, given.line_total, given.price_source, given.note
      )
      order by given.place
    ) as items
  from unnest(
    $item_ids::uuid[], $product_ids::uuid[], $quantities::numeric[], $sold_units::text[], $sold_quantities::numeric[],
    $base_prices::numeric[], $base_price_units::text[], $unit_prices::numeric[], $price_units::text[],
    $discounts::numeric[], $line_totals::numeric[], $price_sources::text[], $notes_of_items::text[]
  ) with ordinality as given (
    id, product_id, quantity, sold_unit, sold_quantity, base_price, base_price_unit, unit_price, price_unit,
    discount_percent, line_total, price_source, note, place
  )
  join products on products.tenant_id = $tenant_id and products.id = given.product_id
),
counted as (
  insert into quoted_products (tenant_id, product_id)
  select distinct $tenant_id, given.product_id
  from unnest($product_ids::uuid[]) as given (product_id)
  where not exists (
    select
    from quoted_products as known
    where known.tenant_id = $tenant_id
      and known.product_id = given.product_id
  )
  order by given.product_id
  on conflict do nothing
),
quote as (
  update quotes
  set
    customer_id = $customer_id,
    site_id = $site_id,
    subtotal = $subtotal,
    discount_percent = $discount_percent,
    discount_amount = $discount_amount,
    total = $total,
    validity_days = $validity_days,
    valid_until = validity_end($now, $validity_days, tenants.time_zone),
    notes = $notes,
    version = quotes.version + 1,
    updated_at = $now,
    discount_approval = $discount_approval,
    items = coalesce(content.items, quotes.items),
    (below_floor, total_below_floor) = (
      select breach.positions, breach.of_total
      from floor_breaches(
        $tenant_id, coalesce(content.items, quotes.items), $discount_percent, $floor_percent
      ) as breach
    )
  from tenants, content
  where tenants.id = $tenant_id
    and quotes.tenant_id = $tenant_id
    and quotes.id = $id
  returning quotes.*
)
select quote.version, quote_json(quote::quotes, customers.name, sites.name, $allowed, $now)::text as body
from quote
join customers on customers.tenant_id = $tenant_id and customers.id = quote.customer_id
left join sites on sites.tenant_id = $tenant_id and sites.id = quote.site_id

-- name: find_quote_content
-- What a new draft is made from.
select customer_id, site_id, discount_percent, validity_days, notes, items, total
from quotes
where tenant_id = $tenant_id
  and id = $id

-- name: find_discontinued
-- Of these products, those that are no longer sold.
select id
from products
where tenant_id = $tenant_id
  and id = any ($product_ids::uuid[])
  and not active

-- name: reserve_quote_stock
-- Locks the quote, then (when it may become an order) its products' levels in the order of their ids.
-- Whoever waits here for another conversion sees that conversion's outcome as `state` and `order_id`.
with quote as materialized (
  select
    quotes.id, quotes.order_id, quotes.customer_id, quotes.items, quotes.total,
    quote_state(quotes.status, quotes.valid_until, $now) as state
  from quotes
  where quotes.tenant_id = $tenant_id
    and quotes.id = $id
  for no key update
),
location as (
  select id
  from locations
  where tenant_id = $tenant_id
    and is_default
),
wanted as (
  select item.product_id, sum(item.stock_quantity) as quantity
  from quote
  cross join lateral json_to_recordset(quote.items) as item (product_id uuid, stock_quantity numeric)
  where quote.state = 'approved'
  group by item.product_id
),
level as (
  insert into stock_levels as level (tenant_id, product_id, location_id, on_hand, reserved, created_at, updated_at)
  select $tenant_id, wanted.product_id, location.id, 0, wanted.quantity, $now, $now
  from wanted, location
  order by wanted.product_id
  on conflict (tenant_id, product_id, location_id) do update
    set reserved = level.reserved + excluded.reserved, updated_at = excluded.updated_at
  returning product_id, available
)
select
  quote.state, quote.order_id, quote.customer_id, quote.items, quote.total, location.id as location_id,
  array(
    select row (wanted.product_id, wanted.quantity, level.available + wanted.quantity)
    from wanted
    join level on level.product_id = wanted.product_id
    where level.available < 0
    order by wanted.product_id
  ) as short
from quote
left join location on true

-- name: convert_quote
-- Reached only with the quote locked and approved; unique (tenant_id, quote_id) is the second lock.
with quote as (
  update quotes
  set
    status = 'converted',
    order_id = $order_id,
    version = quotes.version + 1,
    updated_at = $now,
    converted_at = $now,
    closed_at = $now
  where tenant_id = $tenant_id
    and id = $id
    and status = 'approved'
  returning *
),
item as (
  insert into order_items (
    tenant_id, id, order_id, position, product_id, sku, name, unit, quantity, sold_unit, sold_quantity, base_price,
    base_price_unit, unit_price, price_unit, discount_percent, line_total, price_source, note
  )
  select
    $tenant_id, items.id, $order_id, items.position, items.product_id, items.sku, items.name, items.stock_unit,
    items.stock_quantity, items.unit, items.quantity, items.base_price, items.base_price_unit, items.unit_price,
    items.price_unit, items.discount_percent, items.line_total, items.price_source, items.note
  from quote
  cross join lateral json_to_recordset(quote.items) as items (
    id uuid, position integer, product_id uuid, sku text, name text, stock_unit text, stock_quantity numeric, unit text,
    quantity numeric, base_price numeric, base_price_unit text, unit_price numeric, price_unit text,
    discount_percent numeric, line_total numeric, price_source text, note text
  )
),
counter as (
  insert into document_counters as counter (tenant_id, series, value)
  values ($tenant_id, 'order', 1)
  on conflict (tenant_id, series) do update
    set value = counter.value + 1
  returning value
),
placed as (
  insert into orders (
    tenant_id, id, serial, number, quote_id, customer_id, site_id, location_id, fulfilment, status, subtotal,
    discount_percent, discount_amount, total, notes, items, created_by, created_at, updated_at, delivered_at
  )
  select
    $tenant_id, $order_id, counter.value, document_number($prefix, counter.value), quote.id, quote.customer_id,
    quote.site_id, $location_id, $fulfilment, $status, quote.subtotal, quote.discount_percent, quote.discount_amount,
    quote.total, quote.notes, quote.items, $user_id, $now, $now, case when $status = 'delivered' then $now end
  from quote, counter
  returning *
)
select placed.number, order_json(placed::orders, customers.name, sites.name, $allowed)::text as body
from placed
join customers on customers.tenant_id = $tenant_id and customers.id = placed.customer_id
left join sites on sites.tenant_id = $tenant_id and sites.id = placed.site_id

-- name: expire_quotes
-- In the order of ids, so that two schedulers never wait for each other in a ring.
with due as (
  select id
  from quotes
  where tenant_id = $tenant_id
    and status in ('sent', 'approved')
    and valid_until < $now
  order by id
  limit $limit
  for no key update skip locked
)
update quotes
set status = 'expired', version = version + 1, updated_at = $now, closed_at = $now
from due
where quotes.tenant_id = $tenant_id
  and quotes.id = due.id
returning quotes.id
