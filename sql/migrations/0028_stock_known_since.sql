-- Since when the stock engine knows what is asked for of a product: its first day in stock, or its first sale.

alter table engine_stock_products add column known_since date;
update engine_stock_products
set known_since = least(first_sale_day, stocked_since);
