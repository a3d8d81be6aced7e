-- A delivery carries goods of several orders of one customer that go to one place; `deliveries.order_id` is the first of
-- them, and says which place that is.

create table delivery_orders (
  tenant_id uuid not null,
  delivery_id uuid not null,
  order_id uuid not null,
  primary key (tenant_id, delivery_id, order_id),
  foreign key (tenant_id, delivery_id) references deliveries (tenant_id, id),
  foreign key (tenant_id, order_id) references orders (tenant_id, id)
);
create index delivery_orders_of_order on delivery_orders (tenant_id, order_id, delivery_id);
alter table deliveries no force row level security;
insert into delivery_orders (tenant_id, delivery_id, order_id)
select tenant_id, id, order_id
from deliveries;
alter table deliveries force row level security;
call secure_tenant_table('delivery_orders');
revoke update on delivery_orders from basecommerce_api;

create or replace function delivery_items_json(tenant uuid, delivery uuid) returns json
language sql stable parallel safe
return (
  select json_agg(
    json_build_object(
      'order_item_id', item.order_item_id,
      'order_id', ordered.order_id,
      'product_id', ordered.product_id,
      'sku', ordered.sku,
      'name', ordered.name,
      'unit', ordered.sold_unit,
      'quantity', line_quantity(ordered, item.quantity)::text,
      'stock_unit', ordered.unit,
      'stock_quantity', item.quantity::text,
      'delivered_quantity', line_quantity(ordered, item.delivered_quantity)::text,
      'stock_delivered_quantity', item.delivered_quantity::text
    )
    order by ordered.order_id, ordered.position
  )
  from delivery_items as item
  join order_items as ordered
    on ordered.tenant_id = item.tenant_id
    and ordered.id = item.order_item_id
  where item.tenant_id = tenant
    and item.delivery_id = delivery
);
