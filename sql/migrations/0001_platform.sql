-- The platform under every vertical: roles, row security, tenants, users and sessions, the event log and its cursors.

create extension if not exists pg_trgm;
create extension if not exists unaccent;
create extension if not exists btree_gin;

-- Roles belong to the whole server, so another database may have made them already, or be making them right now.
do $$
declare
  role_name text;
begin
  foreach role_name in array array[
    'basecommerce_api', 'basecommerce_relay', 'basecommerce_engine', 'basecommerce_scheduler'
  ] loop
    begin
      execute format('create role %I nologin nosuperuser nobypassrls nocreatedb nocreaterole', role_name);
    exception when duplicate_object or unique_violation then
      null;
    end;
    if not (select rolsuper from pg_roles where rolname = current_user) then
      execute format('grant %I to %I', role_name, current_user);
    end if;
  end loop;
end
$$;

revoke create on schema public from public;
grant usage on schema public to basecommerce_api, basecommerce_relay, basecommerce_engine, basecommerce_scheduler;
grant select on schema_migrations
  to basecommerce_api, basecommerce_relay, basecommerce_engine, basecommerce_scheduler;

-- unaccent() is only stable (its dictionary could be altered); ours is fixed, and an index needs an immutable function.
create function search_text(value text) returns text
language sql immutable strict parallel safe
return lower(public.unaccent('public.unaccent'::regdictionary, value));

-- The restrictive policy is what keeps tenants apart: no permissive policy added later can open the table again.
-- Without a tenant set the comparison is null, so there are no rows.
create procedure secure_tenant_table(table_name regclass, deletable boolean default false)
language plpgsql as $$
begin
  execute format('alter table %s enable row level security', table_name);
  execute format('alter table %s force row level security', table_name);
  execute format('create policy runtime on %s for all to basecommerce_api using (true) with check (true)', table_name);
  execute format(
    'create policy tenant on %s as restrictive for all to basecommerce_api '
    'using (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')::uuid)) '
    'with check (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')::uuid))',
    table_name);
  execute format('grant select, insert, update on %s to basecommerce_api', table_name);
  if deletable then
    execute format('grant delete on %s to basecommerce_api', table_name);
  end if;
end
$$;

-- Engine tables: an engine writes the rows of the tenants of its batch, the API reads those of its one tenant.
-- `is true` keeps the list of tenants a filter: as an index condition it would be sorted again at every look-up.
create procedure secure_engine_table(table_name regclass)
language plpgsql as $$
begin
  execute format('alter table %s enable row level security', table_name);
  execute format('alter table %s force row level security', table_name);
  execute format(
    'create policy runtime on %s for all to basecommerce_api, basecommerce_engine using (true) with check (true)',
    table_name);
  execute format(
    'create policy tenant on %s as restrictive for all to basecommerce_api '
    'using (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')::uuid)) '
    'with check (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')::uuid))',
    table_name);
  execute format(
    'create policy batch on %s as restrictive for all to basecommerce_engine '
    'using ((tenant_id = any ((select nullif(current_setting(''app.tenant_ids'', true), '''')::uuid[])::uuid[])) is true) '
    'with check (tenant_id = any ((select nullif(current_setting(''app.tenant_ids'', true), '''')::uuid[])::uuid[]))',
    table_name);
  execute format('grant select on %s to basecommerce_api', table_name);
  execute format('grant select, insert, update, delete on %s to basecommerce_engine', table_name);
end
$$;

create table installation (
  singleton boolean primary key default true check (singleton),
  event_partitions smallint not null check (event_partitions between 1 and 1024),
  epoch integer not null default 1,
  created_at timestamptz not null default clock_timestamp()
);
grant select on installation
  to basecommerce_api, basecommerce_relay, basecommerce_engine, basecommerce_scheduler;

-- The directory of stores. It is the platform's own (it has no tenant_id) and holds nothing of a store's business.
create table tenants (
  id uuid primary key,
  slug text not null unique check (slug ~ '^[a-z0-9](-?[a-z0-9])*$' and length(slug) between 3 and 40),
  name text not null check (length(name) between 1 and 200),
  document text check (length(document) between 11 and 14),
  status text not null default 'active' check (status in ('active', 'suspended')),
  locale text not null default 'pt-BR' check (locale in ('pt-BR', 'en')),
  time_zone text not null default 'America/Sao_Paulo' check (length(time_zone) between 1 and 64),
  branding jsonb not null default '{}' check (pg_column_size(branding) <= 16384),
  settings jsonb not null default '{}' check (pg_column_size(settings) <= 16384),
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp()
);
grant select, insert, update on tenants to basecommerce_api;
grant select on tenants to basecommerce_relay, basecommerce_engine, basecommerce_scheduler;

