-- Quotes, orders and stock: the business core.
-- Items are kept twice on purpose: as rows (truth, foreign keys, analysis) and as the JSON that clients read
-- (`items`, written by the same statement), so that a list needs no aggregation per row.

create function document_number(prefix text, serial bigint) returns text
language sql immutable parallel safe
return prefix || lpad(serial::text, greatest(6, length(serial::text)), '0');

-- The last second of the day `days` after `moment`, as days go at the store.
create function validity_end(moment timestamptz, days integer, time_zone text) returns timestamptz
language sql stable parallel safe
return ((moment at time zone time_zone)::date + days + 1)::timestamp at time zone time_zone - interval '1 second';


create table quotes (
  tenant_id uuid not null,
  id uuid not null,
  serial bigint not null check (serial > 0),
  number text not null check (length(number) between 1 and 40),
  customer_id uuid not null,
  site_id uuid,
  status text not null default 'draft'
    check (status in ('draft', 'sent', 'approved', 'converted', 'rejected', 'cancelled', 'expired')),
  subtotal numeric(14,2) not null check (subtotal between 0 and 999999999999.99),
  discount_percent numeric(5,2) not null default 0 check (discount_percent between 0 and 100),
  discount_amount numeric(14,2) not null check (discount_amount between 0 and 999999999999.99),
  total numeric(14,2) not null check (total between 0 and 999999999999.99),
  validity_days integer not null check (validity_days between 1 and 365),
  valid_until timestamptz not null,
  notes text not null default '' check (length(notes) <= 4000),
  reason text check (length(reason) <= 4000),
  items json not null,
  order_id uuid,
  created_by uuid,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  sent_at timestamptz,
  approved_at timestamptz,
  converted_at timestamptz,
  closed_at timestamptz,
  version integer not null default 1 check (version > 0),
  primary key (tenant_id, id),
  unique (tenant_id, serial),
  foreign key (tenant_id, customer_id) references customers (tenant_id, id),
  foreign key (tenant_id, site_id) references sites (tenant_id, id),
  foreign key (tenant_id, created_by) references users (tenant_id, id),
  check (total = subtotal - discount_amount),
  check ((status = 'converted') = (order_id is not null))
);
create index quotes_newest on quotes (tenant_id, created_at desc, id desc);
create index quotes_by_customer on quotes (tenant_id, customer_id, created_at desc, id desc);
create index quotes_by_status on quotes (tenant_id, status, created_at desc, id desc);
create index quotes_due on quotes (valid_until, tenant_id) where status in ('sent', 'approved');
create index quotes_sent on quotes (tenant_id, sent_at) include (created_at, converted_at) where sent_at is not null;
call secure_tenant_table('quotes');
-- The scheduler sees which stores have quotes past their last day; they expire in a transaction of their store.
create policy scheduler on quotes for select to basecommerce_scheduler using (true);
grant select (tenant_id, status, valid_until) on quotes to basecommerce_scheduler;

create table quote_items (
  tenant_id uuid not null,
  id uuid not null,
  quote_id uuid not null,
  position integer not null check (position between 1 and 200),
  product_id uuid not null,
  sku text not null,
  name text not null,
  unit text not null,
  quantity numeric(14,3) not null check (quantity > 0 and quantity <= 99999999999.999),
  base_price numeric(14,2) not null check (base_price between 0 and 999999999999.99),
  unit_price numeric(14,2) not null check (unit_price between 0 and 999999999999.99),
  discount_percent numeric(5,2) not null check (discount_percent between 0 and 100),
  line_total numeric(14,2) not null check (line_total between 0 and 999999999999.99),
  price_source text not null check (length(price_source) between 1 and 40),
  note text check (length(note) <= 4000),
  primary key (tenant_id, id),
  foreign key (tenant_id, quote_id) references quotes (tenant_id, id),
  foreign key (tenant_id, product_id) references products (tenant_id, id)
);
create index quote_items_of_quote on quote_items (tenant_id, quote_id, position);
-- The items of a draft are replaced; their former content stays in quote_versions.
call secure_tenant_table('quote_items', deletable => true);

create table quote_versions (
  tenant_id uuid not null,
  quote_id uuid not null,
  version integer not null check (version > 0),
  content json not null,
  replaced_by uuid,
  replaced_at timestamptz not null,
  primary key (tenant_id, quote_id, version),
  foreign key (tenant_id, quote_id) references quotes (tenant_id, id),
  foreign key (tenant_id, replaced_by) references users (tenant_id, id)
);
call secure_tenant_table('quote_versions');
revoke update on quote_versions from basecommerce_api;


