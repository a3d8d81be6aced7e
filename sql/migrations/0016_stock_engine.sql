-- The stock engine tells newer facts from late ones by their numbers in the log, starts from the store's settings, and
-- keeps what people answered to its suggestions.

alter table engine_stock_levels add column seq bigint not null default 0;
alter table engine_stock_tenants
  add column defaults jsonb not null default '{}' check (pg_column_size(defaults) <= 4096),
  add column defaults_seq bigint not null default 0,
  add column parameters_seq bigint not null default 0;
alter table engine_stock_products
  add column described_seq bigint not null default 0,
  add column priced_seq bigint not null default 0,
  add column parameters_seq bigint not null default 0,
  add column answered_seq bigint not null default 0,
  add column accepted_until date,
  drop constraint engine_stock_products_suggestion_state_check,
  add constraint engine_stock_products_suggestion_state_check
    check (suggestion_state in ('accepted', 'dismissed', 'snoozed'));

update engine_stock_products
set accepted_until = suggestion_until
where suggestion_state = 'accepted';

-- One row per answer; `seq` is the number of its event.
create table engine_stock_feedback (
  tenant_id uuid not null,
  seq bigint not null,
  product_id uuid not null,
  answered_at timestamptz not null,
  answer text not null check (answer in ('accepted', 'changed', 'dismissed', 'snoozed')),
  suggested numeric(20, 3) not null,
  quantity numeric(20, 3),
  reason text check (length(reason) <= 4000),
  until date,
  primary key (tenant_id, seq)
);
create index engine_stock_feedback_of_product on engine_stock_feedback (tenant_id, product_id, seq);
call secure_engine_table('engine_stock_feedback');
