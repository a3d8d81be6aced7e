-- Every sale is a basket now, so that shares and chances are of all sales; their number is that of the orders.
alter table engine_sales_totals drop column baskets;
