-- Two statements answer the ledger's lines: the plain list, and the one with filters.
create function movement_json(m stock_movements, sku text, product_name text, costs boolean) returns json
language sql stable parallel safe
return json_build_object(
  'id', (m).id,
  'product_id', (m).product_id,
  'sku', sku,
  'product_name', product_name,
  'location_id', (m).location_id,
  'kind', (m).kind,
  'delta', (m).delta::text,
  'on_hand_after', (m).on_hand_after::text,
  'unit_cost', case when costs then (m).unit_cost::text end,
  'reason', (m).reason,
  'order_id', (m).order_id,
  'user_id', (m).user_id,
  'created_at', (m).created_at
);
