-- name: keep_quote_version
insert into quote_versions (tenant_id, quote_id, version, content, replaced_by, replaced_at)
select
  quotes.tenant_id, quotes.id, quotes.version,
  quote_json(quotes, customers.name, sites.name, '{}', $now),
  $user_id, $now
from quotes
join customers on customers.tenant_id = quotes.tenant_id and customers.id = quotes.customer_id
left join sites on sites.tenant_id = quotes.tenant_id and sites.id = quotes.site_id
where quotes.tenant_id = $tenant_id
  and quotes.id = $id

-- name: list_quote_versions
select json_build_object(
  'items',
  coalesce(
    (
      select json_agg(
        json_build_object(
          'version', former.version,
          'replaced_by', former.replaced_by,
          'replaced_at', former.replaced_at,
          'content', former.content
        )
        order by former.version
      )
      from quote_versions as former
      where former.tenant_id = $tenant_id
        and former.quote_id = $id
    ),
    '[]'
  ),
  'next_cursor', null
)::text
from quotes
where tenant_id = $tenant_id
  and id = $id

-- name: get_quote_content
-- What the quote said as of a version that was kept, or as of now; null names the present, whatever its number.
select kept.content::text
from quote_versions as kept
where kept.tenant_id = $tenant_id
  and kept.quote_id = $id
  and kept.version = $version::integer
union all
select quote_json(quotes, customers.name, sites.name, '{}', $now)::text
from quotes
join customers on customers.tenant_id = quotes.tenant_id and customers.id = quotes.customer_id
left join sites on sites.tenant_id = quotes.tenant_id and sites.id = quotes.site_id
where quotes.tenant_id = $tenant_id
  and quotes.id = $id
  and quotes.version = coalesce($version::integer, quotes.version)
