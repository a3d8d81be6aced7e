-- name: insert_supplier
insert into suppliers (
  tenant_id, id, kind, name, document, email, phone, address, postal_code, contacts, notes, active, created_at, updated_at
)
values (
  $tenant_id, $id, $kind, $name, $document, $email, $phone, $address, $postal_code, $contacts, $notes, $active, $now, $now
);

-- name: get_supplier
select supplier_json(suppliers) as body, version, active
from suppliers
where tenant_id = $tenant_id
  and id = $id;

-- name: lock_supplier
-- Holds the row until the transaction ends, so that two changes of one supplier do not undo each other.
select kind, name, document, email, phone, address, postal_code, contacts, notes, active, version
from suppliers
where tenant_id = $tenant_id
  and id = $id
for no key update;

-- name: update_supplier
update suppliers
set
  kind = $kind,
  name = $name,
  document = $document,
  email = $email,
  phone = $phone,
  address = $address,
  postal_code = $postal_code,
  contacts = $contacts,
  notes = $notes,
  active = $active,
  version = version + 1,
  updated_at = greatest(updated_at, $now)
where tenant_id = $tenant_id
  and id = $id;

-- name: list_suppliers
select supplier_json(suppliers) as body, name_key, id
from suppliers
where tenant_id = $tenant_id
  and (name_key, id) > (
    coalesce($after_name::text, ''), coalesce($after_id::uuid, '00000000-0000-0000-0000-000000000000')
  )
  and ($active::boolean is null or active = $active)
order by name_key, id
limit $limit;

-- name: search_suppliers
-- As for customers: $number is the question without punctuation when it looks like a document or a telephone.
with ranked as (
  select
    suppliers as supplier,
    name_key,
    id,
    case
      when document = upper($number::text) then 0
      when starts_with(search, (select search_words($question::text))) then 2
      when search like all (array(select '% ' || word || '%' from unnest(search_terms($question)) as word)) then 3
      else 4
    end as rank
  from suppliers
  where tenant_id = $tenant_id
    and search like (select (search_patterns(coalesce($number, $question)))[1])
    and search like all ((select search_patterns(coalesce($number, $question)))::text[])
    and ($active::boolean is null or active = $active)
)
select supplier_json(supplier) as body, rank, name_key, id
from ranked
where (rank, name_key, id) > (
  coalesce($after_rank::integer, -1),
  coalesce($after_name::text, ''),
  coalesce($after_id::uuid, '00000000-0000-0000-0000-000000000000')
)
order by rank, name_key, id
limit $limit;

-- name: search_similar_suppliers
-- widen_similarity comes before it in the same transaction.
with ranked as (
  select
    suppliers as supplier,
    name_key,
    id,
    search_distance((select search_terms($question::text)), search) as rank
  from suppliers
  where tenant_id = $tenant_id
    and $number::text is null
    and search %> (select (search_terms($question))[1])
    and search %> all (
      array(select word from unnest(search_terms($question)) as word where length(word) >= 3)
    )
    and search like all (
      array(select '% ' || word || '%' from unnest(search_terms($question)) as word where length(word) < 3)
    )
    and ($active::boolean is null or active = $active)
)
select supplier_json(supplier) as body, rank, name_key, id
from ranked
where (rank, name_key, id) > (
  coalesce($after_rank::integer, -1),
  coalesce($after_name::text, ''),
  coalesce($after_id::uuid, '00000000-0000-0000-0000-000000000000')
)
order by rank, name_key, id
limit $limit;

-- name: insert_supplier_prices
insert into supplier_prices (
  tenant_id, id, supplier_id, product_id, price, minimum_quantity, payment_days, lead_time_days, valid_from, valid_to,
  source, registered_by, registered_at
)
select
  $tenant_id, given.id, $supplier_id::uuid, given.product_id, given.price, given.minimum_quantity, given.payment_days,
  given.lead_time_days, given.valid_from, given.valid_to, $source::text, $user_id, $now
