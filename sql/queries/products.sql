-- name: insert_product
insert into products (
  tenant_id, id, sku, name, description, category, unit, base_price, cost, barcode, weight_kg, volume_m3,
  unit_conversions, sale_pack, purchase_pack, active, created_at, updated_at
)
values (
  $tenant_id, $id, $sku, $name, $description, $category, $unit, $base_price, $cost, $barcode, $weight_kg,
  $volume_m3, $unit_conversions, $sale_pack, $purchase_pack, $active, $now, $now
);

-- name: insert_product_price
insert into product_prices (tenant_id, id, product_id, previous, price, changed_by, changed_at)
values ($tenant_id, $id, $product_id, $previous, $price, $user_id, $now);

-- name: get_product
select product_json(products, $costs) as body, version
from products
where tenant_id = $tenant_id
  and id = $id;

-- name: lock_product
-- Holds the row until the transaction ends, so that two changes of one product do not undo each other.
select
  sku, name, description, category, unit, base_price, cost, barcode, weight_kg, volume_m3, unit_conversions,
  sale_pack, purchase_pack, active, version
from products
where tenant_id = $tenant_id
  and id = $id
for no key update;

-- name: update_product
update products
set
  sku = $sku,
  name = $name,
  description = $description,
  category = $category,
  unit = $unit,
  base_price = $base_price,
  cost = $cost,
  barcode = $barcode,
  weight_kg = $weight_kg,
  volume_m3 = $volume_m3,
  unit_conversions = $unit_conversions,
  sale_pack = $sale_pack,
  purchase_pack = $purchase_pack,
  active = $active,
  version = version + 1,
  updated_at = greatest(updated_at, $now)
where tenant_id = $tenant_id
  and id = $id;

-- name: is_product_counted
-- Whether quantities or prices of the product are written down anywhere; they are all in its own unit.
select
  exists (select from stock_levels where tenant_id = $tenant_id and product_id = $product_id)
  or exists (select from supplier_prices where tenant_id = $tenant_id and product_id = $product_id)
  or exists (select from agreed_prices where tenant_id = $tenant_id and product_id = $product_id)
  or exists (select from quoted_products where tenant_id = $tenant_id and product_id = $product_id)
  or exists (select from purchase_order_items where tenant_id = $tenant_id and product_id = $product_id);

-- name: find_product_units
-- One row per product that the store has.
select id, unit, unit_conversions, sale_pack, purchase_pack
from products
where tenant_id = $tenant_id
  and id = any ($product_ids::uuid[]);

-- name: list_products_by_name
select product_json(products, $costs) as body, name_key, id
from products
where tenant_id = $tenant_id
  and (name_key, id) > (
    coalesce($after_name::text, ''), coalesce($after_id::uuid, '00000000-0000-0000-0000-000000000000')
  )
  and ($category::text is null or category = $category)
  and ($active::boolean is null or active = $active)
order by name_key, id
limit $limit;

-- name: list_products_by_sku
select product_json(products, $costs) as body, sku_key
from products
where tenant_id = $tenant_id
  and sku_key > coalesce($after_sku::text, '')
  and ($category::text is null or category = $category)
  and ($active::boolean is null or active = $active)
order by sku_key
limit $limit;

-- name: list_products_by_created
select product_json(products, $costs) as body, created_at, id
from products
where tenant_id = $tenant_id
  and (created_at, id) > (
    coalesce($after_created::text::timestamptz, '-infinity'),
    coalesce($after_id::uuid, '00000000-0000-0000-0000-000000000000')
  )
  and ($category::text is null or category = $category)
  and ($active::boolean is null or active = $active)
order by created_at, id
limit $limit;

-- name: list_newest_products
select product_json(products, $costs) as body, created_at, id
from products
where tenant_id = $tenant_id
  and (created_at, id) < (
    coalesce($after_created::text::timestamptz, 'infinity'),
    coalesce($after_id::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
  )
  and ($category::text is null or category = $category)
  and ($active::boolean is null or active = $active)
order by created_at desc, id desc
limit $limit;

-- name: search_products
-- Every word must occur. Ranks: the very code or barcode, codes beginning so, names beginning so, every word at the
-- beginning of one, the rest. The longest word finds the candidates in the index, the others thin them out.
with ranked as (
  select
    products as product,
    name_key,
    id,
    case
      when sku_key = lower($question::text) or barcode = $question then 0
      when starts_with(sku_key, lower($question)) then 1
      when starts_with(search, (select search_words($question))) then 2
      when search like all (array(select '% ' || word || '%' from unnest(search_terms($question)) as word)) then 3
      else 4
    end as rank
  from products
  where tenant_id = $tenant_id
    and search like (select (search_patterns($question))[1])
    and search like all ((select search_patterns($question))::text[])
    and ($category::text is null or category = $category)
    and ($active::boolean is null or active = $active)
)
select product_json(product, $costs) as body, rank, name_key, id
from ranked
where (rank, name_key, id) > (
  coalesce($after_rank::integer, -1),
  coalesce($after_name::text, ''),
  coalesce($after_id::uuid, '00000000-0000-0000-0000-000000000000')
)
order by rank, name_key, id
limit $limit;

-- name: search_similar_products
-- For questions that no product has word by word: those whose words look alike, the likest first.
-- widen_similarity comes before it in the same transaction.
with ranked as (
  select
    products as product,
    name_key,
    id,
    search_distance((select search_terms($question::text)), search) as rank
  from products
  where tenant_id = $tenant_id
    and search %> (select (search_terms($question))[1])
    and search %> all (
      array(select word from unnest(search_terms($question)) as word where length(word) >= 3)
    )
    and search like all (
      array(select '% ' || word || '%' from unnest(search_terms($question)) as word where length(word) < 3)
    )
    and ($category::text is null or category = $category)
    and ($active::boolean is null or active = $active)
)
select product_json(product, $costs) as body, rank, name_key, id
from ranked
where (rank, name_key, id) > (
  coalesce($after_rank::integer, -1),
  coalesce($after_name::text, ''),
  coalesce($after_id::uuid, '00000000-0000-0000-0000-000000000000')
)
order by rank, name_key, id
limit $limit;

-- name: list_product_prices
select
  json_build_object(
    'id', prices.id,
    'previous', prices.previous::text,
    'price', prices.price::text,
    'changed_by', prices.changed_by,
    'changed_by_name', users.name,
    'changed_at', prices.changed_at
  )::text as body,
  prices.changed_at,
  prices.id
from product_prices as prices
left join users
  on users.tenant_id = prices.tenant_id
  and users.id = prices.changed_by
where prices.tenant_id = $tenant_id
  and prices.product_id = $product_id
  and (prices.changed_at, prices.id) < (
    coalesce($after_changed::text::timestamptz, 'infinity'),
    coalesce($after_id::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
  )
order by prices.changed_at desc, prices.id desc
limit $limit;
