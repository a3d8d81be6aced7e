-- When the last backup was written, so that an alert can say that none was for too long.

alter table installation add column backed_up_at timestamptz;

-- A quote names its order and the order its quote: rows of a store that comes in whole refer to each other only at the
-- end of its transaction. Immediate for everybody else.
alter table quotes alter constraint quotes_tenant_id_order_id_fkey deferrable initially immediate;
