-- Many products and customers at once; single ones have the same effects one by one.

-- name: key_skus
-- all tenants: reads no table. By what codes are told apart.
select lower(given.sku)
from unnest($skus::text[]) with ordinality as given (sku, place)
order by given.place;

-- name: lock_products_by_sku
-- In the order of ids, so that two imports at once do not wait for each other in a circle.
select
  id, sku, sku_key, name, description, category, unit, base_price, cost, barcode, weight_kg, volume_m3, unit_conversions,
  sale_pack, purchase_pack, active
from products
where tenant_id = $tenant_id
  and sku_key = any ($keys::text[])
order by id
for no key update;

-- name: insert_products
insert into products (
  tenant_id, id, sku, name, description, category, unit, base_price, cost, barcode, weight_kg, volume_m3,
  unit_conversions, sale_pack, purchase_pack, active, created_at, updated_at
)
select
  $tenant_id, given.id, given.sku, given.name, given.description, given.category, given.unit, given.base_price,
  given.cost, given.barcode, given.weight_kg, given.volume_m3, given.unit_conversions, given.sale_pack,
  given.purchase_pack, given.active, $now, $now
from jsonb_to_recordset($rows::jsonb) as given (
  id uuid, sku text, name text, description text, category text, unit text, base_price numeric, cost numeric,
  barcode text, weight_kg numeric, volume_m3 numeric, unit_conversions jsonb, sale_pack text, purchase_pack text,
  active boolean
);

-- name: update_products
update products
set
  name = given.name,
  description = given.description,
  category = given.category,
  unit = given.unit,
  base_price = given.base_price,
  cost = given.cost,
  barcode = given.barcode,
  weight_kg = given.weight_kg,
  volume_m3 = given.volume_m3,
  active = given.active,
  version = version + 1,
  updated_at = greatest(updated_at, $now)
from jsonb_to_recordset($rows::jsonb) as given (
  id uuid, name text, description text, category text, unit text, base_price numeric, cost numeric, barcode text,
  weight_kg numeric, volume_m3 numeric, active boolean
)
where products.tenant_id = $tenant_id
  and products.id = given.id;

-- name: insert_product_prices
insert into product_prices (tenant_id, id, product_id, previous, price, changed_by, changed_at)
select $tenant_id, given.id, given.product_id, given.previous, given.price, $user_id, $now
from unnest($ids::uuid[], $product_ids::uuid[], $previous::numeric[], $prices::numeric[])
  as given (id, product_id, previous, price);

-- name: match_customers
-- By document where the row has one, else by name; two matches are enough to know that a name is ambiguous.
select
  given.place::integer as place,
  coalesce(given.document, ' ' || search_text(given.name)) as key,
  matched.id
from unnest($documents::text[], $names::text[]) with ordinality as given (document, name, place)
left join lateral (
  (
    select id
    from customers
    where tenant_id = $tenant_id
      and document = given.document
  )
  union all
  (
    select id
    from customers
    where tenant_id = $tenant_id
      and given.document is null
      and name_key = search_text(given.name)
    order by id
    limit 2
  )
) as matched on true
order by given.place;

-- name: lock_customers
-- In the order of ids, so that two imports at once do not wait for each other in a circle.
select id, kind, name, document, email, phone, address, postal_code, notes, active
from customers
where tenant_id = $tenant_id
  and id = any ($ids::uuid[])
order by id
for no key update;

-- name: insert_customers
insert into customers (
  tenant_id, id, kind, name, document, email, phone, address, postal_code, notes, active, created_at, updated_at
)
select
  $tenant_id, given.id, given.kind, given.name, given.document, given.email, given.phone, given.address,
  given.postal_code, given.notes, given.active, $now, $now
from jsonb_to_recordset($rows::jsonb) as given (
  id uuid, kind text, name text, document text, email text, phone text, address text, postal_code text, notes text,
  active boolean
);

-- name: update_customers
update customers
set
  kind = given.kind,
  name = given.name,
  document = given.document,
  email = given.email,
  phone = given.phone,
  address = given.address,
  postal_code = given.postal_code,
  notes = given.notes,
  active = given.active,
  version = version + 1,
  updated_at = greatest(updated_at, $now)
from jsonb_to_recordset($rows::jsonb) as given (
  id uuid, kind text, name text, document text, email text, phone text, address text, postal_code text, notes text,
  active boolean
)
where customers.tenant_id = $tenant_id
  and customers.id = given.id;
