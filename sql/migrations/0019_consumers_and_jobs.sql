-- Who follows the log here, which job the scheduler is at, and the right to delete sessions that are over.

-- The registry of consumers: retention waits for those in it that are not retired. It belongs to the platform.
create table consumers (
  name text primary key check (length(name) between 1 and 60),
  registered_at timestamptz not null default clock_timestamp(),
  seen_at timestamptz not null default clock_timestamp(),
  retired_at timestamptz
);
grant select on consumers to basecommerce_api, basecommerce_relay, basecommerce_engine, basecommerce_scheduler;
grant insert, update on consumers to basecommerce_api, basecommerce_relay, basecommerce_engine;

-- The first event that a consumer could see of a store: more than 1 where retention had cut the log before it came.
alter table consumer_cursor add column since_seq bigint not null default 1 check (since_seq > 0);

create table scheduler_jobs (
  name text primary key check (length(name) between 1 and 60),
  holder text check (length(holder) <= 300),
  leased_until timestamptz,
  next_at timestamptz,
  started_at timestamptz,
  ended_at timestamptz,
  problem text check (length(problem) <= 500)
);
grant select, insert, update on scheduler_jobs to basecommerce_scheduler;
grant select on scheduler_jobs to basecommerce_api;

create index sessions_expiry on sessions (expires_at);
create policy retention on sessions for all to basecommerce_scheduler using (true);
grant select (tenant_id, id, expires_at), delete on sessions to basecommerce_scheduler;
