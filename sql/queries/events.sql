-- name: append_events
-- One statement numbers and writes the events; the head's row lock is held until the commit in the same message.
-- Without a head the numbers are null, which the table refuses.
with head as (
  update tenant_event_head
  set head = head + $count::integer,
      updated_at = clock_timestamp()
  where tenant_id = $tenant_id
  returning partition, head - $count::integer as base
)
insert into event_outbox (
  tenant_id, tenant_seq, event_id, partition, event_type, version, vertical, occurred_at, correlation_id,
  traceparent, payload
)
select
  $tenant_id, head.base + e.position, e.event_id, head.partition, e.event_type, e.version, $vertical::text, $now,
  $correlation_id::text, $traceparent::text, e.payload::json
from
  unnest($event_ids::uuid[], $event_types::text[], $versions::smallint[], $payloads::text[])
    with ordinality as e (event_id, event_type, version, payload, position)
left join head on true;

-- name: append_events_and_record_write
-- The same, with what the request leaves behind: its audit entries and, when it has an idempotency key, its answer.
with answered as (
  update idempotency_keys
  set status = $status::integer,
      body = $body::text,
      headers = $headers::text::jsonb
  where tenant_id = $tenant_id
    and key = $key::text
),
audited as (
  insert into audit_log (tenant_id, id, at, user_id, action, thing, thing_id, before, after, address, request_id)
  select
    $tenant_id, e.id, $now, $user_id, e.action, e.thing, e.thing_id, e.before, e.after, $address::text,
    $request_id::text
  from jsonb_to_recordset($entries::text::jsonb)
    as e (id uuid, action text, thing text, thing_id uuid, before jsonb, after jsonb)
),
head as (
  update tenant_event_head
  set head = head + $count::integer,
      updated_at = clock_timestamp()
  where tenant_id = $tenant_id
  returning partition, head - $count::integer as base
)
insert into event_outbox (
  tenant_id, tenant_seq, event_id, partition, event_type, version, vertical, occurred_at, correlation_id,
  traceparent, payload
)
select
  $tenant_id, head.base + e.position, e.event_id, head.partition, e.event_type, e.version, $vertical::text, $now,
  $correlation_id::text, $traceparent::text, e.payload::json
from
  unnest($event_ids::uuid[], $event_types::text[], $versions::smallint[], $payloads::text[])
    with ordinality as e (event_id, event_type, version, payload, position)
left join head on true;

-- name: create_event_head
insert into tenant_event_head (tenant_id, partition)
values ($tenant_id, $partition)
on conflict do nothing;

-- name: list_events
-- The filters look at what the caller bounds only: nothing leads to events by type or by what they name.
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
  and o.tenant_seq < $before_seq
  and o.tenant_seq >= $from_seq
  and ($event_type::text is null or o.event_type = $event_type)
  and ($thing_id::text is null or exists (
    select 1
    from json_each_text(o.payload) as field (name, value)
    where field.value = $thing_id
  ))
order by o.tenant_seq desc
limit $limit;

-- name: list_events_after
select
  o.tenant_seq,
  o.event_type,
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
  and o.tenant_seq > $after_seq
order by o.tenant_seq
limit $limit;

-- name: select_log_bounds
select
  h.head,
  coalesce((select min(o.tenant_seq) from event_outbox as o where o.tenant_id = h.tenant_id), h.head + 1) as first_seq
from tenant_event_head as h
where h.tenant_id = $tenant_id;