-- The platform's administrators are the users of this reserved tenant.
insert into tenants (id, slug, name, locale) values ('00000000-0000-0000-0000-000000000000', 'platform', 'Platform', 'en');

create table users (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  email text not null check (email = lower(email) and length(email) between 3 and 254),
  name text not null check (length(name) between 1 and 200),
  role text not null check (role in ('owner', 'seller', 'finance', 'stock_keeper', 'driver', 'platform_admin')),
  password_hash text not null check (length(password_hash) between 1 and 500),
  active boolean not null default true,
  version integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, email)
);
call secure_tenant_table('users');

create table sessions (
  tenant_id uuid not null,
  id uuid not null,
  user_id uuid not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
);
create index sessions_user on sessions (tenant_id, user_id) where revoked_at is null;
call secure_tenant_table('sessions', deletable => true);

create table refresh_tokens (
  tenant_id uuid not null,
  token_hash bytea not null check (length(token_hash) = 32),
  session_id uuid not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  primary key (tenant_id, token_hash),
  foreign key (tenant_id, session_id) references sessions (tenant_id, id) on delete cascade
);
create index refresh_tokens_session on refresh_tokens (tenant_id, session_id);
call secure_tenant_table('refresh_tokens', deletable => true);

-- A counter row instead of a sequence: a rolled back document gives its number back.
create table document_counters (
  tenant_id uuid not null references tenants (id),
  series text not null check (length(series) between 1 and 40),
  value bigint not null default 0,
  primary key (tenant_id, series)
) with (fillfactor = 50);
call secure_tenant_table('document_counters');

-- No foreign key here, in the audit log and in the event log: their rows follow from a request of the tenant, and the
-- check would lock the tenant's directory row in every one of its writes.
create table idempotency_keys (
  tenant_id uuid not null,
  key text not null check (length(key) between 1 and 255),
  user_id uuid,
  route text not null check (length(route) <= 200),
  request_hash bytea not null check (length(request_hash) = 32),
  status integer,
  body text,
  headers jsonb,
  created_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, key)
);
create index idempotency_keys_age on idempotency_keys (created_at);
call secure_tenant_table('idempotency_keys');
create policy retention on idempotency_keys for all to basecommerce_scheduler using (true);
grant select (tenant_id, key, created_at), delete on idempotency_keys to basecommerce_scheduler;

create table audit_log (
  tenant_id uuid not null,
  id uuid not null,
  at timestamptz not null,
  user_id uuid,
  action text not null check (length(action) between 1 and 100),
  thing text not null check (length(thing) between 1 and 100),
  thing_id uuid,
  before jsonb,
  after jsonb,
  address text check (length(address) <= 64),
  request_id text check (length(request_id) <= 100),
  primary key (tenant_id, id)
);
create index audit_log_thing on audit_log (tenant_id, thing_id, id);
call secure_tenant_table('audit_log');
revoke update on audit_log from basecommerce_api;

-- The log. One counter row per tenant, incremented as the last step before commit: its lock makes the numbers
-- gapless and the order of commits the order of numbers.
create table tenant_event_head (
  tenant_id uuid primary key references tenants (id),
  partition smallint not null,
  head bigint not null default 0,
  updated_at timestamptz not null default clock_timestamp()
) with (fillfactor = 50);
call secure_tenant_table('tenant_event_head');
create policy everywhere on tenant_event_head for select
  to basecommerce_relay, basecommerce_engine, basecommerce_scheduler using (true);
grant select on tenant_event_head to basecommerce_relay, basecommerce_engine, basecommerce_scheduler;

create table event_outbox (
  tenant_id uuid not null,
  tenant_seq bigint not null check (tenant_seq > 0),
  event_id uuid not null,
  partition smallint not null,
  event_type text not null check (length(event_type) between 1 and 100),
  version smallint not null check (version > 0),
  vertical text not null check (length(vertical) between 1 and 40),
  occurred_at timestamptz not null,
  recorded_at timestamptz not null default clock_timestamp(),
  correlation_id text check (length(correlation_id) <= 100),
  traceparent text check (length(traceparent) <= 100),
  -- json, not jsonb: it is written once and handed on as text, to every engine.
  payload json not null check (octet_length(payload::text) <= 65536),
  primary key (tenant_id, tenant_seq)
) with (autovacuum_vacuum_insert_scale_factor = 0.05);
-- Retention looks for the oldest rows of all tenants; rows arrive in this order, so a summary per block range is enough.
create index event_outbox_age on event_outbox using brin (recorded_at) with (pages_per_range = 32);
call secure_tenant_table('event_outbox');
revoke update on event_outbox from basecommerce_api;
create policy relay on event_outbox for select to basecommerce_relay using (true);
grant select
  (tenant_id, tenant_seq, event_id, partition, event_type, version, vertical, occurred_at, recorded_at,
   correlation_id, traceparent)
  on event_outbox to basecommerce_relay;
