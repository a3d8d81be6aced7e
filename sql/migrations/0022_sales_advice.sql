-- What the sales engine knows of customers and of whole baskets, what it makes of that, and what people answer.

-- The store's current day (the latest it has seen), and how many baskets it has counted: sales of three products or more.
alter table engine_sales_totals
  add today date,
  add baskets bigint not null default 0;

-- What the store, or a product (nil: the store), has set; of the store with the defaults of what it has not. `seq` is
-- the number of the event that said so, here and below: a dead letter applied late undoes nothing that was said since.
create table engine_sales_parameters (
  tenant_id uuid not null,
  product_id uuid not null,
  seq bigint not null,
  parameters jsonb not null check (pg_column_size(parameters) <= 4096),
  effective jsonb check (pg_column_size(effective) <= 4096),
  primary key (tenant_id, product_id),
  check ((effective is null) = (product_id <> '00000000-0000-0000-0000-000000000000'))
);
call secure_engine_table('engine_sales_parameters');

-- How often a customer has bought; the parts of one order are one purchase.
create table engine_sales_customers (
  tenant_id uuid not null,
  customer_id uuid not null,
  purchases integer not null,
  last_on date not null,
  primary key (tenant_id, customer_id)
) with (fillfactor = 70);
call secure_engine_table('engine_sales_customers');

-- What a customer has bought. `last_number` is the customer's latest purchase with the product, `recent` has a bit for
-- each of the eight purchases up to that one, the lowest for itself. `days` are the days with a purchase, `squares` the
-- sum of the squares of the days between one and the next: whole numbers, from which mean and deviation of the interval
-- follow, and which come out the same however the sales were put together.
create table engine_sales_customer_products (
  tenant_id uuid not null,
  customer_id uuid not null,
  product_id uuid not null,
  last_number integer not null,
  recent smallint not null check (recent between 1 and 255),
  first_on date not null,
  last_on date not null,
  days integer not null,
  squares bigint not null,
  quantity numeric(20, 3) not null,
  due_on date generated always as (
    case when days >= 3 then last_on + (last_on - first_on) / (days - 1) end
  ) stored,
  primary key (tenant_id, customer_id, product_id)
) with (fillfactor = 70);
create index engine_sales_customer_products_product on engine_sales_customer_products (tenant_id, product_id);
create index engine_sales_customer_products_due on engine_sales_customer_products (tenant_id, due_on)
  where due_on is not null;
call secure_engine_table('engine_sales_customer_products');

-- The latest baskets, of which bundles are mined: a ring, so that there are never more. `product_ids` are the ids in
-- rising order, 16 bytes each.
create table engine_sales_baskets (
  tenant_id uuid not null,
  slot integer not null,
  number bigint not null,
  product_ids bytea not null,
  primary key (tenant_id, slot)
) with (fillfactor = 70);
call secure_engine_table('engine_sales_baskets');

-- How far bundles have been mined, from how many baskets, and with which least share and count.
create table engine_sales_mined (
  tenant_id uuid primary key,
  through bigint not null,
  baskets integer not null,
  least_share double precision not null,
  least_orders integer not null,
  complete boolean not null
);
call secure_engine_table('engine_sales_mined');

-- Products bought together, three to five. `closed`: no larger bundle has as many orders.
create table engine_sales_bundles (
  tenant_id uuid not null,
  bundle_id uuid not null,
  product_ids uuid[] not null check (cardinality(product_ids) between 3 and 5),
  orders integer not null,
  support double precision not null,
  lift double precision not null,
  closed boolean not null,
  primary key (tenant_id, bundle_id)
);
call secure_engine_table('engine_sales_bundles');

-- The latest answer to a piece of advice, and how many there were of each kind. Nil where it was about no such thing; the
-- advice rests until the day given, for the customer or (nil) for all.
create table engine_sales_answers (
  tenant_id uuid not null,
  kind text not null check (kind in ('complement', 'substitute', 'bundle', 'habit', 'rebuy')),
  subject_id uuid not null,
  from_id uuid not null,
  customer_id uuid not null,
  seq bigint not null,
  answer text not null check (answer in ('accepted', 'changed', 'dismissed', 'snoozed')),
  reason text check (length(reason) <= 40),
  rests_until date,
  answered_at timestamptz not null,
  accepted integer not null,
  changed integer not null,
  dismissed integer not null,
  snoozed integer not null,
  primary key (tenant_id, kind, subject_id, from_id, customer_id)
);
call secure_engine_table('engine_sales_answers');
