-- name: append_events
-- One statement numbers and writes the events; the head's row lock is held until the commit that follows at once.
with head as (
  update tenant_event_head
  set head = head + $count::integer,
      updated_at = clock_timestamp()
  where tenant_id = $tenant_id
  returning tenant_id, partition, head - $count::integer as base
)
insert into event_outbox (
  tenant_id, tenant_seq, event_id, partition, event_type, version, vertical, occurred_at, correlation_id,
  traceparent, payload
)
select
  head.tenant_id, head.base + e.position, e.event_id, head.partition, e.event_type, e.version, $vertical::text, $now,
  $correlation_id::text, $traceparent::text, e.payload::json
from head,
  unnest($event_ids::uuid[], $event_types::text[], $versions::smallint[], $payloads::text[])
    with ordinality as e (event_id, event_type, version, payload, position);

-- name: append_events_and_record_write
-- The same, with what the request leaves behind: its audit entries and, when it has an idempotency key, its answer.
with answered as (
  update idempotency_keys
  set status = $status::integer,
      body = $body::text,
      headers = $headers::jsonb
  where tenant_id = $tenant_id
    and key = $key::text
),
audited as (
  insert into audit_log (tenant_id, id, at, user_id, action, thing, thing_id, before, after, address, request_id)
  select
    $tenant_id, e.id, $now, $user_id, e.action, e.thing, e.thing_id, e.before, e.after, $address::text,
    $request_id::text
  from jsonb_to_recordset($entries::jsonb)
    as e (id uuid, action text, thing text, thing_id uuid, before jsonb, after jsonb)
),
head as (
  update tenant_event_head
  set head = head + $count::integer,
      updated_at = clock_timestamp()
  where tenant_id = $tenant_id
  returning tenant_id, partition, head - $count::integer as base
)
insert into event_outbox (
  tenant_id, tenant_seq, event_id, partition, event_type, version, vertical, occurred_at, correlation_id,
  traceparent, payload
)
select
  head.tenant_id, head.base + e.position, e.event_id, head.partition, e.event_type, e.version, $vertical::text, $now,
  $correlation_id::text, $traceparent::text, e.payload::json
from head,
  unnest($event_ids::uuid[], $event_types::text[], $versions::smallint[], $payloads::text[])
    with ordinality as e (event_id, event_type, version, payload, position);

-- name: create_event_head
insert into tenant_event_head (tenant_id, partition)
values ($tenant_id, $partition)
on conflict do nothing;

-- name: select_events_of_tenant
select tenant_id, tenant_seq, event_id, event_type, version, occurred_at, payload::text as payload
from event_outbox
where tenant_id = $tenant_id
  and tenant_seq > $after_seq
order by tenant_seq
limit $limit;

-- name: select_relay_lag
-- all tenants: the relay serves every tenant
select h.tenant_id
from tenant_event_head as h
left join consumer_cursor as c
  on c.consumer = 'relay'
  and c.tenant_id = h.tenant_id
where h.head > coalesce(c.last_seq, 0)
  and h.partition <> all ($but_partitions::smallint[])
limit $limit;

-- name: create_relay_cursors
-- all tenants: the relay serves every tenant. Answers which of them there are: anybody can make a wake-up up.
with known as (
  select id
  from tenants
  where id = any ($tenant_ids::uuid[])
),
made as (
  insert into consumer_cursor (consumer, tenant_id)
  select 'relay', id
  from known
  order by id
  on conflict do nothing
)
select id
from known;

-- name: take_relay_batch
-- all tenants: the relay serves every tenant. A tenant that another relay holds is left to that one.
with taken as materialized (
  select tenant_id, last_seq
  from consumer_cursor
  where consumer = 'relay'
    and tenant_id = any ($tenant_ids::uuid[])
  order by tenant_id
  for update skip locked
)
select
  e.tenant_id, e.tenant_seq, e.event_id, e.partition, e.event_type, e.version, e.vertical, e.occurred_at,
  e.correlation_id
from taken
cross join lateral (
  select
    o.tenant_id, o.tenant_seq, o.event_id, o.partition, o.event_type, o.version, o.vertical, o.occurred_at,
    o.correlation_id
  from event_outbox as o
  where o.tenant_id = taken.tenant_id
    and o.tenant_seq > taken.last_seq
  order by o.tenant_seq
  limit $per_tenant
) as e;

-- name: move_relay_cursors
-- all tenants: the relay serves every tenant
update consumer_cursor as c
set last_seq = moved.last_seq,
    updated_at = clock_timestamp()
