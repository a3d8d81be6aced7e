-- name: create_quote_link
insert into quote_links (tenant_id, id, quote_id, token_hash, created_by, created_at, expires_at)
values ($tenant_id, $id, $quote_id, $token_hash, $user_id, $now, $expires_at);

-- name: see_quote_link
-- Counts the look. No row when the link is unknown, revoked or past its time.
update quote_links
set views = views + 1,
    first_seen_at = coalesce(first_seen_at, $now),
    last_seen_at = $now
where tenant_id = $tenant_id
  and token_hash = $token_hash
  and revoked_at is null
  and expires_at > $now
returning quote_id;

-- name: find_quote_link
select quote_id
from quote_links
where tenant_id = $tenant_id
  and token_hash = $token_hash
  and revoked_at is null
  and expires_at > $now;

-- name: list_quote_links
select
  id,
  json_build_object(
    'id', id,
    'created_by', created_by,
    'created_at', created_at,
    'expires_at', expires_at,
    'revoked_at', revoked_at,
    'first_seen_at', first_seen_at,
    'last_seen_at', last_seen_at,
    'views', views
  )::text as body
from quote_links
where tenant_id = $tenant_id
  and quote_id = $quote_id
  and ($after::uuid is null or id < $after)
order by id desc
limit $limit;

-- name: revoke_quote_links
update quote_links
set revoked_at = $now
where tenant_id = $tenant_id
  and quote_id = $quote_id
  and revoked_at is null;

-- name: find_quote_phone
select customers.phone
from quotes
join customers
  on customers.tenant_id = quotes.tenant_id
  and customers.id = quotes.customer_id
where quotes.tenant_id = $tenant_id
  and quotes.id = $id;