create policy engine on event_outbox for select to basecommerce_engine
  using ((tenant_id = any ((select nullif(current_setting('app.tenant_ids', true), '')::uuid[])::uuid[])) is true);
grant select on event_outbox to basecommerce_engine;
create policy retention on event_outbox for all to basecommerce_scheduler using (true);
grant select (tenant_id, tenant_seq, occurred_at, recorded_at), delete on event_outbox to basecommerce_scheduler;

create table consumer_cursor (
  consumer text not null check (length(consumer) between 1 and 60),
  tenant_id uuid not null references tenants (id),
  last_seq bigint not null default 0,
  attempts integer not null default 0,
  blocked_seq bigint,
  next_attempt_at timestamptz,
  last_error text check (length(last_error) <= 500),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (consumer, tenant_id)
) with (fillfactor = 50);
alter table consumer_cursor enable row level security;
alter table consumer_cursor force row level security;
create policy relay on consumer_cursor for all to basecommerce_relay
  using (consumer = 'relay') with check (consumer = 'relay');
create policy engine on consumer_cursor for all to basecommerce_engine
  using (consumer <> 'relay') with check (consumer <> 'relay');
create policy scheduler on consumer_cursor for select to basecommerce_scheduler using (true);
create policy api on consumer_cursor for select to basecommerce_api using (true);
-- A store sees its own cursors; the platform's administrators see how far every store has come.
create policy tenant on consumer_cursor as restrictive for select to basecommerce_api
  using ((select nullif(current_setting('app.tenant_id', true), '')::uuid)
         in (tenant_id, '00000000-0000-0000-0000-000000000000'));
grant select, insert, update on consumer_cursor to basecommerce_relay, basecommerce_engine;
grant select on consumer_cursor to basecommerce_scheduler, basecommerce_api;

create table dead_letters (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  consumer text not null check (length(consumer) between 1 and 60),
  tenant_seq bigint not null,
  event_id uuid not null,
  event_type text not null,
  version smallint not null,
  occurred_at timestamptz not null,
  payload json not null,
  error text not null check (length(error) <= 500),
  traceback text check (length(traceback) <= 20000),
  attempts integer not null,
  state text not null default 'parked' check (state in ('parked', 'replay_requested', 'replayed', 'discarded')),
  parked_at timestamptz not null default clock_timestamp(),
  resolved_at timestamptz,
  resolved_by text check (length(resolved_by) <= 254),
  primary key (tenant_id, id),
  unique (tenant_id, consumer, tenant_seq)
);
create index dead_letters_open on dead_letters (tenant_id, consumer) where state in ('parked', 'replay_requested');
alter table dead_letters enable row level security;
alter table dead_letters force row level security;
create policy engine on dead_letters for all to basecommerce_engine using (true) with check (true);
create policy api on dead_letters for all to basecommerce_api using (true) with check (true);
-- Dead letters belong to the platform's operators: a store's own transactions do not reach them.
create policy tenant on dead_letters as restrictive for all to basecommerce_api
  using ((select nullif(current_setting('app.tenant_id', true), '')::uuid) = '00000000-0000-0000-0000-000000000000')
  with check ((select nullif(current_setting('app.tenant_id', true), '')::uuid) = '00000000-0000-0000-0000-000000000000');
create policy scheduler on dead_letters for select to basecommerce_scheduler using (true);
grant select, insert, update on dead_letters to basecommerce_engine;
grant select on dead_letters to basecommerce_scheduler, basecommerce_api;
grant update (state, resolved_at, resolved_by) on dead_letters to basecommerce_api;

-- The platform's administrators read how far every store's log has come; a store reads its own.
create policy platform on tenant_event_head as permissive for select to basecommerce_api using (true);
drop policy tenant on tenant_event_head;
create policy tenant on tenant_event_head as restrictive for all to basecommerce_api
  using ((select nullif(current_setting('app.tenant_id', true), '')::uuid)
         in (tenant_id, '00000000-0000-0000-0000-000000000000'))
  with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
