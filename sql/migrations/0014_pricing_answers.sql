-- Suppliers out of use do not count in what products cost, and price alerts keep what somebody made of them.

create table engine_pricing_unused_suppliers (
  tenant_id uuid not null,
  supplier_id uuid not null,
  primary key (tenant_id, supplier_id)
);
call secure_engine_table('engine_pricing_unused_suppliers');

create index engine_pricing_offers_supplier on engine_pricing_offers (tenant_id, supplier_id);

-- `until`: the first day on which a snoozed alert is shown again.
alter table engine_pricing_alerts
  add answer text check (answer in ('accepted', 'dismissed', 'snoozed')),
  add reason text check (length(reason) <= 40),
  add until date,
  add answered_at timestamptz;
