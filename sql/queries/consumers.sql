-- name: select_engine_lag
-- all tenants: an engine serves every tenant. Those on their way through the stream get a moment first: as long as the
-- head rests or the cursor moves. A busy tenant's head never rests, so a cursor that stands still is enough.
select h.tenant_id, h.partition, h.head, coalesce(c.last_seq, 0) as last_seq, coalesce(c.attempts, 0) as attempts
from tenant_event_head as h
left join consumer_cursor as c
  on c.consumer = $consumer
  and c.tenant_id = h.tenant_id
where h.head > coalesce(c.last_seq, 0)
  and (
    h.updated_at < clock_timestamp() - $grace::interval
    or coalesce(c.updated_at, '-infinity') < clock_timestamp() - 2 * $grace::interval
  )
  and coalesce(c.next_attempt_at, '-infinity') <= clock_timestamp()
limit $limit;

-- name: create_engine_cursors
-- all tenants: bound by the list of the batch. Answers which of them there are: a stream's entry may be forged, or older
-- than the database. Where retention has cut a log before this consumer came, it begins with what is kept.
with known as (
  select
    t.id,
    case
      when h.head is null then 1
      else coalesce(
        (select min(o.tenant_seq) from event_outbox as o where o.tenant_id = t.id),
        h.head + 1
      )
    end as first_seq
  from tenants as t
  left join tenant_event_head as h on h.tenant_id = t.id
  where t.id = any ($tenant_ids::uuid[])
),
made as (
  insert into consumer_cursor (consumer, tenant_id, last_seq, since_seq)
  select $consumer::text, id, first_seq - 1, first_seq
  from known
  order by id
  on conflict do nothing
  returning tenant_id, since_seq
)
select known.id, made.since_seq
from known
left join made on made.tenant_id = known.id;

-- name: lock_engine_cursors
-- all tenants: bound by the list of the batch. The fixed order keeps two batches from deadlocking.
select tenant_id, last_seq, attempts, clock_timestamp() - updated_at as rested
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
  o.tenant_id, o.tenant_seq, o.event_id, o.event_type, o.version, o.occurred_at, o.recorded_at, o.traceparent, o.payload
from unnest($tenant_ids::uuid[], $last_seqs::bigint[]) as c (tenant_id, last_seq)
cross join lateral (
  select
    e.tenant_id, e.tenant_seq, e.event_id, e.event_type, e.version, e.occurred_at, e.recorded_at, e.traceparent,
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

-- name: count_first_engine_attempts
-- all tenants: bound by the list of the batch. Counted before the work, so that an event that kills the process counts;
-- what this process counted for an attempt that then failed for a passing cause does not. Those that wait after a
-- failure are not attempted.
update consumer_cursor as c
set attempts = 1,
    updated_at = clock_timestamp()
from unnest($tenant_ids::uuid[], $owed::integer[]) as asked (tenant_id, owed)
where c.consumer = $consumer
  and c.tenant_id = asked.tenant_id
  and c.attempts <= asked.owed
  and coalesce(c.next_attempt_at, '-infinity') <= clock_timestamp()
returning c.tenant_id;

-- name: count_engine_attempt
update consumer_cursor
set attempts = greatest(0, attempts + $by::integer),
    updated_at = clock_timestamp()
where consumer = $consumer
  and tenant_id = $tenant_id
  and coalesce(next_attempt_at, '-infinity') <= clock_timestamp();

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
    since_seq = 1,
    attempts = 0,
    blocked_seq = null,
    next_attempt_at = null,
    last_error = null,
    updated_at = clock_timestamp()
where consumer = $consumer
  and tenant_id = $tenant_id;

-- name: select_first_seq
-- all tenants: bound by the transaction's batch
select min(tenant_seq) as first_seq
from event_outbox
where tenant_id = $tenant_id;

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
