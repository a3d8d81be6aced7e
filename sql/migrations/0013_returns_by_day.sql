-- The dashboard takes what came back since Monday, and since the first of the month, off the revenue.
create index order_returns_newest on order_returns (tenant_id, created_at) include (amount);
