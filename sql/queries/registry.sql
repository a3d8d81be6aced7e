-- name: register_consumer
-- all tenants: a consumer serves every tenant. Answers whether it had been retired.
with former as (
  select retired_at is not null as was_retired
  from consumers
  where name = $consumer
),
made as (
  insert into consumers as c (name)
  values ($consumer)
  on conflict (name) do update
  set seen_at = clock_timestamp(),
      registered_at = case when c.retired_at is null then c.registered_at else clock_timestamp() end,
      retired_at = null
)
select coalesce((select was_retired from former), false) as was_retired;

-- name: show_consumer_alive
-- all tenants: a consumer serves every tenant
update consumers
set seen_at = clock_timestamp()
where name = $consumer
  and retired_at is null;

-- name: select_consumers
-- all tenants: those in the registry and, by their cursors, those of an older release that did not register; without
-- those retired. The recursion reads one row of the cursors per consumer.
with recursive following (name) as (
  select min(consumer)
  from consumer_cursor
  union all
  select (select min(c.consumer) from consumer_cursor as c where c.consumer > following.name)
  from following
  where following.name is not null
),
names as (
  select name from following where name is not null
  union
  select name from consumers
)
select names.name, coalesce(c.seen_at > clock_timestamp() - $within::interval, false) as is_alive
from names
left join consumers as c on c.name = names.name
where c.retired_at is null
order by names.name;

-- name: retire_consumer
-- all tenants: a consumer serves every tenant. Not while it runs.
insert into consumers as c (name, seen_at, retired_at)
values ($consumer, '-infinity', clock_timestamp())
on conflict (name) do update
set retired_at = clock_timestamp()
where c.seen_at < clock_timestamp() - $silence::interval;

-- name: lock_log_beginning
-- all tenants: whoever registers and whoever deletes the beginning of the log take turns
select pg_advisory_xact_lock(hashtextextended('basecommerce:log-beginning', 0));

-- name: list_cursor_tenants
-- all tenants: a consumer serves every tenant
select tenant_id
from consumer_cursor
where consumer = $consumer
  and ($after::uuid is null or tenant_id > $after)
order by tenant_id
limit $limit;

-- name: skip_cut_events
-- all tenants: bound by the list of the batch. Moves cursors that point into what retention has cut to where the log
-- begins.
update consumer_cursor as c
set last_seq = kept.first_seq - 1,
    since_seq = kept.first_seq,
    attempts = 0,
    blocked_seq = null,
    next_attempt_at = null,
    last_error = null,
    updated_at = clock_timestamp()
from (
  select
    h.tenant_id,
    coalesce((select min(o.tenant_seq) from event_outbox as o where o.tenant_id = h.tenant_id), h.head + 1) as first_seq
  from tenant_event_head as h
  where h.tenant_id = any ($tenant_ids::uuid[])
) as kept
where c.consumer = $consumer
  and c.tenant_id = kept.tenant_id
  and c.last_seq < kept.first_seq - 1
returning c.tenant_id, c.since_seq;

-- name: select_log_positions
-- all tenants: how many events every consumer has taken altogether, and how many there have ever been, for rates
select c.consumer as name, sum(c.last_seq)::bigint as taken
from consumer_cursor as c
group by c.consumer
union all
select 'log', coalesce(sum(h.head), 0)::bigint
from tenant_event_head as h;