from unnest($tenant_ids::uuid[], $last_seqs::bigint[]) as moved (tenant_id, last_seq)
where c.consumer = 'relay'
  and c.tenant_id = moved.tenant_id;

-- name: select_engine_lag
-- all tenants: an engine serves every tenant. Those on their way through the stream get a moment first.
select h.tenant_id, h.partition, h.head, coalesce(c.last_seq, 0) as last_seq, coalesce(c.attempts, 0) as attempts
from tenant_event_head as h
left join consumer_cursor as c
  on c.consumer = $consumer
  and c.tenant_id = h.tenant_id
where h.head > coalesce(c.last_seq, 0)
  and h.updated_at < clock_timestamp() - $grace::interval
  and coalesce(c.next_attempt_at, '-infinity') <= clock_timestamp()
limit $limit;

-- name: create_engine_cursors
-- all tenants: bound by the list of the batch. Answers which of them there are: a stream's entry may be forged, or older
-- than the database.
with known as (
  select id
  from tenants
  where id = any ($tenant_ids::uuid[])
),
made as (
  insert into consumer_cursor (consumer, tenant_id)
  select $consumer::text, id
  from known
  order by id
  on conflict do nothing
)
select id
from known;

-- name: lock_engine_cursors
-- all tenants: bound by the list of the batch. The fixed order keeps two batches from deadlocking.
select tenant_id, last_seq, attempts
from consumer_cursor
where consumer = $consumer
  and tenant_id = any ($tenant_ids::uuid[])
  and coalesce(next_attempt_at, '-infinity') <= clock_timestamp()
order by tenant_id
for update;

-- name: hold_engine_cursor
-- Whether it waits after a failure or not: the wait may end while the caller works.
select last_seq
from consumer_cursor
where consumer = $consumer
  and tenant_id = $tenant_id
for update;

-- name: read_engine_batch
-- all tenants: bound by the list of the batch
select
  o.tenant_id, o.tenant_seq, o.event_id, o.event_type, o.version, o.occurred_at, o.recorded_at, o.payload
from unnest($tenant_ids::uuid[], $last_seqs::bigint[]) as c (tenant_id, last_seq)
cross join lateral (
  select
    e.tenant_id, e.tenant_seq, e.event_id, e.event_type, e.version, e.occurred_at, e.recorded_at,
    case when e.event_type = any ($subscribed::text[]) then e.payload::text end as payload
  from event_outbox as e
  where e.tenant_id = c.tenant_id
    and e.tenant_seq > c.last_seq
  order by e.tenant_seq
  limit $per_tenant
) as o;

-- name: move_engine_cursors
-- all tenants: bound by the list of the batch
update consumer_cursor as c
set last_seq = moved.last_seq,
    attempts = 0,
    blocked_seq = null,
    next_attempt_at = null,
    last_error = null,
    updated_at = clock_timestamp()
from unnest($tenant_ids::uuid[], $last_seqs::bigint[]) as moved (tenant_id, last_seq)
where c.consumer = $consumer
  and c.tenant_id = moved.tenant_id;

-- name: count_engine_attempts
-- all tenants: bound by the list of the batch. Counted before the work, so that an event that kills the process counts;
-- what this process counted for an attempt that then failed for a passing cause is taken back. Those that wait after a
-- failure are not attempted.
update consumer_cursor as c
set attempts = greatest(0, c.attempts + counted.by),
    updated_at = clock_timestamp()
from unnest($tenant_ids::uuid[], $by::integer[]) as counted (tenant_id, by)
where c.consumer = $consumer
  and c.tenant_id = counted.tenant_id
  and coalesce(c.next_attempt_at, '-infinity') <= clock_timestamp();

-- name: postpone_engine_cursor
update consumer_cursor
set attempts = $attempts::integer,
    blocked_seq = $blocked_seq::bigint,
    next_attempt_at = clock_timestamp() + $pause::interval,
    last_error = $error::text,
    updated_at = clock_timestamp()
where consumer = $consumer
  and tenant_id = $tenant_id;

-- name: rewind_engine_cursor
update consumer_cursor
set last_seq = 0,
    attempts = 0,
    blocked_seq = null,
    next_attempt_at = null,
    last_error = null,
    updated_at = clock_timestamp()
where consumer = $consumer
  and tenant_id = $tenant_id;

-- name: park_event
insert into dead_letters (
  tenant_id, id, consumer, tenant_seq, event_id, event_type, version, occurred_at, payload, error, traceback, attempts
)
select
  o.tenant_id, $id, $consumer::text, o.tenant_seq, o.event_id, o.event_type, o.version, o.occurred_at, o.payload,
  $error::text, $traceback::text, $attempts::integer
