-- name: create_price_list
insert into price_lists (tenant_id, id, name, active, valid_from, valid_to, created_at, updated_at)
values ($tenant_id, $id, $name, $active, $valid_from, $valid_to, $now, $now);

-- name: get_price_list
select
  version,
  json_build_object(
    'id', id,
    'name', name,
    'active', active,
    'valid_from', valid_from,
    'valid_to', valid_to,
    'version', version,
    'created_at', created_at,
    'updated_at', updated_at
  )::text as body
from price_lists
where tenant_id = $tenant_id
  and id = $id;

-- name: lock_price_list
select name, active, valid_from, valid_to, version
from price_lists
where tenant_id = $tenant_id
  and id = $id
for update;

-- name: update_price_list
update price_lists
set name = $name,
    active = $active,
    valid_from = $valid_from,
    valid_to = $valid_to,
    version = version + 1,
    updated_at = $now
where tenant_id = $tenant_id
  and id = $id;

-- name: list_price_lists
select
  name,
  id,
  json_build_object(
    'id', id,
    'name', name,
    'active', active,
    'valid_from', valid_from,
    'valid_to', valid_to,
    'version', version,
    'created_at', created_at,
    'updated_at', updated_at
  )::text as body
from price_lists
where tenant_id = $tenant_id
  and ($after_name::text is null or (lower(name), id) > (lower($after_name), $after_id::uuid))
  and ($active::boolean is null or active = $active)
order by lower(name), id
limit $limit;

-- name: agree_price
insert into agreed_prices (
  tenant_id, id, price_list_id, customer_id, site_id, product_id, category, minimum_quantity, price, unit, percent_off,
  valid_from, valid_to, created_by, created_at
)
values (
  $tenant_id, $id, $price_list_id, $customer_id, $site_id, $product_id, $category, $minimum_quantity, $price,
  $unit, $percent_off, $valid_from, $valid_to, $user_id, $now
);

-- name: get_agreed_price
select json_build_object(
  'id', id,
  'price_list_id', price_list_id,
  'customer_id', customer_id,
  'site_id', site_id,
  'product_id', product_id,
  'category', category,
  'minimum_quantity', minimum_quantity::text,
  'price', price::text,
  'unit', unit,
  'percent_off', percent_off::text,
  'valid_from', valid_from,
  'valid_to', valid_to,
  'created_by', created_by,
  'created_at', created_at,
  'ended_at', ended_at
)::text as body
from agreed_prices
where tenant_id = $tenant_id
  and id = $id;

-- name: list_agreed_prices
select
  id,
  json_build_object(
    'id', id,
    'price_list_id', price_list_id,
    'customer_id', customer_id,
    'site_id', site_id,
    'product_id', product_id,
    'category', category,
    'minimum_quantity', minimum_quantity::text,
    'price', price::text,
    'unit', unit,
  'unit', unit,
    'percent_off', percent_off::text,
    'valid_from', valid_from,
    'valid_to', valid_to,
    'created_by', created_by,
    'created_at', created_at,
    'ended_at', ended_at
  )::text as body
from agreed_prices
where tenant_id = $tenant_id
  and ($price_list_id::uuid is null or price_list_id = $price_list_id)
  and ($customer_id::uuid is null or customer_id = $customer_id)
  and ($site_id::uuid is null or site_id = $site_id)
  and ($product_id::uuid is null or product_id = $product_id)
  and ($ended::boolean or ended_at is null)
  and ($after::uuid is null or id < $after)
order by id desc
limit $limit;

-- name: end_agreed_price
update agreed_prices
set ended_at = $now
where tenant_id = $tenant_id
  and id = $id
  and ended_at is null;

-- name: leave_price_list
delete from price_list_members
where tenant_id = $tenant_id
  and (customer_id = $customer_id::uuid or site_id = $site_id::uuid);

-- name: put_customer_on_price_list
insert into price_list_members (tenant_id, id, price_list_id, customer_id, created_at)
values ($tenant_id, $id, $price_list_id, $customer_id, $now)
on conflict (tenant_id, customer_id) where customer_id is not null do update
  set price_list_id = excluded.price_list_id, created_at = excluded.created_at;

-- name: put_site_on_price_list
insert into price_list_members (tenant_id, id, price_list_id, site_id, created_at)
values ($tenant_id, $id, $price_list_id, $site_id, $now)
on conflict (tenant_id, site_id) where site_id is not null do update
  set price_list_id = excluded.price_list_id, created_at = excluded.created_at;

-- name: resolve_price
select json_build_object(
  'product_id', $product_id::uuid,
  'quantity', ($quantity::numeric)::numeric(14,3)::text,
  'unit', $unit::text,
  'unit_price', resolved.unit_price::numeric(14,2)::text,
  'price_unit', resolved.price_unit,
  'price_source', resolved.price_source,
  'base_price', resolved.own_price::text
)::text as body
from tenants
cross join lateral resolve_price(
  $tenant_id, $customer_id::uuid, $site_id::uuid, $product_id::uuid, $quantity::numeric, $unit::text,
  ($now at time zone tenants.time_zone)::date
) as resolved
where tenants.id = $tenant_id;
