-- name: show_server_facts
-- all tenants: the server itself
select
  current_setting('server_version_num')::integer as version,
  current_setting('fsync') as fsync,
  current_setting('full_page_writes') as full_page_writes,
  current_setting('synchronous_commit') as synchronous_commit,
  current_setting('max_connections')::integer as max_connections,
  extract(epoch from clock_timestamp())::float8 as clock,
  pg_is_in_recovery() as in_recovery;

-- name: select_missing_extensions
-- all tenants: the database itself
select wanted.name
from unnest($names::text[]) as wanted (name)
left join pg_extension as e on e.extname = wanted.name
where e.oid is null
order by wanted.name;
