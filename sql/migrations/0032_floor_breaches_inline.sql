-- The same, answered as a set: PostgreSQL merges a function of this shape into the statement that calls it, where it
-- planned the former one anew with every call, which took half of what writing a quote takes.
drop function floor_breaches(uuid, json, numeric, numeric);

create function floor_breaches(of_tenant uuid, items json, overall_percent numeric, floor_percent numeric)
returns table (positions smallint[], of_total boolean)
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
