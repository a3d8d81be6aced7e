-- name: insert_supplier_prices
insert into supplier_prices (
  tenant_id, id, supplier_id, product_id, price, minimum_quantity, payment_days, lead_time_days, valid_from, valid_to,
  source, registered_by, registered_at, quoted_unit, quoted_price, quoted_units, quoted_holds
)
select
  $tenant_id, given.id, $supplier_id::uuid, given.product_id, given.price, given.minimum_quantity, given.payment_days,
  given.lead_time_days, given.valid_from, given.valid_to, $source::text, $user_id, $now,
  given.quoted_unit, given.quoted_price, given.quoted_units, given.quoted_holds
from unnest(
  $ids::uuid[], $product_ids::uuid[], $prices::numeric[], $minimums::numeric[], $payment_days::integer[],
  $lead_times::integer[], $valid_from::date[], $valid_to::date[], $quoted_units::text[], $quoted_prices::numeric[],
  $quoted_counts::numeric[], $quoted_holds::numeric[]
) as given (
  id, product_id, price, minimum_quantity, payment_days, lead_time_days, valid_from, valid_to, quoted_unit,
  quoted_price, quoted_units, quoted_holds
);

-- name: find_supplier_prices
-- What counts for each product on its day: the last to begin of the prices valid then. One row per wanted product
-- that has one.
select
  wanted.product_id,
  current.price,
  current.minimum_quantity,
  current.payment_days,
  current.lead_time_days,
  current.valid_to,
  current.quoted_unit,
  current.quoted_price,
  current.quoted_units,
  current.quoted_holds
from unnest($product_ids::uuid[], $days::date[]) as wanted (product_id, day)
cross join lateral (
  select prices.*
  from supplier_prices as prices
  where prices.tenant_id = $tenant_id
    and prices.product_id = wanted.product_id
    and prices.supplier_id = $supplier_id
    and prices.valid_from <= wanted.day
    and (prices.valid_to is null or prices.valid_to >= wanted.day)
  order by prices.valid_from desc, prices.id desc
  limit 1
) as current;

-- name: list_supplier_prices
-- The history, newest first.
select
  prices.registered_at as created_at,
  prices.id,
  json_build_object(
    'id', prices.id,
    'product_id', prices.product_id,
    'sku', products.sku,
    'product_name', products.name,
    'unit', coalesce(prices.quoted_unit, products.unit),
    'price', coalesce(prices.quoted_price, prices.price)::text,
    'stock_unit', products.unit,
    'stock_price', prices.price::text,
    'minimum_quantity', round(
      prices.minimum_quantity * coalesce(prices.quoted_units, 1) / coalesce(prices.quoted_holds, 1), 3
    )::text,
    'payment_days', prices.payment_days,
    'lead_time_days', prices.lead_time_days,
    'valid_from', prices.valid_from,
    'valid_to', prices.valid_to,
    'source', prices.source,
    'registered_by', prices.registered_by,
    'registered_at', prices.registered_at,
    'current', prices.id = current.id
  )::text as body
from supplier_prices as prices
join products on products.tenant_id = $tenant_id and products.id = prices.product_id
left join lateral (
  select latest.id
  from supplier_prices as latest
  where latest.tenant_id = $tenant_id
    and latest.product_id = prices.product_id
    and latest.supplier_id = $supplier_id
    and latest.valid_from <= $today::date
    and (latest.valid_to is null or latest.valid_to >= $today)
  order by latest.valid_from desc, latest.id desc
  limit 1
) as current on true
where prices.tenant_id = $tenant_id
  and prices.supplier_id = $supplier_id
  and (prices.registered_at, prices.id) < ($before_at::timestamptz, $before_id::uuid)
  and prices.registered_at >= $from_at
  and ($product_id::uuid is null or prices.product_id = $product_id)
  and ($only_id::uuid is null or prices.id = $only_id)
  and (not $current_only::boolean or prices.id = current.id)
order by prices.registered_at desc, prices.id desc
limit $limit;

