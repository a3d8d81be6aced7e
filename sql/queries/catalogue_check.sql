-- name: find_unprotected_tables
-- all tenants: reads the catalogue
select c.oid::regclass::text as name
from pg_class as c
join pg_attribute as a
  on a.attrelid = c.oid
  and a.attname = 'tenant_id'
  and not a.attisdropped
where c.relkind in ('r', 'p')
  and c.relnamespace = 'public'::regnamespace
  and not (c.relrowsecurity and c.relforcerowsecurity and a.attnotnull);

-- name: find_open_tables
-- all tenants: reads the catalogue. A table the API role may not touch needs no policy for it.
select c.oid::regclass::text as name
from pg_class as c
join pg_attribute as a
  on a.attrelid = c.oid
  and a.attname = 'tenant_id'
  and not a.attisdropped
where c.relkind in ('r', 'p')
  and c.relnamespace = 'public'::regnamespace
  and has_any_column_privilege('basecommerce_api', c.oid, 'select')
  and not exists (
    select 1
    from pg_policy as p
    where p.polrelid = c.oid
      and not p.polpermissive
      and 'basecommerce_api'::regrole = any (p.polroles)
  );

-- name: find_definer_views
-- all tenants: reads the catalogue
select c.oid::regclass::text as name
from pg_class as c
where c.relkind in ('v', 'm')
  and c.relnamespace = 'public'::regnamespace
  and not coalesce('security_invoker=true' = any (c.reloptions), false)
  and not exists (
    select 1
    from pg_depend as d
    where d.objid = c.oid
      and d.deptype = 'e'
  );

-- name: find_loose_foreign_keys
-- all tenants: reads the catalogue. A key into the directory (tenants) is the tenant itself.
select k.conrelid::regclass || '.' || k.conname as name
from pg_constraint as k
where k.contype = 'f'
  and k.connamespace = 'public'::regnamespace
  and exists (
    select 1
    from pg_attribute as a
    where a.attrelid = k.confrelid
      and a.attname = 'tenant_id'
      and not a.attisdropped
  )
  and not exists (
    select 1
    from unnest(k.conkey, k.confkey) as pair (own, other)
    join pg_attribute as a
      on a.attrelid = k.conrelid
      and a.attnum = pair.own
      and a.attname = 'tenant_id'
    join pg_attribute as b
      on b.attrelid = k.confrelid
      and b.attnum = pair.other
      and b.attname = 'tenant_id'
  );

-- name: find_loose_unique_indexes
-- all tenants: reads the catalogue
select i.indexrelid::regclass::text as name
from pg_index as i
join pg_class as c on c.oid = i.indrelid
where i.indisunique
  and c.relnamespace = 'public'::regnamespace
  and exists (
    select 1
    from pg_attribute as a
    where a.attrelid = c.oid
      and a.attname = 'tenant_id'
      and not a.attisdropped
  )
  and not exists (
    select 1
    from unnest(i.indkey::smallint[]) as key (number)
    join pg_attribute as a
      on a.attrelid = c.oid
      and a.attnum = key.number
      and a.attname = 'tenant_id'
  );

-- name: find_excess_rights
-- all tenants: reads the catalogue
select r.rolname as name
from pg_roles as r
where r.rolname = current_user
  and (
    r.rolsuper
    or r.rolbypassrls
    or r.rolcreaterole
    or exists (select 1 from pg_class as c where c.relnamespace = 'public'::regnamespace and c.relowner = r.oid)
  );

-- name: find_lost_durability
-- all tenants: reads a server setting
select current_setting('synchronous_commit') as name
where current_setting('synchronous_commit') in ('off', 'local');
