-- Losses, counts and returns are few among the sales: a list of one kind reads those only.
create index stock_movements_by_kind on stock_movements (tenant_id, kind, created_at desc, id desc);
