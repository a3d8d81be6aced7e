-- Goods that are kept in lots, because they do not keep for ever. A product is unless the store says so not one of them,
-- and then has no row in any of these tables.

create table lot_products (
  tenant_id uuid not null,
  product_id uuid not null,
  created_by uuid,
  created_at timestamptz not null,
  primary key (tenant_id, product_id),
  foreign key (tenant_id, product_id) references products (tenant_id, id),
  foreign key (tenant_id, created_by) references users (tenant_id, id)
);
call secure_tenant_table('lot_products', deletable => true);
revoke update on lot_products from basecommerce_api;

-- What lies there and is past its day is on hand, but not available.
alter table stock_levels drop column available;
alter table stock_levels
  -- Said on the row that every movement locks, so that a movement that waited for it knows.
  add column in_lots boolean not null default false,
  add column expired numeric(14,3) not null default 0 check (expired between 0 and 99999999999.999);
-- Two digits more: it is also computed for the row that `insert ... on conflict` proposes, where signs may add up.
alter table stock_levels add column available numeric(16,3) generated always as (on_hand - reserved - expired) stored;

-- On hand of a product that is kept in lots is the sum of its lots. A lot has its code wherever it lies, and one day
-- that is its last.
create table stock_lots (
  tenant_id uuid not null,
  product_id uuid not null,
  location_id uuid not null,
  code text not null check (length(code) between 1 and 60),
  expires_on date check (expires_on between '1900-01-01' and '2999-12-31'),
  on_hand numeric(14,3) not null check (on_hand between 0 and 99999999999.999),
  -- Whether what is on hand counts as expired at its level.
  expired boolean not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (tenant_id, product_id, location_id, code),
  foreign key (tenant_id, product_id, location_id) references stock_levels (tenant_id, product_id, location_id)
);
create index stock_lots_by_expiry on stock_lots (tenant_id, expires_on, product_id, location_id, code)
  where on_hand > 0;
create index stock_lots_due on stock_lots (expires_on, tenant_id) where on_hand > 0 and not expired;
call secure_tenant_table('stock_lots');
-- The scheduler sees which stores have lots past their last day; they expire in a transaction of their store.
create policy scheduler on stock_lots for select to basecommerce_scheduler using (true);
grant select (tenant_id, expires_on, on_hand, expired) on stock_lots to basecommerce_scheduler;

-- The ledger of lots: append-only, and a lot's on-hand is its sum.
create table stock_lot_movements (
  tenant_id uuid not null,
  id uuid not null,
  product_id uuid not null,
  location_id uuid not null,
  code text not null,
  kind text not null check (kind in ('receipt', 'sale', 'return', 'adjustment', 'count', 'transfer', 'loss')),
  delta numeric(14,3) not null check (delta <> 0 and delta between -99999999999.999 and 99999999999.999),
  on_hand_after numeric(14,3) not null check (on_hand_after between 0 and 99999999999.999),
  order_id uuid,
  user_id uuid,
  created_at timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, product_id, location_id, code)
    references stock_lots (tenant_id, product_id, location_id, code),
  foreign key (tenant_id, order_id) references orders (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
);
create index stock_lot_movements_of_lot on stock_lot_movements (tenant_id, product_id, location_id, code);
create index stock_lot_movements_of_order on stock_lot_movements (tenant_id, order_id) where order_id is not null;
call secure_tenant_table('stock_lot_movements');
revoke update on stock_lot_movements from basecommerce_api;

-- The day it is at the store.
create function store_day(tenant uuid, moment timestamptz) returns date
language sql stable parallel safe
return (select (moment at time zone t.time_zone)::date from tenants as t where t.id = tenant);
