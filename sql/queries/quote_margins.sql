-- name: get_quote_margin
-- Line by line what the goods cost today, and what is left of the price after all discounts; null where no cost is
-- known. Totals are those of the lines with a cost.
with line as (
  select
    item.position,
    item.product_id,
    item.name,
    round(item.line_total * (100 - quotes.discount_percent) / 100, 2) as paid,
    coalesce(costs.average_cost, products.cost) as unit_cost,
    round(coalesce(costs.average_cost, products.cost) * item.stock_quantity, 2) as cost
  from quotes
  cross join lateral json_to_recordset(quotes.items)
    as item (position smallint, product_id uuid, name text, stock_quantity numeric, line_total numeric)
  join products on products.tenant_id = $tenant_id and products.id = item.product_id
  left join stock_costs as costs on costs.tenant_id = $tenant_id and costs.product_id = item.product_id
  where quotes.tenant_id = $tenant_id
    and quotes.id = $id
),
summed as (
  select sum(paid) as paid, sum(cost) as cost
  from line
  where cost is not null
)
select json_build_object(
  'floor_percent', ($floor_percent::numeric)::numeric(5,2)::text,
  'items',
  (
    select json_agg(
      json_build_object(
        'position', line.position,
        'product_id', line.product_id,
        'name', line.name,
        'net_total', line.paid::text,
        'unit_cost', round(line.unit_cost, 4)::text,
        'cost', line.cost::text,
        'margin', (line.paid - line.cost)::text,
        'markup_percent', round(100 * (line.paid - line.cost) / nullif(line.cost, 0), 2)::text,
        'below_floor', coalesce(line.paid < line.cost * (100 + $floor_percent) / 100, false)
      )
      order by line.position
    )
    from line
  ),
  'net_total', coalesce(summed.paid, 0)::text,
  'cost', coalesce(summed.cost, 0)::text,
  'margin', coalesce(summed.paid - summed.cost, 0)::text,
  'markup_percent', round(100 * (summed.paid - summed.cost) / nullif(summed.cost, 0), 2)::text,
  'below_floor', coalesce(summed.paid < summed.cost * (100 + $floor_percent) / 100, false)
)::text
from summed
where exists (select from quotes where tenant_id = $tenant_id and id = $id);
