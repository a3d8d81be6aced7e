-- Suppliers, their prices, and purchase orders.

create table suppliers (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  kind text not null check (kind in ('person', 'company')),
  name text not null check (length(name) between 1 and 200),
  document text check (
    case kind
      when 'person' then document ~ '^[0-9]{11}$'
      else document ~ '^[0-9A-Z]{12}[0-9]{2}$'
    end
  ),
  email text check (length(email) between 3 and 254),
  phone text check (length(phone) between 8 and 30),
  address text check (length(address) between 1 and 500),
  postal_code text check (postal_code ~ '^[0-9]{8}$'),
  -- [{"name": "Rita", "role": "Vendas", "email": null, "phone": "(19) 3232-3232"}]
  contacts jsonb not null default '[]' check (
    jsonb_typeof(contacts) = 'array' and pg_column_size(contacts) <= 16384
  ),
  notes text check (length(notes) <= 4000),
  active boolean not null default true,
  version integer not null default 1 check (version > 0),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  name_key text not null generated always as (search_text(name)) stored,
  search text not null generated always as (
    search_words(
      name || ' ' || coalesce(document, '') || ' ' || coalesce(email, '') || ' '
      || regexp_replace(coalesce(phone, ''), '[^0-9]', '', 'g')
    )
  ) stored,
  primary key (tenant_id, id)
);
create unique index suppliers_document_key on suppliers (tenant_id, document);
create index suppliers_by_name on suppliers (tenant_id, name_key, id);
create index suppliers_search on suppliers using gin (tenant_id, search gin_trgm_ops) with (fastupdate = off);
call secure_tenant_table('suppliers');

-- What a supplier asks for a product, as registered; never changed. On a day the row that counts is the one that is
-- valid then and was the last to begin: a promotion with an end gives way to the regular price by itself.
create table supplier_prices (
  tenant_id uuid not null,
  id uuid not null,
  supplier_id uuid not null,
  product_id uuid not null,
  price numeric(14,2) not null check (price between 0 and 999999999999.99),
  minimum_quantity numeric(14,3) not null default 0 check (minimum_quantity between 0 and 99999999999.999),
  payment_days integer check (payment_days between 0 and 365),
  lead_time_days integer check (lead_time_days between 0 and 365),
  valid_from date not null check (valid_from between '1900-01-01' and '2999-12-31'),
  valid_to date check (valid_to between valid_from and '2999-12-31'),
  source text not null check (source in ('manual', 'import')),
  registered_by uuid,
  registered_at timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, supplier_id) references suppliers (tenant_id, id),
  foreign key (tenant_id, product_id) references products (tenant_id, id),
  foreign key (tenant_id, registered_by) references users (tenant_id, id)
);
create index supplier_prices_current
  on supplier_prices (tenant_id, product_id, supplier_id, valid_from desc, id desc);
create index supplier_prices_history on supplier_prices (tenant_id, supplier_id, registered_at desc, id desc);
call secure_tenant_table('supplier_prices');
revoke update on supplier_prices from basecommerce_api;

-- What a supplier calls a product in its own price lists.
create table supplier_product_codes (
  tenant_id uuid not null,
  id uuid not null,
  supplier_id uuid not null,
  code text not null check (length(code) between 1 and 60),
  product_id uuid not null,
  created_at timestamptz not null,
  code_key text not null generated always as (lower(code)) stored,
  primary key (tenant_id, id),
  foreign key (tenant_id, supplier_id) references suppliers (tenant_id, id),
  foreign key (tenant_id, product_id) references products (tenant_id, id)
);
create unique index supplier_product_codes_key on supplier_product_codes (tenant_id, supplier_id, code_key);
call secure_tenant_table('supplier_product_codes', deletable => true);


create table purchase_orders (
  tenant_id uuid not null,
  id uuid not null,
  serial bigint not null check (serial > 0),
  number text not null check (length(number) between 1 and 40),
  supplier_id uuid not null,
  location_id uuid not null,
  status text not null default 'draft'
    check (status in ('draft', 'sent', 'partially_received', 'received', 'cancelled')),
  total numeric(14,2) not null check (total between 0 and 999999999999.99),
  expected_on date,
  notes text not null default '' check (length(notes) <= 4000),
  reason text check (length(reason) <= 4000),
  from_suggestions boolean not null default false,
  created_by uuid,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  sent_at timestamptz,
  received_at timestamptz,
  cancelled_at timestamptz,
  version integer not null default 1 check (version > 0),
  primary key (tenant_id, id),
  unique (tenant_id, serial),
  foreign key (tenant_id, supplier_id) references suppliers (tenant_id, id),
  foreign key (tenant_id, location_id) references locations (tenant_id, id),
  foreign key (tenant_id, created_by) references users (tenant_id, id),
  check (status not in ('sent', 'partially_received', 'received') or sent_at is not null),
  check ((status = 'received') = (received_at is not null)),
  check ((status = 'cancelled') = (cancelled_at is not null))
);
create index purchase_orders_newest on purchase_orders (tenant_id, created_at desc, id desc);
create index purchase_orders_by_supplier on purchase_orders (tenant_id, supplier_id, created_at desc, id desc);
create index purchase_orders_by_status on purchase_orders (tenant_id, status, created_at desc, id desc);
call secure_tenant_table('purchase_orders');

