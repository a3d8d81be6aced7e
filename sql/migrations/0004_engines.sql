-- What the engines know and advise: aggregates per product, day and pair, never a row per sold item. They are
-- a pure function of the event log, so nothing here refers to the vertical's tables, and a row may be deleted
-- and computed anew. Hot rows are updated in place: pages keep room for the next version (fillfactor).

-- The stock engine's current day of a store: the latest day it has seen, in the store's time zone. `parameters` are
-- those the store has set, `effective` those and the defaults of what it has not.
create table engine_stock_tenants (
  tenant_id uuid primary key,
  today date not null,
  parameters jsonb not null default '{}' check (pg_column_size(parameters) <= 4096),
  effective jsonb not null default '{}' check (pg_column_size(effective) <= 4096)
) with (fillfactor = 50);
call secure_engine_table('engine_stock_tenants');

-- The first part of a row is what the next event builds on, the second (from `mean` on) what follows from it.
-- Statistics are double precision: they are estimates, and are computed outside the database.
create table engine_stock_products (
  tenant_id uuid not null,
  product_id uuid not null,
  parameters jsonb check (pg_column_size(parameters) <= 4096),
  on_hand numeric(20, 3) not null default 0,
  available numeric(20, 3) not null default 0,
  on_order numeric(20, 3) not null default 0,
  active boolean not null default true,
  cost numeric(14, 2),
  price numeric(14, 2),
  category text,
  window_days smallint not null default 90,
  first_sale_day date,
  last_sale_day date,
  day_quantity double precision not null,
  day_revenue double precision not null,
  window_quantity double precision not null,
  window_squares double precision not null,
  window_revenue double precision not null,
  window_demand_days smallint not null,
  window_stock_out_days smallint not null,
  croston_size double precision not null default 0,
  croston_interval double precision not null default 0,
  croston_gap integer not null default 1,
  recent_mean double precision,
  recent_variance double precision not null default 0,
  stocked_since date,
  out_since date,
  suggestion_state text check (suggestion_state in ('accepted', 'dismissed')),
  suggestion_until date,
  abc_class text check (abc_class in ('A', 'B', 'C')),
  mean double precision not null,
  deviation double precision not null,
  reorder_point double precision not null,
  maximum double precision not null,
  days_left double precision,
  suggested_quantity double precision not null,
  priority smallint check (priority between 1 and 9),
  xyz_class text check (xyz_class in ('X', 'Y', 'Z')),
  status text not null check (status in ('none', 'open', 'closed')),
  kind text check (kind in ('stock_out', 'excess', 'dead_stock')),
  risk text check (risk in ('high', 'medium', 'low')),
  opened_at timestamptz,
  closed_at timestamptz,
  primary key (tenant_id, product_id)
) with (fillfactor = 50);
call secure_engine_table('engine_stock_products');

create table engine_stock_levels (
  tenant_id uuid not null,
  product_id uuid not null,
  location_id uuid not null,
  on_hand numeric(20, 3) not null,
  available numeric(20, 3) not null,
  primary key (tenant_id, product_id, location_id)
) with (fillfactor = 70);
call secure_engine_table('engine_stock_levels');

-- The days that are over; today's demand stands in the product's row until the day ends, so that a sale writes one
-- row less. Net demand: returned goods count against the day they came back. `stock_out`: nothing to sell all day, so that
-- the missing sales say nothing about demand.
create table engine_daily_demand (
  tenant_id uuid not null,
  product_id uuid not null,
  day date not null,
  quantity numeric(20, 3) not null,
  revenue numeric(20, 2) not null,
  stock_out boolean not null default false,
  primary key (tenant_id, product_id, day)
) with (fillfactor = 70);
call secure_engine_table('engine_daily_demand');

create table engine_sales_totals (
  tenant_id uuid primary key,
  orders bigint not null
) with (fillfactor = 50);
call secure_engine_table('engine_sales_totals');

create table engine_sales_products (
  tenant_id uuid not null,
  product_id uuid not null,
  orders bigint not null,
  quantity numeric(20, 3) not null,
  revenue numeric(20, 2) not null,
  primary key (tenant_id, product_id)
) with (fillfactor = 70);
call secure_engine_table('engine_sales_products');

create table engine_sales_pairs (
  tenant_id uuid not null,
  product_a uuid not null,
  product_b uuid not null,
  orders bigint not null,
  primary key (tenant_id, product_a, product_b),
  check (product_a < product_b)
) with (fillfactor = 70);
create index engine_sales_pairs_second on engine_sales_pairs (tenant_id, product_b);
call secure_engine_table('engine_sales_pairs');
