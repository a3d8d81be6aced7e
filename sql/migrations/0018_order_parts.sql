-- Orders that leave in parts: with several deliveries, or picked up bit by bit. An order that leaves as a whole has none.

create table order_parts (
  tenant_id uuid not null,
  id uuid not null,
  order_id uuid not null,
  -- What brought it; null when it was handed over at the store, or was the rest when the order was closed.
  delivery_id uuid,
  -- Its share of the order's total: the parts of a delivered order add up to it to the cent.
  total numeric(14,2) not null check (total between 0 and 999999999999.99),
  created_by uuid,
  created_at timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, order_id) references orders (tenant_id, id),
  foreign key (tenant_id, delivery_id) references deliveries (tenant_id, id),
  foreign key (tenant_id, created_by) references users (tenant_id, id)
);
create index order_parts_of_order on order_parts (tenant_id, order_id, id);
create index order_parts_sold on order_parts (tenant_id, created_at) include (total);
call secure_tenant_table('order_parts');
revoke update on order_parts from basecommerce_api;

create table order_part_items (
  tenant_id uuid not null,
  part_id uuid not null,
  order_item_id uuid not null,
  quantity numeric(14,3) not null check (quantity > 0 and quantity <= 99999999999.999),
  amount numeric(14,2) not null check (amount between 0 and 999999999999.99),
  primary key (tenant_id, part_id, order_item_id),
  foreign key (tenant_id, part_id) references order_parts (tenant_id, id),
  foreign key (tenant_id, order_item_id) references order_items (tenant_id, id)
);
create index order_part_items_of_item on order_part_items (tenant_id, order_item_id) include (quantity);
call secure_tenant_table('order_part_items');
revoke update on order_part_items from basecommerce_api;

-- What the parts that have left come to; null for an order of which nothing has left, or all at once.
alter table orders
  add column left_total numeric(14,2) check (left_total between 0 and total),
  add check (left_total is null or fulfilment <> 'counter');
drop index orders_delivered;
create index orders_delivered on orders (tenant_id, delivered_at)
  include (total, created_at, fulfilment, left_total)
  where delivered_at is not null;

-- How much of an order's item has left with its parts.
create function left_quantity(tenant uuid, item uuid) returns numeric
language sql stable parallel safe
return (
  select coalesce(sum(part.quantity), 0)
  from order_part_items as part
  where part.tenant_id = tenant
    and part.order_item_id = item
);

create or replace function order_json(o orders, customer_name text, site_name text, allowed text) returns json
language sql stable parallel safe
return json_build_object(
  'id', o.id,
  'number', o.number,
  'status', o.status,
  'fulfilment', o.fulfilment,
  'quote_id', o.quote_id,
  'customer_id', o.customer_id,
  'customer_name', customer_name,
  'site_id', o.site_id,
  'site_name', site_name,
  'location_id', o.location_id,
  'items', o.items,
  'subtotal', o.subtotal::text,
  'discount_percent', o.discount_percent::text,
  'discount_amount', o.discount_amount::text,
  'total', o.total::text,
  'left_total', o.left_total::text,
  'left_items', case
    when o.left_total is null then '[]'::json
    else (
      select json_agg(
        json_build_object('item_id', item.id, 'quantity', left_quantity(o.tenant_id, item.id)::numeric(14,3)::text)
        order by item.position
      )
      from order_items as item
      where item.tenant_id = o.tenant_id
        and item.order_id = o.id
    )
  end,
  'notes', o.notes,
  'reason', o.reason,
  'created_by', o.created_by,
  'created_at', o.created_at,
  'updated_at', o.updated_at,
  'prepared_at', o.prepared_at,
  'dispatched_at', o.dispatched_at,
  'ready_at', o.ready_at,
  'delivered_at', o.delivered_at,
  'cancelled_at', o.cancelled_at,
  'version', o.version,
  'allowed_actions', allowed::json -> o.fulfilment -> o.status
);
