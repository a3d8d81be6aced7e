-- The items of a quote are kept once, in `quotes.items`: that is what every reader of a quote reads, and what its order's
-- rows are made from. What is left of the rows is which products any quote, or a former version of one, has ever counted.

lock table quote_items in access exclusive mode;

create table quoted_products (
  tenant_id uuid not null,
  product_id uuid not null,
  primary key (tenant_id, product_id),
  foreign key (tenant_id, product_id) references products (tenant_id, id)
);
call secure_tenant_table('quoted_products');
revoke update on quoted_products from basecommerce_api;

alter table quotes no force row level security;
alter table quote_versions no force row level security;
alter table quote_items no force row level security;
alter table quoted_products no force row level security;

-- Nothing may be lost: the two have been written by the same statements, and a difference is for people to look at.
do $$
declare
  different bigint;
begin
  select count(*)
  into different
  from quotes
  full join (
    select
      i.tenant_id,
      i.quote_id,
      json_agg(
        sale_item_json(
          i.id, i.position, i.product_id, i.sku, i.name, i.unit, i.quantity, i.sold_unit, i.sold_quantity, i.base_price,
          i.base_price_unit, i.unit_price, i.price_unit, i.discount_percent, i.line_total, i.price_source, i.note
        )
        order by i.position
      )::jsonb as items
    from quote_items as i
    group by i.tenant_id, i.quote_id
  ) as rows on rows.tenant_id = quotes.tenant_id and rows.quote_id = quotes.id
  where quotes.items::jsonb is distinct from rows.items;
  if different > 0 then
    raise exception 'the items of % quotes differ from their rows', different;
  end if;
end
$$;

insert into quoted_products (tenant_id, product_id)
select tenant_id, product_id
from quote_items
union
select v.tenant_id, item.product_id
from quote_versions as v
cross join lateral json_to_recordset(v.content -> 'items') as item (product_id uuid)
join products on products.tenant_id = v.tenant_id and products.id = item.product_id;

drop table quote_items;

alter table quotes force row level security;
alter table quote_versions force row level security;
alter table quoted_products force row level security;