-- name: find_offers
-- All suppliers in use that sell the wanted products today, each with the price that counts.
select
  wanted.product_id,
  suppliers.id as supplier_id,
  suppliers.name as supplier_name,
  current.price,
  current.quoted_unit,
  current.minimum_quantity,
  coalesce(
    current.lead_time_days,
    (
      select round(avg(receipts.lead_time_days), 1)
      from purchase_receipts as receipts
      where receipts.tenant_id = $tenant_id
        and receipts.supplier_id = suppliers.id
        and receipts.lead_time_days >= 0.04
    )
  )::float8 as lead_time_days
from unnest($product_ids::uuid[]) as wanted (product_id)
cross join lateral (
  select distinct on (prices.supplier_id) prices.*
  from supplier_prices as prices
  where prices.tenant_id = $tenant_id
    and prices.product_id = wanted.product_id
    and prices.valid_from <= $today::date
    and (prices.valid_to is null or prices.valid_to >= $today)
  order by prices.supplier_id, prices.valid_from desc, prices.id desc
) as current
join suppliers
  on suppliers.tenant_id = $tenant_id
  and suppliers.id = current.supplier_id
  and suppliers.active;

-- name: list_supplier_codes
select
  codes.id,
  json_build_object(
    'id', codes.id,
    'code', codes.code,
    'product_id', codes.product_id,
    'sku', products.sku,
    'product_name', products.name,
    'created_at', codes.created_at
  )::text as body
from supplier_product_codes as codes
join products on products.tenant_id = $tenant_id and products.id = codes.product_id
where codes.tenant_id = $tenant_id
  and codes.supplier_id = $supplier_id
  and codes.id > $after_id::uuid
  and ($code::text is null or codes.code_key = lower($code))
order by codes.id
limit $limit;

-- name: set_supplier_codes
-- A code that is known already names the other product from now on; of one given twice the last counts.
insert into supplier_product_codes (tenant_id, id, supplier_id, code, product_id, created_at)
select distinct on (lower(given.code)) $tenant_id, given.id, $supplier_id::uuid, given.code, given.product_id, $now
from unnest($ids::uuid[], $codes::text[], $product_ids::uuid[]) with ordinality as given (id, code, product_id, place)
order by lower(given.code), given.place desc
on conflict (tenant_id, supplier_id, code_key) do update
  set code = excluded.code, product_id = excluded.product_id
  where supplier_product_codes.product_id <> excluded.product_id;

-- name: delete_supplier_code
delete from supplier_product_codes
where tenant_id = $tenant_id
  and supplier_id = $supplier_id
  and id = $id;

-- name: match_price_rows
-- The product that a line of a supplier's price list means: by the supplier's own code, else by our code (SKU), else
-- by barcode. Lines are given by their place; a line without any match comes back without a product.
select
  given.place,
  found.id as product_id,
  found.sku,
  found.active,
  found.unit,
  found.unit_conversions,
  found.matched_by
from unnest($codes::text[], $skus::text[], $barcodes::text[])
  with ordinality as given (code, sku, barcode, place)
left join lateral (
  select
    products.id, products.sku, products.active, products.unit, products.unit_conversions, candidate.matched_by
  from (
    select codes.product_id, 1 as preference, 'code' as matched_by
    from supplier_product_codes as codes
    where codes.tenant_id = $tenant_id
      and codes.supplier_id = $supplier_id
      and codes.code_key = lower(given.code)
    union all
    select own.id, 2, 'sku'
    from products as own
    where own.tenant_id = $tenant_id
      and own.sku_key = lower(coalesce(given.sku, given.code))
    union all
    select scanned.id, 3, 'barcode'
    from products as scanned
    where scanned.tenant_id = $tenant_id
      and scanned.barcode = coalesce(given.barcode, given.code)
  ) as candidate
  join products on products.tenant_id = $tenant_id and products.id = candidate.product_id
  order by candidate.preference, products.active desc, products.id
  limit 1
) as found on true
order by given.place;