from event_outbox as o
where o.tenant_id = $tenant_id
  and o.tenant_seq = $tenant_seq
on conflict (tenant_id, consumer, tenant_seq) do update
set error = excluded.error,
    traceback = excluded.traceback,
    attempts = dead_letters.attempts + excluded.attempts,
    state = 'parked',
    resolved_at = null,
    resolved_by = null;

-- name: select_replay_requests
-- all tenants: an engine serves every tenant
select tenant_id, id
from dead_letters
where consumer = $consumer
  and state = 'replay_requested'
order by tenant_id, tenant_seq
limit $limit;

-- name: lock_replay_request
select
  tenant_id, tenant_seq, event_id, event_type, version, occurred_at, payload::text as payload
from dead_letters
where tenant_id = $tenant_id
  and id = $id
  and state = 'replay_requested'
for update;

-- name: close_dead_letter
update dead_letters
set state = 'replayed',
    resolved_at = clock_timestamp()
where tenant_id = $tenant_id
  and id = $id;

-- name: repark_dead_letter
update dead_letters
set state = 'parked',
    error = $error::text,
    traceback = $traceback::text,
    attempts = attempts + 1
where tenant_id = $tenant_id
  and id = $id
  and state = 'replay_requested';

-- name: close_dead_letters
-- Their events are about to be applied with the rest of the log; one that fails again is parked again.
update dead_letters
set state = 'replayed',
    resolved_at = clock_timestamp()
where tenant_id = $tenant_id
  and consumer = $consumer
  and state in ('parked', 'replay_requested');

-- name: select_dead_letters
-- all tenants: the platform's operators see every tenant's dead letters
select d.tenant_id, d.id, t.slug, d.consumer, d.tenant_seq, d.event_type, d.error, d.attempts, d.state, d.parked_at
from dead_letters as d
join tenants as t on t.id = d.tenant_id
where ($state::text is null or d.state = $state)
  and ($consumer::text is null or d.consumer = $consumer)
  and ($after::uuid is null or d.id < $after)
order by d.id desc
limit $limit;

-- name: select_dead_letter
-- all tenants: the platform's operators see every tenant's dead letters
select
  d.tenant_id, d.id, t.slug, d.consumer, d.tenant_seq, d.event_id, d.event_type, d.version, d.occurred_at,
  d.error, d.traceback, d.attempts, d.state, d.parked_at, d.resolved_at, d.resolved_by
from dead_letters as d
join tenants as t on t.id = d.tenant_id
where d.id = $id;

-- name: resolve_dead_letter
-- all tenants: the platform's operators act on every tenant's dead letters
update dead_letters
set state = $state::text,
    resolved_at = case when $state = 'discarded' then clock_timestamp() end,
    resolved_by = $resolved_by::text
where id = $id
  and state = 'parked';

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

-- name: list_events
select
  o.tenant_seq,
  json_build_object(
    'seq', o.tenant_seq,
    'event_id', o.event_id,
    'type', o.event_type,
    'version', o.version,
    'occurred_at', o.occurred_at,
    'correlation_id', o.correlation_id,
    'payload', o.payload
  )::text as body
from event_outbox as o
where o.tenant_id = $tenant_id
  and ($before_seq::bigint is null or o.tenant_seq < $before_seq)
  and ($event_type::text is null or o.event_type = $event_type)
  and ($thing_id::text is null or exists (
    select 1
    from json_each_text(o.payload) as field (name, value)
    where field.value = $thing_id
  ))
order by o.tenant_seq desc
limit $limit;

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

-- name: select_positions
-- all tenants: periodic work visits every tenant whose cursor has moved, or whose day has changed
select
  c.tenant_id,
  c.last_seq,
  t.time_zone,
  h.updated_at < clock_timestamp() - $quiet::interval and c.last_seq = h.head as is_quiet
from consumer_cursor as c
join tenants as t on t.id = c.tenant_id
join tenant_event_head as h on h.tenant_id = c.tenant_id
where c.consumer = $consumer
  and t.status = 'active';

-- name: select_first_seq
-- all tenants: bound by the transaction's batch
select min(tenant_seq) as first_seq
from event_outbox
where tenant_id = $tenant_id;

-- name: try_job_lock
-- all tenants: one process at a time does a periodic job; the lock ends with the transaction
select pg_try_advisory_xact_lock(hashtextextended('basecommerce:' || $job::text, 0));

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
