-- A product as JSON; what it costs only for those who may see it.
create function product_json(product products, costs boolean) returns text
language sql stable parallel safe strict
return json_build_object(
  'id', product.id,
  'sku', product.sku,
  'name', product.name,
  'description', product.description,
  'category', product.category,
  'unit', product.unit,
  'base_price', product.base_price::text,
  'cost', case when costs then product.cost::text end,
  'barcode', product.barcode,
  'weight_kg', product.weight_kg::text,
  'volume_m3', product.volume_m3::text,
  'unit_conversions', product.unit_conversions,
  'sale_pack', product.sale_pack,
  'purchase_pack', product.purchase_pack,
  'active', product.active,
  'version', product.version,
  'created_at', product.created_at,
  'updated_at', product.updated_at
)::text;
drop function product_json(products);