from unnest(
  $ids::uuid[], $product_ids::uuid[], $prices::numeric[], $minimums::numeric[], $payment_days::integer[],
  $lead_times::integer[], $valid_from::date[], $valid_to::date[]
) as given (id, product_id, price, minimum_quantity, payment_days, lead_time_days, valid_from, valid_to);

-- name: find_supplier_prices
-- What counts for each product on its day: the last to begin of the prices valid then. One row per wanted product
-- that has one.
select
  wanted.product_id,
  current.price,
  current.minimum_quantity,
  current.payment_days,
  current.lead_time_days,
  current.valid_to
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
    'unit', products.unit,
    'price', prices.price::text,
    'minimum_quantity', prices.minimum_quantity::text,
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
  current.minimum_quantity,
  current.payment_days,
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
-- A code that is known already names the other product from now on.
insert into supplier_product_codes (tenant_id, id, supplier_id, code, product_id, created_at)
select $tenant_id, given.id, $supplier_id::uuid, given.code, given.product_id, $now
from unnest($ids::uuid[], $codes::text[], $product_ids::uuid[]) as given (id, code, product_id)
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
  found.matched_by
from unnest($codes::text[], $skus::text[], $barcodes::text[])
  with ordinality as given (code, sku, barcode, place)
left join lateral (
  select products.id, products.sku, products.active, candidate.matched_by
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

-- name: find_purchase_parts
-- One row per wanted product, in the order given: what a purchase order needs to know before it is written.
select
  products.id is not null as known,
  products.active,
  (
    select prices.price
    from supplier_prices as prices
    where prices.tenant_id = $tenant_id
      and prices.product_id = wanted.product_id
      and prices.supplier_id = $supplier_id::uuid
      and prices.valid_from <= $today::date
      and (prices.valid_to is null or prices.valid_to >= $today)
    order by prices.valid_from desc, prices.id desc
    limit 1
  ) as price,
  coalesce(purchase_costs.last_cost, products.cost) as cost,
  (select suppliers.active from suppliers where suppliers.tenant_id = $tenant_id and suppliers.id = $supplier_id)
    as supplier_active,
  exists (select from locations where locations.tenant_id = $tenant_id and locations.id = $location_id::uuid)
    as location_exists
from unnest($product_ids::uuid[]) with ordinality as wanted (product_id, place)
left join products on products.tenant_id = $tenant_id and products.id = wanted.product_id
left join purchase_costs on purchase_costs.tenant_id = $tenant_id and purchase_costs.product_id = wanted.product_id
order by wanted.place;

-- name: insert_purchase_order
with counter as (
  insert into document_counters as counter (tenant_id, series, value)
  values ($tenant_id, 'purchase_order', 1)
  on conflict (tenant_id, series) do update
    set value = counter.value + 1
  returning value
)
insert into purchase_orders (
  tenant_id, id, serial, number, supplier_id, location_id, total, expected_on, notes, from_suggestions, created_by,
  created_at, updated_at
)
select
  $tenant_id, $id, counter.value, document_number($prefix, counter.value), $supplier_id, $location_id, $total,
  $expected_on, $notes, $from_suggestions, $user_id, $now, $now
from counter;

-- name: insert_purchase_items
insert into purchase_order_items (
  tenant_id, id, purchase_order_id, position, product_id, sku, name, unit, quantity, unit_cost, line_total, note
)
select
  $tenant_id, given.id, $purchase_order_id::uuid, given.place, products.id, products.sku, products.name, products.unit,
  given.quantity, given.unit_cost, given.line_total, given.note
from unnest(
  $item_ids::uuid[], $product_ids::uuid[], $quantities::numeric[], $unit_costs::numeric[], $line_totals::numeric[],
  $notes_of_items::text[]
) with ordinality as given (id, product_id, quantity, unit_cost, line_total, note, place)
join products on products.tenant_id = $tenant_id and products.id = given.product_id;

-- name: delete_purchase_items
delete from purchase_order_items
where tenant_id = $tenant_id
  and purchase_order_id = $purchase_order_id
  and exists (
    select from purchase_orders
    where purchase_orders.tenant_id = $tenant_id
      and purchase_orders.id = $purchase_order_id
      and purchase_orders.status = 'draft'
  );

-- name: get_purchase_order
select
  purchase_orders.version,
  purchase_order_json(purchase_orders, suppliers.name, $allowed)::text as body
from purchase_orders
join suppliers on suppliers.tenant_id = purchase_orders.tenant_id and suppliers.id = purchase_orders.supplier_id
where purchase_orders.tenant_id = $tenant_id
  and purchase_orders.id = $id;

-- name: lock_purchase_order
select
  purchase_orders.number, purchase_orders.supplier_id, purchase_orders.location_id, purchase_orders.status,
  purchase_orders.total, purchase_orders.expected_on, purchase_orders.notes, purchase_orders.from_suggestions,
  purchase_orders.sent_at, purchase_orders.version,
  suppliers.active as supplier_active
from purchase_orders
join suppliers on suppliers.tenant_id = purchase_orders.tenant_id and suppliers.id = purchase_orders.supplier_id
where purchase_orders.tenant_id = $tenant_id
  and purchase_orders.id = $id
for no key update of purchase_orders;

-- name: list_purchase_items
select product_id, quantity, unit_cost, received_quantity
from purchase_order_items
where tenant_id = $tenant_id
  and purchase_order_id = $purchase_order_id
order by position;

-- name: list_purchase_orders
select
  purchase_orders.created_at,
  purchase_orders.id,
  purchase_order_json(purchase_orders, suppliers.name, $allowed)::text as body
from purchase_orders
join suppliers on suppliers.tenant_id = purchase_orders.tenant_id and suppliers.id = purchase_orders.supplier_id
where purchase_orders.tenant_id = $tenant_id
  and (purchase_orders.created_at, purchase_orders.id) < ($before_at::timestamptz, $before_id::uuid)
  and purchase_orders.created_at >= $from_at
  and ($status::text is null or purchase_orders.status = $status)
  and ($supplier_id::uuid is null or purchase_orders.supplier_id = $supplier_id)
  and (
    $product_id::uuid is null
    or exists (
      select from purchase_order_items as items
      where items.tenant_id = $tenant_id
        and items.purchase_order_id = purchase_orders.id
        and items.product_id = $product_id
    )
  )
  and (
    $q::text is null
    or purchase_orders.serial = $serial::bigint
    or suppliers.search like all (search_patterns($q))
  )
order by purchase_orders.created_at desc, purchase_orders.id desc
limit $limit;

-- name: update_purchase_order
update purchase_orders
set
  supplier_id = $supplier_id,
  location_id = $location_id,
  expected_on = $expected_on,
  notes = $notes,
  total = $total,
  version = version + 1,
  updated_at = greatest(updated_at, $now)
where tenant_id = $tenant_id
  and id = $id;

-- name: move_purchase_order
update purchase_orders
set
  status = $status,
  reason = coalesce($reason::text, reason),
  expected_on = coalesce(expected_on, $expected_on::date),
  version = version + 1,
  updated_at = greatest(updated_at, $now),
  sent_at = case when $status = 'sent' then $now else sent_at end,
  received_at = case when $status = 'received' then $now end,
  cancelled_at = case when $status = 'cancelled' then $now end
where tenant_id = $tenant_id
  and id = $id;

-- name: find_purchase_lead_time
-- The longest of the lead times that the supplier promised for the products of an order.
select max(current.lead_time_days)
from purchase_order_items as items
cross join lateral (
  select prices.lead_time_days
  from supplier_prices as prices
  where prices.tenant_id = $tenant_id
    and prices.product_id = items.product_id
    and prices.supplier_id = $supplier_id
    and prices.valid_from <= $today::date
    and (prices.valid_to is null or prices.valid_to >= $today)
  order by prices.valid_from desc, prices.id desc
  limit 1
) as current
where items.tenant_id = $tenant_id
  and items.purchase_order_id = $purchase_order_id;

-- name: prepare_stock_levels
-- Levels for what is on its way, so that GET /stock shows it where it will arrive.
insert into stock_levels (tenant_id, product_id, location_id, created_at, updated_at)
select $tenant_id, items.product_id, $location_id::uuid, $now, $now
from purchase_order_items as items
where items.tenant_id = $tenant_id
  and items.purchase_order_id = $purchase_order_id
order by items.product_id
on conflict (tenant_id, product_id, location_id) do nothing;

-- name: insert_purchase_receipt
insert into purchase_receipts (
  tenant_id, id, purchase_order_id, supplier_id, location_id, document, notes, lead_time_days, received_by, received_at
)
values (
  $tenant_id, $id, $purchase_order_id, $supplier_id, $location_id, $document, $notes,
  least(greatest(round(extract(epoch from $now - $sent_at::timestamptz) / 86400, 2), 0), 99999), $user_id, $now
);

-- name: record_received_items
-- The lines of a receipt, what of the order has now come, and what each product cost this time.
with given as (
  select *
  from unnest($product_ids::uuid[], $movement_ids::uuid[], $quantities::numeric[], $unit_costs::numeric[])
    as given (product_id, movement_id, quantity, unit_cost)
),
line as (
  insert into purchase_receipt_items (tenant_id, receipt_id, product_id, movement_id, quantity, unit_cost)
  select $tenant_id, $receipt_id::uuid, given.product_id, given.movement_id, given.quantity, given.unit_cost
  from given
),
cost as (
  insert into purchase_costs (tenant_id, product_id, last_cost, purchase_order_id, updated_at)
  select $tenant_id, given.product_id, given.unit_cost, $purchase_order_id::uuid, $now
  from given
  order by given.product_id
  on conflict (tenant_id, product_id) do update
    set
      last_cost = excluded.last_cost,
      purchase_order_id = excluded.purchase_order_id,
      updated_at = excluded.updated_at
)
update purchase_order_items as items
set received_quantity = items.received_quantity + given.quantity
from given
where items.tenant_id = $tenant_id
  and items.purchase_order_id = $purchase_order_id
  and items.product_id = given.product_id;

-- name: list_purchase_receipts
select
  receipts.id,
  json_build_object(
    'id', receipts.id,
    'purchase_order_id', receipts.purchase_order_id,
    'location_id', receipts.location_id,
    'document', receipts.document,
    'notes', receipts.notes,
    'lead_time_days', receipts.lead_time_days::text,
    'received_by', receipts.received_by,
    'received_at', receipts.received_at,
    'items', (
      select json_agg(
        json_build_object(
          'product_id', items.product_id,
          'movement_id', items.movement_id,
          'quantity', items.quantity::text,
          'unit_cost', items.unit_cost::text
        )
        order by items.product_id
      )
      from purchase_receipt_items as items
      where items.tenant_id = $tenant_id
        and items.receipt_id = receipts.id
    )
  )::text as body
from purchase_receipts as receipts
where receipts.tenant_id = $tenant_id
  and receipts.purchase_order_id = $purchase_order_id
  and receipts.id > $after_id::uuid
order by receipts.id
limit $limit;

-- name: find_wanted_products
-- The products to buy: those asked for, else those with an open suggestion, the most urgent first. `drafted` is the
-- number of a draft made from suggestions that has the product already.
select
  p.id as product_id,
  p.name,
  p.unit,
  p.active,
  e.suggested_quantity,
  (
    select min(purchase.number)
    from purchase_order_items as items
    join purchase_orders as purchase
      on purchase.tenant_id = items.tenant_id
      and purchase.id = items.purchase_order_id
    where items.tenant_id = $tenant_id
      and items.product_id = p.id
      and items.received_quantity < items.quantity
      and purchase.status = 'draft'
      and purchase.from_suggestions
  ) as drafted
from products as p
left join engine_stock_products as e
  on e.tenant_id = p.tenant_id
  and e.product_id = p.id
  and e.status = 'open'
  and e.kind = 'stock_out'
  and e.suggested_quantity > 0
  and e.suggestion_state is distinct from 'dismissed'
where p.tenant_id = $tenant_id
  and case
    when $product_ids::uuid[] is null then e.product_id is not null
    else p.id = any ($product_ids)
  end
order by e.priority, e.days_left, p.id
limit $limit;
