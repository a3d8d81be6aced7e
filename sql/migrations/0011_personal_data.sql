-- Anonymising a person clears what former versions of quotes, items and returns say of them, too.

grant update (content) on quote_versions to basecommerce_api;
grant update (note) on order_items to basecommerce_api;
grant update (reason) on order_returns to basecommerce_api;
