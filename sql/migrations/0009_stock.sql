-- Goods that come back, goods that change their place, and goods that are counted.

create table order_returns (
  tenant_id uuid not null,
  id uuid not null,
  order_id uuid not null,
  reason text not null check (length(reason) between 1 and 4000),
  restocked boolean not null,
  amount numeric(14,2) not null check (amount between 0 and 999999999999.99),
  created_by uuid,
  created_at timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, order_id) references orders (tenant_id, id),
  foreign key (tenant_id, created_by) references users (tenant_id, id)
);
create index order_returns_of_order on order_returns (tenant_id, order_id, id);
call secure_tenant_table('order_returns');
revoke update on order_returns from basecommerce_api;

create table order_return_items (
  tenant_id uuid not null,
  id uuid not null,
  return_id uuid not null,
  order_item_id uuid not null,
  product_id uuid not null,
  quantity numeric(14,3) not null check (quantity > 0 and quantity <= 99999999999.999),
  amount numeric(14,2) not null check (amount between 0 and 999999999999.99),
  primary key (tenant_id, id),
  foreign key (tenant_id, return_id) references order_returns (tenant_id, id),
  foreign key (tenant_id, order_item_id) references order_items (tenant_id, id),
  foreign key (tenant_id, product_id) references products (tenant_id, id)
);
create index order_return_items_of_item on order_return_items (tenant_id, order_item_id);
call secure_tenant_table('order_return_items');
revoke update on order_return_items from basecommerce_api;

create table stock_counts (
  tenant_id uuid not null,
  id uuid not null,
  location_id uuid not null,
  status text not null default 'open' check (status in ('open', 'booked', 'cancelled')),
  blind boolean not null,
  notes text not null default '' check (length(notes) <= 4000),
  created_by uuid,
  created_at timestamptz not null,
  closed_at timestamptz,
  version integer not null default 1 check (version > 0),
  primary key (tenant_id, id),
  foreign key (tenant_id, location_id) references locations (tenant_id, id),
  foreign key (tenant_id, created_by) references users (tenant_id, id)
);
create index stock_counts_newest on stock_counts (tenant_id, created_at desc, id desc);
call secure_tenant_table('stock_counts');

-- `expected` is what the books said at the moment of counting, so that sales between counting and booking do not matter.
create table stock_count_lines (
  tenant_id uuid not null,
  count_id uuid not null,
  product_id uuid not null,
  expected numeric(14,3) check (expected between -99999999999.999 and 99999999999.999),
  counted numeric(14,3) check (counted between 0 and 99999999999.999),
  counted_by uuid,
  counted_at timestamptz,
  primary key (tenant_id, count_id, product_id),
  foreign key (tenant_id, count_id) references stock_counts (tenant_id, id),
  foreign key (tenant_id, product_id) references products (tenant_id, id),
  foreign key (tenant_id, counted_by) references users (tenant_id, id),
  check ((counted is null) = (expected is null))
);
call secure_tenant_table('stock_count_lines');