create table purchase_order_items (
  tenant_id uuid not null,
  id uuid not null,
  purchase_order_id uuid not null,
  position integer not null check (position between 1 and 200),
  product_id uuid not null,
  sku text not null,
  name text not null,
  unit text not null,
  quantity numeric(14,3) not null check (quantity > 0 and quantity <= 99999999999.999),
  unit_cost numeric(14,2) not null check (unit_cost between 0 and 999999999999.99),
  line_total numeric(14,2) not null check (line_total between 0 and 999999999999.99),
  received_quantity numeric(14,3) not null default 0 check (received_quantity between 0 and 99999999999.999),
  note text check (length(note) <= 4000),
  primary key (tenant_id, id),
  unique (tenant_id, purchase_order_id, product_id),
  foreign key (tenant_id, purchase_order_id) references purchase_orders (tenant_id, id),
  foreign key (tenant_id, product_id) references products (tenant_id, id)
);
create index purchase_order_items_awaited on purchase_order_items (tenant_id, product_id)
  where received_quantity < quantity;
-- The items of a draft are replaced.
call secure_tenant_table('purchase_order_items', deletable => true);

-- What came in when: one row per visit of the supplier's truck. `lead_time_days` is measured from the sending; under an
-- hour (0.04) the order was written down afterwards, and says nothing about the supplier.
create table purchase_receipts (
  tenant_id uuid not null,
  id uuid not null,
  purchase_order_id uuid not null,
  supplier_id uuid not null,
  location_id uuid not null,
  document text check (length(document) between 1 and 60),
  notes text check (length(notes) <= 4000),
  lead_time_days numeric(8,2) not null check (lead_time_days between 0 and 99999),
  received_by uuid,
  received_at timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, purchase_order_id) references purchase_orders (tenant_id, id),
  foreign key (tenant_id, supplier_id) references suppliers (tenant_id, id),
  foreign key (tenant_id, location_id) references locations (tenant_id, id),
  foreign key (tenant_id, received_by) references users (tenant_id, id)
);
create index purchase_receipts_of_order on purchase_receipts (tenant_id, purchase_order_id, id);
create index purchase_receipts_of_supplier on purchase_receipts (tenant_id, supplier_id) include (lead_time_days);
call secure_tenant_table('purchase_receipts');
revoke update on purchase_receipts from basecommerce_api;

create table purchase_receipt_items (
  tenant_id uuid not null,
  receipt_id uuid not null,
  product_id uuid not null,
  movement_id uuid not null,
  quantity numeric(14,3) not null check (quantity > 0 and quantity <= 99999999999.999),
  unit_cost numeric(14,2) not null check (unit_cost between 0 and 999999999999.99),
  primary key (tenant_id, receipt_id, product_id),
  foreign key (tenant_id, receipt_id) references purchase_receipts (tenant_id, id),
  foreign key (tenant_id, product_id) references products (tenant_id, id),
  foreign key (tenant_id, movement_id) references stock_movements (tenant_id, id)
);
call secure_tenant_table('purchase_receipt_items');
revoke update on purchase_receipt_items from basecommerce_api;

-- What was paid for a product the last time it was bought; the product's `cost` is the moving average.
create table purchase_costs (
  tenant_id uuid not null,
  product_id uuid not null,
  last_cost numeric(14,2) not null check (last_cost between 0 and 999999999999.99),
  purchase_order_id uuid not null,
  updated_at timestamptz not null,
  primary key (tenant_id, product_id),
  foreign key (tenant_id, product_id) references products (tenant_id, id),
  foreign key (tenant_id, purchase_order_id) references purchase_orders (tenant_id, id)
);
call secure_tenant_table('purchase_costs');

-- What open purchase orders will still bring of a product to a location.
create function incoming_quantity(tenant uuid, product uuid, location uuid) returns numeric
language sql stable parallel safe
return (
  select coalesce(sum(items.quantity - items.received_quantity), 0)::numeric(17,3)
  from purchase_order_items as items
  join purchase_orders as purchase
    on purchase.tenant_id = items.tenant_id
    and purchase.id = items.purchase_order_id
  where items.tenant_id = tenant
    and items.product_id = product
    and items.received_quantity < items.quantity
    and purchase.location_id = location
    and purchase.status in ('sent', 'partially_received')
);

create function supplier_json(supplier suppliers) returns text
language sql stable parallel safe strict
return json_build_object(
  'id', supplier.id,
  'kind', supplier.kind,
  'name', supplier.name,
  'document', supplier.document,
  'email', supplier.email,
  'phone', supplier.phone,
  'address', supplier.address,
  'postal_code', supplier.postal_code,
  'contacts', supplier.contacts,
  'notes', supplier.notes,
  'active', supplier.active,
  'observed_lead_time_days', (
    select round(avg(receipts.lead_time_days), 1)::text
    from purchase_receipts as receipts
    where receipts.tenant_id = supplier.tenant_id
      and receipts.supplier_id = supplier.id
      and receipts.lead_time_days >= 0.04
  ),
  'version', supplier.version,
  'created_at', supplier.created_at,
  'updated_at', supplier.updated_at
)::text;

-- `allowed` is a JSON object from status to the actions the caller may take.
create function purchase_order_json(purchase purchase_orders, supplier_name text, allowed text) returns json
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
        'unit', items.unit,
        'quantity', items.quantity::text,
        'unit_cost', items.unit_cost::text,
        'line_total', items.line_total::text,
        'received_quantity', items.received_quantity::text,
        'outstanding_quantity', greatest(items.quantity - items.received_quantity, 0.000)::text,
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

-- The stock engine learns what is on order and how long it takes to come: `ordered` is the part of `on_order` that
-- purchase orders stand for, the lead times are kept as number, mean and sum of squared deviations (Welford).
alter table engine_stock_products
  add column ordered numeric(20,3) not null default 0,
  add column lead_times integer not null default 0,
  add column lead_time_mean double precision not null default 0,
  add column lead_time_squares double precision not null default 0;
