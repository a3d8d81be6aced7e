-- Anonymising a person clears what former versions of quotes say of them, too.

grant update (content) on quote_versions to basecommerce_api;
