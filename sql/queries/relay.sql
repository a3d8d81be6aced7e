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
  e.correlation_id, e.traceparent
from taken
cross join lateral (
  select
    o.tenant_id, o.tenant_seq, o.event_id, o.partition, o.event_type, o.version, o.vertical, o.occurred_at,
    o.correlation_id, o.traceparent
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
