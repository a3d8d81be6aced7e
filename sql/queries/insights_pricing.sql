-- name: read_priced_product
-- What the pricing engine knows of a product, nulls where it has not heard of it yet; no row for no product.
select
  p.id,
  p.sku,
  p.name,
  p.unit,
  e.price as sale_price,
  e.base_cost,
  e.base_source,
  e.paid,
  e.paid_on,
  e.paid_supplier_id,
  s.name as paid_supplier_name,
  e.cost,
  e.receipts,
  e.usual_quantity,
  e.slope,
  e.confidence,
  coalesce(e.points, 0) as points,
  coalesce(e.effective, t.effective) as effective,
  (
    select avg(o.price)
    from engine_pricing_offers as o
    where o.tenant_id = p.tenant_id
      and o.product_id = p.id
      and not exists (
        select
        from engine_pricing_suppliers as u
        where u.tenant_id = o.tenant_id
          and u.supplier_id = o.supplier_id
          and not u.active
      )
  ) as average_price
from products as p
left join engine_pricing_products as e
  on e.tenant_id = p.tenant_id
  and e.product_id = p.id
left join engine_pricing_tenants as t on t.tenant_id = p.tenant_id
left join suppliers as s
  on s.tenant_id = p.tenant_id
  and s.id = e.paid_supplier_id
where p.tenant_id = $tenant_id
  and p.id = $product_id;

-- name: list_priced_offers
-- The suppliers in use whose price of a product counts, or that have a trend; the lowest landed cost first.
select
  o.supplier_id,
  s.name as supplier_name,
  o.price,
  o.minimum_quantity,
  o.payment_days,
  o.lead_time_days,
  o.valid_from,
  nullif(o.valid_to, 'infinity') as valid_to,
  o.registered,
  o.lowest,
  o.highest,
  o.previous,
  o.changed_on,
  o.reference,
  o.change,
  o.prices,
  o.mean,
  o.deviation,
  o.stability,
  o.landed,
  o.slope,
  o.confidence,
  o.points
from engine_pricing_offers as o
join suppliers as s
  on s.tenant_id = o.tenant_id
  and s.id = o.supplier_id
where o.tenant_id = $tenant_id
  and o.product_id = $product_id
  and s.active
order by o.landed nulls last, o.supplier_id
limit 200;

-- name: list_pricing_alerts
select
  a.product_id,
  p.sku,
  p.name,
  p.unit,
  a.about,
  a.supplier_id,
  s.name as supplier_name,
  a.kind,
  a.risk,
  a.reference,
  a.value,
  a.share,
  a.status,
  a.opened_at,
  a.closed_at,
  a.answer,
  a.reason,
  a.until,
  a.answered_at,
  e.effective,
  ranked.rank
from engine_pricing_alerts as a
join engine_pricing_products as e
  on e.tenant_id = a.tenant_id
  and e.product_id = a.product_id
join products as p
  on p.tenant_id = a.tenant_id
  and p.id = a.product_id
left join suppliers as s
  on s.tenant_id = a.tenant_id
  and s.id = a.supplier_id
cross join lateral (
  select case a.risk when 'high' then 0 when 'medium' then 1 else 2 end as rank
) as ranked
where a.tenant_id = $tenant_id
  and a.status = $status
  and ($kind::text is null or a.kind = $kind)
  and ($risk::text is null or a.risk = $risk)
  and ($product_id::uuid is null or a.product_id = $product_id)
  and (
    $answered::boolean
    or a.status = 'closed'
    or a.answer is null
    or a.until <= $today::date
  )
  and (ranked.rank, a.product_id, a.about, a.supplier_id)
    > ($after_rank::integer, $after_product::uuid, $after_about::text, $after_supplier::uuid)
order by ranked.rank, a.product_id, a.about, a.supplier_id
limit $limit;

-- name: find_open_pricing_alert
select a.kind
from engine_pricing_alerts as a
where a.tenant_id = $tenant_id
  and a.product_id = $product_id
  and a.about = $about
  and a.supplier_id = $supplier_id
  and a.status = 'open';

-- name: read_pricing_parameters
-- The store's parameters, and those of one product when it is named and known.
select
  t.parameters,
  t.effective,
  e.parameters as own_parameters,
  e.effective as own_effective
from engine_pricing_tenants as t
left join engine_pricing_products as e
  on e.tenant_id = t.tenant_id
  and e.product_id = $product_id::uuid
where t.tenant_id = $tenant_id;