create table locations (
  tenant_id uuid not null,
  id uuid not null,
  name text not null check (length(name) between 1 and 200),
  is_default boolean not null default false,
  active boolean not null default true,
  created_at timestamptz not null,
  primary key (tenant_id, id)
);
create unique index locations_default on locations (tenant_id) where is_default;
create unique index locations_name on locations (tenant_id, lower(name));
call secure_tenant_table('locations');

create table stock_levels (
  tenant_id uuid not null,
  product_id uuid not null,
  location_id uuid not null,
  on_hand numeric(14,3) not null default 0 check (on_hand between -99999999999.999 and 99999999999.999),
  reserved numeric(14,3) not null default 0 check (reserved between 0 and 99999999999.999),
  -- One digit more: it is also computed for the row that `insert ... on conflict` proposes, where both have one sign.
  available numeric(15,3) generated always as (on_hand - reserved) stored,
  last_sold_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (tenant_id, product_id, location_id),
  foreign key (tenant_id, product_id) references products (tenant_id, id),
  foreign key (tenant_id, location_id) references locations (tenant_id, id)
) with (fillfactor = 80);
call secure_tenant_table('stock_levels');

-- The moving average of what the stock of a product cost, over all locations.
create table stock_costs (
  tenant_id uuid not null,
  product_id uuid not null,
  average_cost numeric(18,6) not null check (average_cost between 0 and 999999999999.99),
  updated_at timestamptz not null,
  primary key (tenant_id, product_id),
  foreign key (tenant_id, product_id) references products (tenant_id, id)
);
call secure_tenant_table('stock_costs');


create table orders (
  tenant_id uuid not null,
  id uuid not null,
  serial bigint not null check (serial > 0),
  number text not null check (length(number) between 1 and 40),
  quote_id uuid,
  customer_id uuid,
  site_id uuid,
  location_id uuid not null,
  fulfilment text not null check (fulfilment in ('delivery', 'pickup', 'counter')),
  status text not null
    check (status in ('pending', 'preparing', 'out_for_delivery', 'ready_for_pickup', 'delivered', 'cancelled')),
  subtotal numeric(14,2) not null check (subtotal between 0 and 999999999999.99),
  discount_percent numeric(5,2) not null default 0 check (discount_percent between 0 and 100),
  discount_amount numeric(14,2) not null check (discount_amount between 0 and 999999999999.99),
  total numeric(14,2) not null check (total between 0 and 999999999999.99),
  notes text not null default '' check (length(notes) <= 4000),
  reason text check (length(reason) <= 4000),
  items json not null,
  created_by uuid,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  prepared_at timestamptz,
  dispatched_at timestamptz,
  ready_at timestamptz,
  delivered_at timestamptz,
  cancelled_at timestamptz,
  version integer not null default 1 check (version > 0),
  primary key (tenant_id, id),
  unique (tenant_id, serial),
  unique (tenant_id, quote_id),
  foreign key (tenant_id, quote_id) references quotes (tenant_id, id),
  foreign key (tenant_id, customer_id) references customers (tenant_id, id),
  foreign key (tenant_id, site_id) references sites (tenant_id, id),
  foreign key (tenant_id, location_id) references locations (tenant_id, id),
  foreign key (tenant_id, created_by) references users (tenant_id, id),
  check (total = subtotal - discount_amount),
  check (status <> 'out_for_delivery' or fulfilment = 'delivery'),
  check (status <> 'ready_for_pickup' or fulfilment = 'pickup'),
  check ((status = 'delivered') = (delivered_at is not null)),
  check ((status = 'cancelled') = (cancelled_at is not null))
);
create index orders_newest on orders (tenant_id, created_at desc, id desc);
create index orders_by_customer on orders (tenant_id, customer_id, created_at desc, id desc);
create index orders_by_status on orders (tenant_id, status, created_at desc, id desc);
create index orders_delivered on orders (tenant_id, delivered_at) include (total, created_at, fulfilment)
  where delivered_at is not null;
call secure_tenant_table('orders');

alter table quotes add foreign key (tenant_id, order_id) references orders (tenant_id, id);

