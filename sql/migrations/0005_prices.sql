-- Price lists and agreed prices, and the one function that says which price a customer or a site gets.

create table price_lists (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  name text not null check (length(name) between 1 and 200),
  active boolean not null default true,
  valid_from date,
  valid_to date,
  version integer not null default 1 check (version > 0),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (tenant_id, id),
  check (valid_to >= valid_from)
);
create unique index price_lists_name on price_lists (tenant_id, lower(name));
call secure_tenant_table('price_lists');

-- Which list a customer, or one of a customer's sites, buys by.
create table price_list_members (
  tenant_id uuid not null,
  id uuid not null,
  price_list_id uuid not null,
  customer_id uuid,
  site_id uuid,
  created_at timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, price_list_id) references price_lists (tenant_id, id),
  foreign key (tenant_id, customer_id) references customers (tenant_id, id),
  foreign key (tenant_id, site_id) references sites (tenant_id, id),
  check ((customer_id is null) <> (site_id is null))
);
create unique index price_list_members_customer on price_list_members (tenant_id, customer_id)
  where customer_id is not null;
create unique index price_list_members_site on price_list_members (tenant_id, site_id) where site_id is not null;
call secure_tenant_table('price_list_members', deletable => true);

-- A price, or a percentage off the product's own price, from a quantity on: of a list, of a customer, or of a site;
-- for a product or for a whole category. Never changed: it ends, and another begins.
create table agreed_prices (
  tenant_id uuid not null,
  id uuid not null,
  price_list_id uuid,
  customer_id uuid,
  site_id uuid,
  product_id uuid,
  category text check (length(category) between 1 and 200),
  minimum_quantity numeric(14,3) not null default 0 check (minimum_quantity between 0 and 99999999999.999),
  price numeric(14,2) check (price between 0 and 999999999999.99),
  percent_off numeric(5,2) check (percent_off between 0 and 100),
  valid_from date,
  valid_to date,
  created_by uuid,
  created_at timestamptz not null,
  ended_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, price_list_id) references price_lists (tenant_id, id),
  foreign key (tenant_id, customer_id) references customers (tenant_id, id),
  foreign key (tenant_id, site_id) references sites (tenant_id, id),
  foreign key (tenant_id, product_id) references products (tenant_id, id),
  foreign key (tenant_id, created_by) references users (tenant_id, id),
  check (num_nonnulls(price_list_id, customer_id, site_id) = 1),
  check (num_nonnulls(product_id, category) = 1),
  check (num_nonnulls(price, percent_off) = 1),
  check (price is null or product_id is not null),
  check (valid_to >= valid_from)
);
create index agreed_prices_of_site on agreed_prices (tenant_id, site_id) where site_id is not null and ended_at is null;
create index agreed_prices_of_customer on agreed_prices (tenant_id, customer_id)
  where customer_id is not null and ended_at is null;
create index agreed_prices_of_list on agreed_prices (tenant_id, price_list_id)
  where price_list_id is not null and ended_at is null;
call secure_tenant_table('agreed_prices');

-- The most particular price wins: the site's, the customer's, the list's of the site, the list's of the customer, the
-- product's own. Within one of them a product before its category, then the highest quantity reached, then the lowest.
create function resolve_price(
  of_tenant uuid, of_customer uuid, of_site uuid, of_product uuid, wanted_quantity numeric, on_day date
) returns table (unit_price numeric, price_source text, active boolean, own_price numeric)
language sql stable parallel safe as $$
select
  coalesce(best.price, round(products.base_price * (100 - best.percent_off) / 100, 2), products.base_price),
  coalesce(best.source, 'base'),
  products.active,
  products.base_price
from products
left join lateral (
  select offer.price, offer.percent_off, offer.source
  from (
    select p.*, 'site' as source, 1 as rank
    from agreed_prices as p
    where p.tenant_id = of_tenant and p.site_id = of_site and p.ended_at is null
    union all
    select p.*, 'customer', 2
    from agreed_prices as p
    where p.tenant_id = of_tenant and p.customer_id = of_customer and p.ended_at is null
    union all
    select p.*, 'list', case when m.site_id is not null then 3 else 4 end
    from price_list_members as m
    join price_lists as l
      on l.tenant_id = m.tenant_id
      and l.id = m.price_list_id
      and l.active
      and on_day between coalesce(l.valid_from, on_day) and coalesce(l.valid_to, on_day)
    join agreed_prices as p
      on p.tenant_id = m.tenant_id
      and p.price_list_id = m.price_list_id
      and p.ended_at is null
    where m.tenant_id = of_tenant and (m.site_id = of_site or m.customer_id = of_customer)
  ) as offer
  where (offer.product_id = products.id or offer.category = products.category)
    and offer.minimum_quantity <= wanted_quantity
    and on_day between coalesce(offer.valid_from, on_day) and coalesce(offer.valid_to, on_day)
  order by
    offer.rank,
    offer.category nulls first,
    offer.minimum_quantity desc,
    coalesce(offer.price, products.base_price * (100 - offer.percent_off) / 100)
  limit 1
) as best on true
where products.tenant_id = of_tenant
  and products.id = of_product
$$;
