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
  and d.id < coalesce($after::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
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
