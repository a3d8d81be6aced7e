-- What things are called that a list knows by their ids only.

-- name: name_customers
select id, name, document as code
from customers
where tenant_id = $tenant_id
  and id = any ($ids::uuid[]);

-- name: name_locations
select id, name, null as code
from locations
where tenant_id = $tenant_id
  and id = any ($ids::uuid[]);

-- name: name_orders
select id, number as name, null as code
from orders
where tenant_id = $tenant_id
  and id = any ($ids::uuid[]);

-- name: name_price_lists
select id, name, null as code
from price_lists
where tenant_id = $tenant_id
  and id = any ($ids::uuid[]);

-- name: name_products
select id, name, sku as code
from products
where tenant_id = $tenant_id
  and id = any ($ids::uuid[]);

-- name: name_purchase_orders
select id, number as name, null as code
from purchase_orders
where tenant_id = $tenant_id
  and id = any ($ids::uuid[]);

-- name: name_quotes
select id, number as name, null as code
from quotes
where tenant_id = $tenant_id
  and id = any ($ids::uuid[]);

-- name: name_sites
select id, name, null as code
from sites
where tenant_id = $tenant_id
  and id = any ($ids::uuid[]);

-- name: name_suppliers
select id, name, null as code
from suppliers
where tenant_id = $tenant_id
  and id = any ($ids::uuid[]);

-- name: name_users
select id, name, null as code
from users
where tenant_id = $tenant_id
  and id = any ($ids::uuid[]);
