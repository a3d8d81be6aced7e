-- What the pricing and delivery engines know and advise, and the sales engine's further advice.

-- The delivery engine: what went out, what arrived and what it cost, per day of the store.
create table engine_delivery_days (
  tenant_id uuid not null,
  day date not null,
  delivered integer not null default 0,
  with_issue integer not null default 0,
  failed integer not null default 0,
  -- Of those delivered: how many had a promise, and how many kept it.
  promised integer not null default 0,
  on_time integer not null default 0,
  orders_delivered integer not null default 0,
  order_seconds bigint not null default 0,
  orders_cancelled integer not null default 0,
  routes integer not null default 0,
  route_deliveries integer not null default 0,
  planned_distance_m bigint not null default 0,
  driven_distance_m bigint not null default 0,
  duration_s bigint not null default 0,
  planned_cost numeric(20,2) not null default 0,
  cost numeric(20,2) not null default 0,
  primary key (tenant_id, day)
) with (fillfactor = 50);
call secure_engine_table('engine_delivery_days');

create table engine_delivery_occurrences (
  tenant_id uuid not null,
  day date not null,
  kind text not null check (length(kind) between 1 and 40),
  occurrences integer not null,
  primary key (tenant_id, day, kind)
) with (fillfactor = 50);
call secure_engine_table('engine_delivery_occurrences');

-- Orders that are out for delivery now, and since when; a row goes when its order arrives or is cancelled.
create table engine_delivery_orders (
  tenant_id uuid not null,
  order_id uuid not null,
  out_at timestamptz not null,
  primary key (tenant_id, order_id)
) with (fillfactor = 70);
call secure_engine_table('engine_delivery_orders');

-- The pricing engine's current day of a store and the parameters it has set; `effective` adds the defaults.
create table engine_pricing_tenants (
  tenant_id uuid primary key,
  today date not null,
  parameters jsonb not null default '{}' check (pg_column_size(parameters) <= 4096),
  effective jsonb not null default '{}' check (pg_column_size(effective) <= 4096)
) with (fillfactor = 50);
call secure_engine_table('engine_pricing_tenants');

-- What a product costs. `next_day`: when a price of it begins, ends, or falls out of a window, and the row is
-- computed anew though nothing has happened. `used_quantity` was received before the last receipt.
create table engine_pricing_products (
  tenant_id uuid not null,
  product_id uuid not null,
  parameters jsonb check (pg_column_size(parameters) <= 4096),
  effective jsonb not null check (pg_column_size(effective) <= 4096),
  active boolean not null,
  price numeric(14, 2),
  cost numeric(14, 2),
  paid numeric(16, 4),
  paid_supplier_id uuid,
  paid_on date,
  receipts integer not null,
  used_quantity numeric(20, 3) not null,
  last_quantity numeric(20, 3) not null,
  first_received_on date,
  last_received_on date,
  next_day date,
  base_cost numeric(16, 4),
  base_source text check (base_source in ('best', 'average', 'last', 'product')),
  usual_quantity double precision not null,
  slope double precision,
  confidence double precision,
  points integer not null,
  primary key (tenant_id, product_id)
) with (fillfactor = 70);
create index engine_pricing_products_due on engine_pricing_products (tenant_id, next_day);
call secure_engine_table('engine_pricing_products');

-- One supplier's price of a product; from `price` on computed from its periods, null when no price counts.
create table engine_pricing_offers (
  tenant_id uuid not null,
  product_id uuid not null,
  supplier_id uuid not null,
  registered integer not null,
  lowest numeric(14, 2) not null,
  highest numeric(14, 2) not null,
  known numeric(14, 2),
  previous numeric(14, 2),
  changed_on date,
  price numeric(14, 2),
  minimum_quantity numeric(14, 3),
  payment_days integer,
  lead_time_days integer,
  valid_from date,
  valid_to date,
  reference numeric(14, 2),
  change double precision,
  prices integer not null,
  mean double precision,
  deviation double precision,
  stability text check (stability in ('stable', 'variable', 'volatile')),
  landed double precision,
  slope double precision,
  confidence double precision,
  points integer not null,
  primary key (tenant_id, product_id, supplier_id)
) with (fillfactor = 70);
call secure_engine_table('engine_pricing_offers');

-- The dated prices behind an offer, one for the same days; `valid_to` is infinity when there is no end. Those that
-- have not counted for two years are forgotten.
create table engine_pricing_periods (
  tenant_id uuid not null,
  product_id uuid not null,
  supplier_id uuid not null,
  valid_from date not null,
  valid_to date not null,
  seq bigint not null,
  price numeric(14, 2) not null,
  minimum_quantity numeric(14, 3) not null,
  payment_days integer not null,
  lead_time_days integer,
  primary key (tenant_id, product_id, supplier_id, valid_from, valid_to)
);
create index engine_pricing_periods_old on engine_pricing_periods (tenant_id, valid_from);
call secure_engine_table('engine_pricing_periods');

-- A margin alert names no supplier: its id is nil.
create table engine_pricing_alerts (
  tenant_id uuid not null,
  product_id uuid not null,
  about text not null check (about in ('variation', 'margin')),
  supplier_id uuid not null,
  kind text not null check (kind in ('price_rise', 'price_drop', 'margin')),
  risk text not null check (risk in ('high', 'medium', 'low')),
  reference numeric(14, 2) not null,
  value numeric(16, 4) not null,
  share double precision not null,
  status text not null check (status in ('open', 'closed')),
  opened_at timestamptz not null,
  closed_at timestamptz,
  primary key (tenant_id, product_id, about, supplier_id)
) with (fillfactor = 70);
create index engine_pricing_alerts_status on engine_pricing_alerts (tenant_id, status);
call secure_engine_table('engine_pricing_alerts');
