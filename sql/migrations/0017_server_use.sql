-- How the server is used, for the metrics. A role sees of another login's sessions only that they are there, so this asks
-- with the rights of the schema's owner, whose login all our processes share; it tells numbers and nothing else.

create function server_use(
  out connections bigint, out oldest_transaction_s double precision
)
language sql stable security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select
    count(*) filter (where backend_type = 'client backend'),
    coalesce(
      extract(epoch from clock_timestamp() - min(xact_start) filter (where datname = current_database() and pid <> pg_backend_pid())),
      0
    )
  from pg_stat_activity;
end;
revoke execute on function server_use() from public;
grant execute on function server_use() to basecommerce_scheduler;
