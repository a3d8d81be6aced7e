-- name: find_stores_with_due_quotes
-- all tenants: the scheduler looks after every store
select tenant_id
from quotes
where status in ('sent', 'approved')
  and valid_until < $now
group by tenant_id
limit $limit;
