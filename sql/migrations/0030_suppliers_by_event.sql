-- Whether a supplier is in use goes by the number of the event that said so: one applied late undoes nothing said since.
alter table engine_pricing_unused_suppliers rename to engine_pricing_suppliers;
alter table engine_pricing_suppliers
  add active boolean not null default false,
  add seq bigint not null default 0;
alter table engine_pricing_suppliers alter active drop default, alter seq drop default;
