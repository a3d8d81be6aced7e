-- name: get_tenant_by_slug
-- all tenants: finding out which tenant a request is for comes before any tenant is known
select id, slug, name, status, locale, time_zone, branding, settings
from tenants
where slug = $slug;

-- name: get_tenant_by_id
-- all tenants: the directory; the id comes from a verified token
select id, slug, name, status, locale, time_zone, branding, settings
from tenants
where id = $id;

-- name: create_tenant
insert into tenants (id, slug, name, document, locale, time_zone, branding, settings)
values ($tenant_id, $slug, $name, $document, $locale, $time_zone, $branding::jsonb, $settings::jsonb);

-- name: select_tenants
-- all tenants: the platform's administrators list the stores; nothing of a store's business is in the directory
select
  slug,
  json_build_object(
    'id', id,
    'slug', slug,
    'name', name,
    'document', document,
    'status', status,
    'locale', locale,
    'time_zone', time_zone,
    'created_at', created_at
  )::text as body
from tenants
where id <> '00000000-0000-0000-0000-000000000000'
  and ($status::text is null or status = $status)
  and ($search::text is null or search_text(name) like '%' || search_text($search) || '%' or slug like $search || '%')
  and ($after::text is null or slug > $after)
order by slug
limit $limit;

-- name: get_tenant_body
-- all tenants: the platform's administrators; also a store's own answer after a change
select
  json_build_object(
    'id', id,
    'slug', slug,
    'name', name,
    'document', document,
    'status', status,
    'locale', locale,
    'time_zone', time_zone,
    'created_at', created_at
  )::text as body,
  status,
  slug
from tenants
where id = $id
  and id <> '00000000-0000-0000-0000-000000000000';

-- name: set_tenant_status
-- all tenants: the platform's administrators suspend and resume stores
update tenants
set status = $status,
    version = version + 1,
    updated_at = $now
where id = $id
  and id <> '00000000-0000-0000-0000-000000000000'
  and status <> $status;

-- name: get_store_settings
select name, document, locale, time_zone, branding, settings, version
from tenants
where id = $tenant_id;

-- name: lock_store_settings
select name, document, locale, time_zone, branding, settings, version
from tenants
where id = $tenant_id
for update;

-- name: update_store_settings
update tenants
set name = $name,
    locale = $locale,
    time_zone = $time_zone,
    branding = $branding::jsonb,
    settings = $settings::jsonb,
    version = version + 1,
    updated_at = $now
where id = $tenant_id
returning version;

-- name: get_tenant_status
-- all tenants: the directory of stores, which the platform keeps
select status
from tenants
where id = $id;

-- name: confine_to_tenant
-- all tenants: says which one row security lets through until the transaction ends
select set_config('app.tenant_id', $tenant, true);
