-- name: record_discount
-- What a draft asks to be approved, or what somebody who may has given right away.
insert into quote_discount_approvals (
  tenant_id, id, quote_id, version, customer_id, status, discount_percent, limit_percent, products, requested_by,
  requested_at, decided_by, decided_at
)
values (
  $tenant_id, $id, $quote_id, $version, $customer_id, $status, $discount_percent, $limit_percent, $products::text::json,
  $user_id, $now, case when $status = 'approved' then $user_id end, case when $status = 'approved' then $now end
);

-- name: supersede_discount_request
update quote_discount_approvals
set status = 'superseded', decided_by = $user_id, decided_at = $now
where tenant_id = $tenant_id
  and quote_id = $quote_id
  and status = 'pending';

-- name: list_approved_discounts
-- What has been approved of a quote for a customer, product by product.
select product.product_id, product.quantity, product.discount_percent
from quote_discount_approvals as approval
cross join lateral json_to_recordset(approval.products)
  as product (product_id uuid, quantity numeric, discount_percent numeric)
where approval.tenant_id = $tenant_id
  and approval.quote_id = $quote_id
  and approval.customer_id = $customer_id
  and approval.status = 'approved';

-- name: find_discount_request
-- Reached with the quote locked.
select id, discount_percent
from quote_discount_approvals
where tenant_id = $tenant_id
  and quote_id = $quote_id
  and status = 'pending';

-- name: decide_on_discount
with decided as (
  update quote_discount_approvals
  set status = $status, decided_by = $user_id, decided_at = $now, reason = $reason::text
  where tenant_id = $tenant_id
    and id = $id
),
quote as (
  update quotes
  set discount_approval = $status, version = version + 1, updated_at = $now
  where tenant_id = $tenant_id
    and id = $quote_id
  returning *
)
select quote.version, quote_json(quote::quotes, customers.name, sites.name, $allowed, $now)::text as body
from quote
join customers on customers.tenant_id = $tenant_id and customers.id = quote.customer_id
left join sites on sites.tenant_id = $tenant_id and sites.id = quote.site_id;

-- name: list_discount_approvals
select json_build_object(
  'items',
  coalesce(
    (
      select json_agg(
        json_build_object(
          'id', approval.id,
          'version', approval.version,
          'status', approval.status,
          'discount_percent', approval.discount_percent::text,
          'limit_percent', approval.limit_percent::text,
          'products', approval.products,
          'requested_by', approval.requested_by,
          'requested_at', approval.requested_at,
          'decided_by', approval.decided_by,
          'decided_at', approval.decided_at,
          'reason', approval.reason
        )
        order by approval.id desc
      )
      from quote_discount_approvals as approval
      where approval.tenant_id = $tenant_id
        and approval.quote_id = $quote_id
    ),
    '[]'
  ),
  'next_cursor', null
)::text
from quotes
where tenant_id = $tenant_id
  and id = $quote_id;
