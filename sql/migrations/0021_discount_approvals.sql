-- Discounts above what the writer may give: the draft waits for somebody's approval and cannot be sent before. The
-- quote's own states are left alone. And a mark on what sells for too little.

-- Contents that were kept before units were written down: they were all in the product's own.
alter table quote_versions no force row level security;
update quote_versions
set content = (
  content::jsonb
  || jsonb_build_object(
    'items',
    (
      select jsonb_agg(
        jsonb_build_object(
          'stock_unit', item -> 'unit',
          'stock_quantity', item -> 'quantity',
          'base_price_unit', item -> 'unit',
          'price_unit', item -> 'unit'
        ) || item
        order by place
      )
      from jsonb_array_elements(content::jsonb -> 'items') with ordinality as given (item, place)
    )
  )
)::json;
alter table quote_versions force row level security;

-- What somebody has to say about the discounts of a draft: null when nobody has.
alter table quotes
  add column discount_approval text check (discount_approval in ('pending', 'approved', 'denied')),
  add column below_floor smallint[] not null default '{}',
  add column total_below_floor boolean not null default false;
create index quotes_awaiting_approval on quotes (tenant_id, created_at desc, id desc)
  where discount_approval = 'pending' and status = 'draft';

-- Each request and its answer. `products` says which products are discounted above the writer's limit, by how much and
-- on what quantity; an approval holds for those, of that customer, up to that quantity.
create table quote_discount_approvals (
  tenant_id uuid not null,
  id uuid not null,
  quote_id uuid not null,
  version integer not null check (version > 0),
  customer_id uuid not null,
  status text not null check (status in ('pending', 'approved', 'denied', 'superseded')),
  discount_percent numeric(5,2) not null check (discount_percent between 0 and 100),
  limit_percent numeric(5,2) not null check (limit_percent between 0 and 100),
  products json not null,
  requested_by uuid,
  requested_at timestamptz not null,
  decided_by uuid,
  decided_at timestamptz,
  reason text check (length(reason) <= 4000),
  primary key (tenant_id, id),
  foreign key (tenant_id, quote_id) references quotes (tenant_id, id),
  foreign key (tenant_id, customer_id) references customers (tenant_id, id),
  foreign key (tenant_id, requested_by) references users (tenant_id, id),
  foreign key (tenant_id, decided_by) references users (tenant_id, id),
  check ((status = 'pending') = (decided_at is null))
);
create index quote_discount_approvals_of_quote on quote_discount_approvals (tenant_id, quote_id, id);
create unique index quote_discount_approvals_pending on quote_discount_approvals (tenant_id, quote_id)
  where status = 'pending';
call secure_tenant_table('quote_discount_approvals');

-- The lines (by position) that sell under their cost plus a percentage, after all discounts, and whether all of them
-- together do. Costs are the moving average of the stock, else the product's own; lines without any are left out.
create function floor_breaches(
  of_tenant uuid, items json, overall_percent numeric, floor_percent numeric,
  out positions smallint[], out of_total boolean
)
language sql stable parallel safe as $$
select
  coalesce(array_agg(line.position order by line.position) filter (where line.paid < line.least), '{}'),
  coalesce(sum(line.paid) < sum(line.least), false)
from (
  select
    item.position,
    item.line_total * (100 - overall_percent) / 100 as paid,
    coalesce(costs.average_cost, products.cost) * item.stock_quantity * (100 + floor_percent) / 100 as least
  from json_to_recordset(items)
    as item (position smallint, product_id uuid, stock_quantity numeric, line_total numeric)
  join products on products.tenant_id = of_tenant and products.id = item.product_id
  left join stock_costs as costs on costs.tenant_id = of_tenant and costs.product_id = item.product_id
) as line
where line.least is not null
$$;

create or replace function quote_json(
  q quotes, customer_name text, site_name text, allowed text, moment timestamptz
) returns json
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
  'discount_approval', q.discount_approval,
  'margin_warning',
  case
    when q.below_floor <> '{}' or q.total_below_floor
      then json_build_object('items', q.below_floor, 'total', q.total_below_floor)
  end,
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
  'allowed_actions',
  allowed::json -> case
    when q.status = 'draft' and q.discount_approval in ('pending', 'denied') then 'draft/' || q.discount_approval
    else quote_state(q.status, q.valid_until, moment)
  end
);
