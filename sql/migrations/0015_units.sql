-- Units: goods are sold and bought in units that hold others (a pallet of 50 sacks, a box of 2.32 m², three pieces to
-- the metre). Wherever goods are counted, `quantity` and `unit` are those of the stock; what was asked for stands
-- beside them (`sold_quantity`, `sold_unit`), and the one is exactly the other, so that sums stay exact.

-- The units of which only whole ones are sold or bought: the product's own, or one that is converted.
alter table products
  add column sale_pack text check (length(sale_pack) between 1 and 3),
  add column purchase_pack text check (length(purchase_pack) between 1 and 3);

alter table products no force row level security;
update products
set unit_conversions = (
  select jsonb_agg('{"units": "1.000", "sale": true, "purchase": true}'::jsonb || conversion order by place)
  from jsonb_array_elements(unit_conversions) with ordinality as given (conversion, place)
)
where unit_conversions <> '[]';
alter table products force row level security;

create or replace function product_json(product products) returns text
language sql stable parallel safe strict
return json_build_object(
  'id', product.id,
  'sku', product.sku,
  'name', product.name,
  'description', product.description,
  'category', product.category,
  'unit', product.unit,
  'base_price', product.base_price::text,
  'cost', product.cost::text,
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

-- How much of a product's own unit a quantity of another holds; null for a unit that is not converted. Good enough to
-- compare with: what is written down was found to be exact before.
create function stock_quantity(own_unit text, conversions jsonb, given_unit text, quantity numeric) returns numeric
language sql immutable parallel safe
return case
  when given_unit is null or given_unit = own_unit then quantity
  else (
    select quantity * (conversion ->> 'quantity')::numeric / (conversion ->> 'units')::numeric
    from jsonb_array_elements(conversions) as conversion
    where conversion ->> 'unit' = given_unit
  )
end;


-- A price may be agreed for another unit than the product's own, and then counts for goods sold in that unit.
-- `minimum_quantity` is always one of the product's own unit.
alter table agreed_prices
  add column unit text check (length(unit) between 1 and 3),
  add check (unit is null or price is not null);

-- The most particular price wins: the site's, the customer's, the list's of the site, the list's of the customer, the
-- product's own. Within one of them a product before its category, then a price of the very unit that is sold, then
-- the highest quantity reached, then the lowest. `price_unit` is what one of costs the price.
drop function resolve_price(uuid, uuid, uuid, uuid, numeric, date);
create function resolve_price(
  of_tenant uuid, of_customer uuid, of_site uuid, of_product uuid, wanted_quantity numeric, wanted_unit text, on_day date
) returns table (unit_price numeric, price_unit text, price_source text, active boolean, own_price numeric)
language sql stable parallel safe as $$
select
  coalesce(best.price, round(products.base_price * (100 - best.percent_off) / 100, 2), products.base_price),
  coalesce(best.unit, products.unit),
  coalesce(best.source, 'base'),
  products.active,
  products.base_price
from products
left join lateral (
  select offer.price, offer.percent_off, offer.unit, offer.source
  from (
    select p.*, 'site' as source, 1 as rank
    from agreed_prices as p
    where p.tenant_id = of_tenant and p.site_id = of_site and p.ended_at is null
    union all
    select p.*, 'customer', 2
    from agreed_prices as p
    where p.tenant_id = of_tenant and p.customer_id = of_customer and p.ended_at is null
    union all
    select p.*, 'list', case when m.site_id is not null then 3 else 4 end
    from price_list_members as m
    join price_lists as l
      on l.tenant_id = m.tenant_id
      and l.id = m.price_list_id
      and l.active
      and on_day between coalesce(l.valid_from, on_day) and coalesce(l.valid_to, on_day)
    join agreed_prices as p
      on p.tenant_id = m.tenant_id
      and p.price_list_id = m.price_list_id
      and p.ended_at is null
    where m.tenant_id = of_tenant and (m.site_id = of_site or m.customer_id = of_customer)
  ) as offer
  where (offer.product_id = products.id or offer.category = products.category)
    and (offer.unit is null or offer.unit = coalesce(wanted_unit, products.unit))
    and offer.minimum_quantity
      <= stock_quantity(products.unit, products.unit_conversions, wanted_unit, wanted_quantity)
    and on_day between coalesce(offer.valid_from, on_day) and coalesce(offer.valid_to, on_day)
  order by
    offer.rank,
    offer.category nulls first,
    offer.unit nulls last,
    offer.minimum_quantity desc,
    coalesce(offer.price, products.base_price * (100 - offer.percent_off) / 100)
  limit 1
) as best on true
where products.tenant_id = of_tenant
  and products.id = of_product
$$;


-- Of a line, `base_price` is for one `base_price_unit` and `unit_price` for one `price_unit`: the line's unit, or the
-- product's own.
alter table quote_items
  add column sold_unit text,
  add column sold_quantity numeric(14,3) check (sold_quantity > 0 and sold_quantity <= 99999999999.999),
  add column base_price_unit text check (base_price_unit in (unit, sold_unit)),
  add column price_unit text check (price_unit in (unit, sold_unit));
alter table quote_items no force row level security;
update quote_items
set sold_unit = unit, sold_quantity = quantity, base_price_unit = unit, price_unit = unit;
alter table quote_items
  alter column sold_unit set not null,
  alter column sold_quantity set not null,
  alter column base_price_unit set not null,
  alter column price_unit set not null,
  force row level security;

alter table order_items
  add column sold_unit text,
  add column sold_quantity numeric(14,3) check (sold_quantity > 0 and sold_quantity <= 99999999999.999),
  add column base_price_unit text check (base_price_unit in (unit, sold_unit)),
  add column price_unit text check (price_unit in (unit, sold_unit));
alter table order_items no force row level security;
update order_items
set sold_unit = unit, sold_quantity = quantity, base_price_unit = unit, price_unit = unit;
alter table order_items
  alter column sold_unit set not null,
  alter column sold_quantity set not null,
  alter column base_price_unit set not null,
  alter column price_unit set not null,
  force row level security;

drop function sale_item_json(
  uuid, integer, uuid, text, text, text, numeric, numeric, numeric, numeric, numeric, text, text
);
create function sale_item_json(
  id uuid, "position" integer, product_id uuid, sku text, name text, unit text, quantity numeric, sold_unit text,
  sold_quantity numeric, base_price numeric, base_price_unit text, unit_price numeric, price_unit text,
  discount_percent numeric, line_total numeric, price_source text, note text
) returns json
language sql stable parallel safe
return json_build_object(
  'id', id,
  'position', "position",
  'product_id', product_id,
  'sku', sku,
  'name', name,
  'unit', sold_unit,
  'quantity', sold_quantity::numeric(14,3)::text,
  'stock_unit', unit,
  'stock_quantity', quantity::numeric(14,3)::text,
  'base_price', base_price::numeric(14,2)::text,
  'base_price_unit', base_price_unit,
  'unit_price', unit_price::numeric(14,2)::text,
  'price_unit', price_unit,
  'discount_percent', discount_percent::numeric(5,2)::text,
  'line_total', line_total::numeric(14,2)::text,
  'price_source', price_source,
  'note', note
);

alter table quotes no force row level security;
update quotes
set items = coalesce((
  select json_agg(
    sale_item_json(
      i.id, i.position, i.product_id, i.sku, i.name, i.unit, i.quantity, i.sold_unit, i.sold_quantity, i.base_price,
      i.base_price_unit, i.unit_price, i.price_unit, i.discount_percent, i.line_total, i.price_source, i.note
    )
    order by i.position
  )
  from quote_items as i
  where i.tenant_id = quotes.tenant_id
    and i.quote_id = quotes.id
), items);
alter table quotes force row level security;

alter table orders no force row level security;
update orders
set items = coalesce((
  select json_agg(
    sale_item_json(
      i.id, i.position, i.product_id, i.sku, i.name, i.unit, i.quantity, i.sold_unit, i.sold_quantity, i.base_price,
      i.base_price_unit, i.unit_price, i.price_unit, i.discount_percent, i.line_total, i.price_source, i.note
    )
    order by i.position
  )
  from order_items as i
  where i.tenant_id = orders.tenant_id
    and i.order_id = orders.id
), items);
alter table orders force row level security;
