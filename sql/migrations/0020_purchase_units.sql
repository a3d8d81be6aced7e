-- Goods are bought in other units than they are counted in, too. `price`, `unit_cost`, `minimum_quantity` and `quantity`
-- are for the product's own unit, in which engines compare and the stock counts; beside them stands what the supplier
-- asked for and was asked for. `units` of a unit hold `holds` of the product's own, as on that day.

-- A price asked for another unit: `price` is then `quoted_price` for one of the product's own, rounded to cents.
alter table supplier_prices
  add column quoted_unit text check (length(quoted_unit) between 1 and 3),
  add column quoted_price numeric(14,2) check (quoted_price between 0 and 999999999999.99),
  add column quoted_units numeric(14,3) check (quoted_units > 0),
  add column quoted_holds numeric(14,3) check (quoted_holds > 0),
  add check (num_nonnulls(quoted_unit, quoted_price, quoted_units, quoted_holds) in (0, 4));

-- The total of a line is that of `bought_cost` for one `cost_unit`, of which `cost_units` hold `cost_holds` of the
-- product's own unit.
alter table purchase_order_items
  add column bought_unit text,
  add column bought_quantity numeric(14,3) check (bought_quantity > 0 and bought_quantity <= 99999999999.999),
  add column bought_cost numeric(14,2) check (bought_cost between 0 and 999999999999.99),
  add column cost_unit text,
  add column cost_units numeric(14,3) not null default 1 check (cost_units > 0),
  add column cost_holds numeric(14,3) not null default 1 check (cost_holds > 0);
alter table purchase_order_items no force row level security;
update purchase_order_items
set bought_unit = unit, bought_quantity = quantity, bought_cost = unit_cost, cost_unit = unit;
alter table purchase_order_items
  alter column bought_unit set not null,
  alter column bought_quantity set not null,
  alter column bought_cost set not null,
  alter column cost_unit set not null,
  force row level security;

-- `allowed` is a JSON object from status to the actions the caller may take.
create or replace function purchase_order_json(purchase purchase_orders, supplier_name text, allowed text) returns json
language sql stable parallel safe
return json_build_object(
  'id', purchase.id,
  'number', purchase.number,
  'status', purchase.status,
  'supplier_id', purchase.supplier_id,
  'supplier_name', supplier_name,
  'location_id', purchase.location_id,
  'items', (
    select json_agg(
      json_build_object(
        'id', items.id,
        'position', items.position,
        'product_id', items.product_id,
        'sku', items.sku,
        'name', items.name,
        'unit', items.bought_unit,
        'quantity', items.bought_quantity::text,
        'stock_unit', items.unit,
        'stock_quantity', items.quantity::text,
        'unit_cost', items.bought_cost::text,
        'cost_unit', items.cost_unit,
        'line_total', items.line_total::text,
        'received_quantity', round(items.received_quantity * items.bought_quantity / items.quantity, 3)::text,
        'stock_received_quantity', items.received_quantity::text,
        'outstanding_quantity', round(
          greatest(items.quantity - items.received_quantity, 0) * items.bought_quantity / items.quantity, 3
        )::text,
        'stock_outstanding_quantity', greatest(items.quantity - items.received_quantity, 0.000)::text,
        'note', items.note
      )
      order by items.position
    )
    from purchase_order_items as items
    where items.tenant_id = purchase.tenant_id
      and items.purchase_order_id = purchase.id
  ),
  'total', purchase.total::text,
  'expected_on', purchase.expected_on,
  'notes', purchase.notes,
  'reason', purchase.reason,
  'from_suggestions', purchase.from_suggestions,
  'created_by', purchase.created_by,
  'created_at', purchase.created_at,
  'updated_at', purchase.updated_at,
  'sent_at', purchase.sent_at,
  'received_at', purchase.received_at,
  'cancelled_at', purchase.cancelled_at,
  'version', purchase.version,
  'allowed_actions', allowed::json -> purchase.status
);
