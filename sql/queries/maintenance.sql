-- name: select_pipeline_status
-- all tenants: the platform's operators see how far every consumer has come, those of this release that were never
-- started here included
select
  consumers.name,
  case
    when r.retired_at is not null then 'retired'
    when r.seen_at >= clock_timestamp() - $silence::interval then 'running'
    when r.name is not null or count(c.tenant_id) > 0 then 'silent'
    else 'not_deployed'
  end as state,
  nullif(r.seen_at, '-infinity') as seen_at,
  coalesce(sum(h.head - coalesce(c.last_seq, 0)), 0)::bigint as lag_events,
  coalesce(extract(epoch from clock_timestamp() - min(h.updated_at) filter (where h.head > coalesce(c.last_seq, 0))), 0)::float8
    as lag_seconds,
  count(*) filter (where c.blocked_seq is not null) as blocked_tenants,
  count(*) filter (where c.since_seq > 1) as partial_tenants,
  (select count(*) from dead_letters as d where d.consumer = consumers.name and d.state in ('parked', 'replay_requested'))
    as dead_letters
from unnest($consumers::text[]) as consumers (name)
left join consumers as r on r.name = consumers.name
left join tenant_event_head as h on true
left join consumer_cursor as c
  on c.consumer = consumers.name
  and c.tenant_id = h.tenant_id
group by consumers.name, r.name, r.seen_at, r.retired_at
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
where (tenant_id, key) in (
  select tenant_id, key
  from idempotency_keys
  where created_at < $before
  limit $limit
);

-- name: delete_ended_sessions
-- all tenants: retention. Their refresh tokens go with them.
delete from sessions
where (tenant_id, id) in (
  select tenant_id, id
  from sessions
  where expires_at < $before
  limit $limit
);
