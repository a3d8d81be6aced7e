-- name: list_tables
-- all tenants: reads the catalogue. The statements are made by PostgreSQL, which knows how its names are quoted.
select
  c.relname as name,
  exists (
    select 1
    from pg_attribute as a
    where a.attrelid = c.oid
      and a.attname = 'tenant_id'
      and not a.attisdropped
  ) as of_tenants,
  format('select count(*) from %I', c.relname) as count_rows,
  format(
    'select %s from %I where tenant_id = $1',
    (
      select string_agg(quote_ident(a.attname), ', ' order by a.attnum)
      from pg_attribute as a
      where a.attrelid = c.oid
        and a.attnum > 0
        and not a.attisdropped
        and a.attgenerated = ''
    ),
    c.relname
  ) as select_rows_of_tenant,
  array(
    select f.confrelid::regclass::text
    from pg_constraint as f
    where f.conrelid = c.oid
      and f.contype = 'f'
      and f.confrelid <> c.oid
      and not f.condeferrable
    order by 1
  ) as refers_to
from pg_class as c
where c.relkind in ('r', 'p')
  and not c.relispartition
  and c.relnamespace = 'public'::regnamespace
order by c.relname;

-- name: show_installation
-- all tenants: the installation itself
select
  i.event_partitions,
  i.epoch,
  (select max(number) from schema_migrations) as migration,
  current_setting('server_version_num')::integer / 10000 as server
from installation as i;

-- name: select_event_heads
-- all tenants: how far every store's log had come
select h.tenant_id::text as tenant_id, h.head
from tenant_event_head as h
order by h.tenant_id;

-- name: sees_all_rows
-- all tenants: whether row security hides anything from this connection, which would leave holes in a backup
select r.rolsuper or r.rolbypassrls as everything
from pg_roles as r
where r.rolname = current_user;

-- name: record_backup
-- all tenants: the installation itself
update installation
set backed_up_at = $at;

-- name: raise_epoch
-- all tenants: the log may go back to an earlier number, so whoever counted on from a later one has to be told
update installation
set epoch = epoch + 1;

-- name: end_all_sessions
-- all tenants: a session that was revoked after the backup must not live again
update sessions
set revoked_at = clock_timestamp()
where revoked_at is null;

-- name: revoke_all_refresh_tokens
-- all tenants: the same for what new sessions are made from
delete from refresh_tokens;

-- name: export_directory_entry
-- all tenants: the directory's row of one store
select * from tenants where id = $id;

-- name: find_directory_entry
-- all tenants: whether a store of this id or slug is here already
select t.slug
from tenants as t
where t.id = $id
  or t.slug = $slug;

-- name: move_store_to_slug
-- all tenants: a store that comes in under another name
update tenants
set slug = $slug
where id = $id;

-- name: repartition_head
-- Another installation may spread its stores over another number of streams.
update tenant_event_head
set partition = $partition
where tenant_id = $tenant_id;

-- name: repartition_log
update event_outbox
set partition = $partition
where tenant_id = $tenant_id;