create table order_items (
  tenant_id uuid not null,
  id uuid not null,
  order_id uuid not null,
  position integer not null check (position between 1 and 200),
  product_id uuid not null,
  sku text not null,
  name text not null,
  unit text not null,
  quantity numeric(14,3) not null check (quantity > 0 and quantity <= 99999999999.999),
  base_price numeric(14,2) not null check (base_price between 0 and 999999999999.99),
  unit_price numeric(14,2) not null check (unit_price between 0 and 999999999999.99),
  discount_percent numeric(5,2) not null check (discount_percent between 0 and 100),
  line_total numeric(14,2) not null check (line_total between 0 and 999999999999.99),
  price_source text not null check (length(price_source) between 1 and 40),
  note text check (length(note) <= 4000),
  primary key (tenant_id, id),
  foreign key (tenant_id, order_id) references orders (tenant_id, id),
  foreign key (tenant_id, product_id) references products (tenant_id, id)
);
create index order_items_of_order on order_items (tenant_id, order_id, position);
call secure_tenant_table('order_items');
revoke update on order_items from basecommerce_api;

-- The ledger: append-only, and on-hand is its sum.
create table stock_movements (
  tenant_id uuid not null,
  id uuid not null,
  product_id uuid not null,
  location_id uuid not null,
  kind text not null check (kind in ('receipt', 'sale', 'return', 'adjustment', 'count', 'transfer', 'loss')),
  delta numeric(14,3) not null check (delta <> 0 and delta between -99999999999.999 and 99999999999.999),
  on_hand_after numeric(14,3) not null check (on_hand_after between -99999999999.999 and 99999999999.999),
  unit_cost numeric(14,2) check (unit_cost between 0 and 999999999999.99),
  reason text check (length(reason) <= 4000),
  order_id uuid,
  user_id uuid,
  created_at timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, product_id, location_id) references stock_levels (tenant_id, product_id, location_id),
  foreign key (tenant_id, order_id) references orders (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
);
create index stock_movements_newest on stock_movements (tenant_id, created_at desc, id desc);
create index stock_movements_of_product on stock_movements (tenant_id, product_id, created_at desc, id desc);
create index stock_movements_of_order on stock_movements (tenant_id, order_id) where order_id is not null;
call secure_tenant_table('stock_movements');
revoke update on stock_movements from basecommerce_api;

-- `allowed` is a JSON object from status to the actions the caller may take; made by the state tables in the code.

create function sale_item_json(
  id uuid, "position" integer, product_id uuid, sku text, name text, unit text, quantity numeric, base_price numeric,
  unit_price numeric, discount_percent numeric, line_total numeric, price_source text, note text
) returns json
language sql stable parallel safe
return json_build_object(
  'id', id,
  'position', "position",
  'product_id', product_id,
  'sku', sku,
  'name', name,
  'unit', unit,
  'quantity', quantity::numeric(14,3)::text,
  'base_price', base_price::numeric(14,2)::text,
  'unit_price', unit_price::numeric(14,2)::text,
  'discount_percent', discount_percent::numeric(5,2)::text,
  'line_total', line_total::numeric(14,2)::text,
  'price_source', price_source,
  'note', note
);

-- A quote that is past its last day counts as expired from that moment, also before the scheduler has said so.
create function quote_state(status text, valid_until timestamptz, moment timestamptz) returns text
language sql immutable parallel safe
return case when status in ('sent', 'approved') and valid_until < moment then 'expired' else status end;

create function quote_json(q quotes, customer_name text, site_name text, allowed text, moment timestamptz)
returns json
language sql stable parallel safe
return json_build_object(
  'id', q.id,
  'number', q.number,
  'status', quote_state(q.status, q.valid_until, moment),
  'customer_id', q.customer_id,
  'customer_name', customer_name,
  'site_id', q.site_id,
  'site_name', site_name,
  'items', q.items,
  'subtotal', q.subtotal::text,
  'discount_percent', q.discount_percent::text,
  'discount_amount', q.discount_amount::text,
  'total', q.total::text,
  'validity_days', q.validity_days,
  'valid_until', q.valid_until,
  'notes', q.notes,
  'reason', q.reason,
  'order_id', q.order_id,
  'created_by', q.created_by,
  'created_at', q.created_at,
  'updated_at', q.updated_at,
  'sent_at', q.sent_at,
  'approved_at', q.approved_at,
  'converted_at', q.converted_at,
  'closed_at', q.closed_at,
  'version', q.version,
  'allowed_actions', allowed::json -> quote_state(q.status, q.valid_until, moment)
);

-- Here `allowed` goes from fulfilment to status to actions.
create function order_json(o orders, customer_name text, site_name text, allowed text) returns json
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
