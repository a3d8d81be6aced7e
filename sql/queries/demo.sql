-- name: has_orders
select exists (select from orders where tenant_id = $tenant_id)

-- name: find_demo_products
select sku, id
from products
where tenant_id = $tenant_id
  and lower(sku) = any (select lower(wanted) from unnest($skus::text[]) as wanted)

-- name: find_demo_customers
select document, id
from customers
where tenant_id = $tenant_id
  and document = any ($documents::text[])

-- name: find_sites_of_customers
select customer_id, id, name
from sites
where tenant_id = $tenant_id
  and customer_id = any ($customer_ids::uuid[])

-- name: find_active_user_per_role
select distinct on (role) role, id
from users
where tenant_id = $tenant_id
  and active
order by role, created_at, id
