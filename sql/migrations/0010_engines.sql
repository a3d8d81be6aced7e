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
