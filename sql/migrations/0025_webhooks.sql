-- Webhooks: where a store wants its events sent, how far each has come in its log, and every delivery.

create table webhooks (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  url text not null check (length(url) between 8 and 500),
  event_types text[] not null default '{}' check (cardinality(event_types) <= 100),
  active boolean not null default true,
  -- Secrets are derived from the installation's key, the id and this number; none is stored.
  secret_version integer not null default 1,
  last_seq bigint not null,
  -- Deliveries given up since the last one that arrived.
  failures integer not null default 0,
  version integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (tenant_id, id)
) with (fillfactor = 50);
call secure_tenant_table('webhooks', deletable => true);
create policy scheduler on webhooks for select to basecommerce_scheduler using (true);
grant select (tenant_id, active, last_seq) on webhooks to basecommerce_scheduler;
create policy batch on webhooks for all to basecommerce_engine
  using ((tenant_id = any ((select nullif(current_setting('app.tenant_ids', true), '')::uuid[])::uuid[])) is true)
  with check (tenant_id = any ((select nullif(current_setting('app.tenant_ids', true), '')::uuid[])::uuid[]));
grant select, update (last_seq, failures, active) on webhooks to basecommerce_engine;

create table webhook_deliveries (
  tenant_id uuid not null,
  id uuid not null,
  webhook_id uuid not null,
  tenant_seq bigint,
  event_type text not null check (length(event_type) between 1 and 100),
  body text not null check (octet_length(body) <= 70000),
  state text not null default 'pending' check (state in ('pending', 'delivered', 'dead')),
  attempts integer not null default 0,
  next_attempt_at timestamptz not null default clock_timestamp(),
  status integer,
  problem text check (length(problem) <= 200),
  created_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, webhook_id, tenant_seq),
  foreign key (tenant_id, webhook_id) references webhooks (tenant_id, id) on delete cascade
) with (fillfactor = 70);
create index webhook_deliveries_due on webhook_deliveries (next_attempt_at) where state = 'pending';
create index webhook_deliveries_of on webhook_deliveries (tenant_id, webhook_id, id);
create index webhook_deliveries_ended on webhook_deliveries (ended_at) where state <> 'pending';
call secure_engine_table('webhook_deliveries');
grant insert (tenant_id, id, webhook_id, event_type, body) on webhook_deliveries to basecommerce_api;
grant update (state, attempts, next_attempt_at, ended_at) on webhook_deliveries to basecommerce_api;
create policy scheduler on webhook_deliveries for all to basecommerce_scheduler using (true);
grant select (tenant_id, id, webhook_id, state, next_attempt_at, ended_at), delete
  on webhook_deliveries to basecommerce_scheduler;
