-- Several forecasts of a product run side by side; the stock engine believes the one that has erred least.

alter table engine_stock_products
  add column ordered_on date,
  add column method text not null default 'mean'
    check (method in ('mean', 'recent', 'croston', 'tsb', 'seasonal')),
  add column forecast double precision,
  add column lift double precision not null default 1,
  add column weekly_variation double precision not null default 0;
-- What was computed by Croston's method goes on so until the next day begins.
update engine_stock_products
set method = 'croston', forecast = mean
where croston_interval > 0
  and window_demand_days >= 4
  and 1.32 * window_demand_days < window_days;

-- Written when a day ends. `state` is the whole of it in numbers, in the order of Forecaster.to_numbers; what stands
-- before it is for reading: the errors of the method that the product's row names.
create table engine_stock_forecasts (
  tenant_id uuid not null,
  product_id uuid not null,
  pattern text check (pattern in ('smooth', 'erratic', 'intermittent', 'lumpy')),
  wape double precision,
  mase double precision,
  week_error double precision,
  state double precision[] not null,
  primary key (tenant_id, product_id)
) with (fillfactor = 50);
call secure_engine_table('engine_stock_forecasts');
