-- name: list_webhooks
select
  w.id,
  json_build_object(
    'id', w.id, 'url', w.url, 'event_types', w.event_types, 'active', w.active, 'failures', w.failures,
    'waiting', (
      select count(*)
      from webhook_deliveries as d
      where d.tenant_id = w.tenant_id and d.webhook_id = w.id and d.state = 'pending'
    ),
    'version', w.version, 'created_at', w.created_at, 'updated_at', w.updated_at
  )::text as body,
  w.version
from webhooks as w
where w.tenant_id = $tenant_id
  and ($id::uuid is null or w.id = $id)
  and ($after::uuid is null or w.id > $after)
order by w.id
limit $limit;

-- name: insert_webhook
-- It begins after the last event there is: what was before it was nobody's business. No row when the store has too many.
insert into webhooks (tenant_id, id, url, event_types, active, last_seq, created_at, updated_at)
select $tenant_id, $id, $url, $event_types::text[], $active, h.head, $now, $now
from tenant_event_head as h
where h.tenant_id = $tenant_id
  and (select count(*) from webhooks where tenant_id = $tenant_id) < $most;

-- name: lock_webhook
select id, url, event_types, active, secret_version, version
from webhooks
where tenant_id = $tenant_id
  and id = $id
for update;

-- name: update_webhook
-- Switched on again, it goes on with what happens from now on.
update webhooks as w
set url = $url,
    event_types = $event_types::text[],
    last_seq = case when $active and not w.active then h.head else w.last_seq end,
    failures = case when $active and not w.active then 0 else w.failures end,
    active = $active,
    secret_version = $secret_version::integer,
    version = w.version + 1,
    updated_at = $now
from tenant_event_head as h
where w.tenant_id = $tenant_id
  and w.id = $id
  and h.tenant_id = w.tenant_id;

-- name: delete_webhook
delete from webhooks
where tenant_id = $tenant_id
  and id = $id;

-- name: list_deliveries_of_webhook
select
  d.id,
  json_build_object(
    'id', d.id, 'event_type', d.event_type, 'seq', d.tenant_seq, 'state', d.state, 'attempts', d.attempts,
    'status', d.status, 'problem', d.problem, 'created_at', d.created_at, 'ended_at', d.ended_at,
    'next_attempt_at', case when d.state = 'pending' then d.next_attempt_at end
  )::text as body
from webhook_deliveries as d
where d.tenant_id = $tenant_id
  and d.webhook_id = $webhook_id
  and ($id::uuid is null or d.id = $id)
  and ($state::text is null or d.state = $state)
  and ($after::uuid is null or d.id < $after)
order by d.id desc
limit $limit;

-- name: replay_delivery
update webhook_deliveries
set state = 'pending',
    attempts = 0,
    next_attempt_at = clock_timestamp(),
    ended_at = null
where tenant_id = $tenant_id
  and webhook_id = $webhook_id
  and id = $id
  and state <> 'pending';

-- name: insert_test_delivery
insert into webhook_deliveries (tenant_id, id, webhook_id, event_type, body)
select $tenant_id, $id, w.id, 'webhook_test', $body::text
from webhooks as w
where w.tenant_id = $tenant_id
  and w.id = $webhook_id;

-- name: find_webhook_tenants
-- all tenants: the scheduler looks after every store
select w.tenant_id
from webhooks as w
join tenant_event_head as h on h.tenant_id = w.tenant_id
where w.active
  and w.last_seq < h.head
group by w.tenant_id
limit $limit;

-- name: lock_webhooks
select id, event_types, last_seq
from webhooks
where tenant_id = $tenant_id
  and active
order by id
for update;

-- name: read_webhook_events
select
  tenant_seq,
  event_type,
  json_build_object(
    'type', event_type, 'seq', tenant_seq, 'event_id', event_id, 'version', version, 'timestamp', occurred_at,
    'data', payload
  )::text as body
from event_outbox
where tenant_id = $tenant_id
  and tenant_seq > $after
order by tenant_seq
limit $limit;

-- name: insert_webhook_deliveries
insert into webhook_deliveries (tenant_id, id, webhook_id, tenant_seq, event_type, body)
select $tenant_id, given.id, given.webhook_id, given.seq, given.event_type, given.body
from unnest($ids::uuid[], $webhook_ids::uuid[], $seqs::bigint[], $event_types::text[], $bodies::text[])
  as given (id, webhook_id, seq, event_type, body)
on conflict do nothing;

-- name: move_webhooks
update webhooks
set last_seq = $last_seq
where tenant_id = $tenant_id
  and active
  and last_seq < $last_seq;

-- name: find_due_deliveries
-- all tenants: the scheduler looks after every store; of each webhook only the next few
select d.tenant_id, d.id
from (
  select
    tenant_id, id, next_attempt_at,
    row_number() over (partition by tenant_id, webhook_id order by next_attempt_at, id) as place
  from webhook_deliveries
  where state = 'pending'
    and next_attempt_at <= clock_timestamp()
) as d
where d.place <= $per_webhook
order by d.next_attempt_at
limit $limit;

-- name: lease_deliveries
-- all tenants: of the engine's batch. Counted before the work; whoever finds one leased already leaves it alone.
update webhook_deliveries as d
set attempts = d.attempts + 1,
    next_attempt_at = clock_timestamp() + $lease::interval
from unnest($tenant_ids::uuid[], $ids::uuid[]) as due (tenant_id, id), webhooks as w
where d.tenant_id = due.tenant_id
  and d.id = due.id
  and d.state = 'pending'
  and d.next_attempt_at <= clock_timestamp()
  and w.tenant_id = d.tenant_id
  and w.id = d.webhook_id
returning d.tenant_id, d.id, d.webhook_id, d.body, d.attempts, w.url, w.secret_version, w.active;

-- name: record_delivery
update webhook_deliveries
set state = $state::text,
    status = $status::integer,
    problem = $problem::text,
    next_attempt_at = clock_timestamp() + $pause::interval,
    ended_at = case when $state = 'pending' then null else clock_timestamp() end
where tenant_id = $tenant_id
  and id = $id
  and attempts = $attempts
  and state = 'pending';

-- name: judge_webhook
update webhooks
set failures = case when $delivered::boolean then 0 else failures + 1 end,
    active = active and ($delivered or failures + 1 < $most)
where tenant_id = $tenant_id
  and id = $id;

-- name: delete_old_deliveries
-- all tenants: retention
delete from webhook_deliveries
where (tenant_id, id) in (
  select tenant_id, id
  from webhook_deliveries
  where (state = 'delivered' and ended_at < $delivered_before)
    or (state = 'dead' and ended_at < $dead_before)
  limit $limit
);
