-- name: select_pipeline_status
-- all tenants: the platform's operators see how far every consumer has come
select
  consumers.name,
  coalesce(sum(h.head - coalesce(c.last_seq, 0)), 0)::bigint as lag_events,
  coalesce(extract(epoch from clock_timestamp() - min(h.updated_at) filter (where h.head > coalesce(c.last_seq, 0))), 0)::float8
    as lag_seconds,
  count(*) filter (where c.blocked_seq is not null) as blocked_tenants,
  (select count(*) from dead_letters as d where d.consumer = consumers.name and d.state in ('parked', 'replay_requested'))
    as dead_letters
from unnest($consumers::text[]) as consumers (name)
cross join tenant_event_head as h
left join consumer_cursor as c
  on c.consumer = consumers.name
  and c.tenant_id = h.tenant_id
group by consumers.name
order by consumers.name;

-- name: select_log_status
-- all tenants: the size of the whole log, from the planner's statistics (counting it would read it), and how long ago
-- the oldest head moved that a consumer has not reached
select
  greatest(c.reltuples, 0)::bigint as events,
  coalesce((
    select extract(epoch from clock_timestamp() - min(h.updated_at))
    from tenant_event_head as h
    where h.head > 0
  ), 0)::float8 as oldest_seconds
from pg_class as c
where c.oid = 'event_outbox'::regclass;

-- name: select_outbox_depth
-- all tenants: events not yet published, and since when, for the metrics
select
  coalesce(sum(h.head - coalesce(c.last_seq, 0)), 0)::bigint as events,
  coalesce(extract(epoch from clock_timestamp() - min(h.updated_at)), 0)::float8 as age_s
from tenant_event_head as h
left join consumer_cursor as c
  on c.consumer = 'relay'
  and c.tenant_id = h.tenant_id
where h.head > coalesce(c.last_seq, 0);

-- name: show_server_use
-- all tenants: the server itself
select
  pg_database_size(current_database()) as size_bytes,
  used.connections,
  current_setting('max_connections')::integer as max_connections,
  used.oldest_transaction_s,
  coalesce((select extract(epoch from backed_up_at) from installation), 0)::float8 as backed_up_at_s
from server_use() as used;

-- name: delete_old_events
-- all tenants: retention. Only rows that every consumer has left behind go.
with done as materialized (
  select h.tenant_id, min(coalesce(c.last_seq, 0)) as last_seq
  from tenant_event_head as h
  cross join unnest($consumers::text[]) as consumers (name)
  left join consumer_cursor as c
    on c.consumer = consumers.name
    and c.tenant_id = h.tenant_id
  group by h.tenant_id
),
old as (
  select o.tenant_id, o.tenant_seq
  from event_outbox as o
  join done on done.tenant_id = o.tenant_id
  where o.recorded_at < $before
    and o.tenant_seq <= done.last_seq
  limit $limit
)
delete from event_outbox as o
using old
where o.tenant_id = old.tenant_id
  and o.tenant_seq = old.tenant_seq;

-- name: delete_old_idempotency_keys
-- all tenants: retention
delete from idempotency_keys
where created_at < $before;

-- name: try_job_lock
-- all tenants: one process at a time does a periodic job; the lock ends with the transaction
select pg_try_advisory_xact_lock(hashtextextended('basecommerce:' || $job::text, 0));
