-- name: get_personal_data
-- Everything the store holds about a customer.
select json_build_object(
  'customer', to_jsonb(c) - 'tenant_id' - 'search' - 'name_key',
  'sites', coalesce((
    select json_agg(to_jsonb(s) - 'tenant_id' - 'search' - 'name_key' order by s.created_at, s.id)
    from sites as s
    where s.tenant_id = c.tenant_id
      and s.customer_id = c.id
  ), '[]'::json),
  'quotes', coalesce((
    select json_agg(
      json_build_object(
        'number', q.number, 'status', q.status, 'total', q.total::text, 'notes', q.notes, 'reason', q.reason,
        'created_at', q.created_at, 'items', q.items
      )
      order by q.created_at, q.id
    )
    from quotes as q
    where q.tenant_id = c.tenant_id
      and q.customer_id = c.id
  ), '[]'::json),
  'orders', coalesce((
    select json_agg(
      json_build_object(
        'number', o.number, 'status', o.status, 'total', o.total::text, 'notes', o.notes, 'reason', o.reason,
        'created_at', o.created_at, 'delivered_at', o.delivered_at, 'items', o.items,
        'returns', coalesce((
          select json_agg(
            json_build_object('created_at', back.created_at, 'amount', back.amount::text, 'reason', back.reason)
            order by back.id
          )
          from order_returns as back
          where back.tenant_id = o.tenant_id
            and back.order_id = o.id
        ), '[]'::json)
      )
      order by o.created_at, o.id
    )
    from orders as o
    where o.tenant_id = c.tenant_id
      and o.customer_id = c.id
  ), '[]'::json),
  'links', coalesce((
    select json_agg(
      json_build_object(
        'quote', q.number, 'created_at', l.created_at, 'expires_at', l.expires_at, 'first_seen_at', l.first_seen_at,
        'last_seen_at', l.last_seen_at, 'views', l.views
      )
      order by l.created_at, l.id
    )
    from quote_links as l
    join quotes as q
      on q.tenant_id = l.tenant_id
      and q.id = l.quote_id
    where l.tenant_id = c.tenant_id
      and q.customer_id = c.id
  ), '[]'::json),
  'deliveries', coalesce((
    select json_agg(
      json_build_object(
        'number', d.number, 'status', d.status, 'created_at', d.created_at, 'finished_at', d.finished_at,
        'notes', d.notes, 'reason', d.reason, 'receiver_name', p.receiver_name,
        'receiver_document', p.receiver_document, 'latitude', p.latitude, 'longitude', p.longitude,
        'images', (
          select count(*)
          from delivery_images as i
          where i.tenant_id = d.tenant_id
            and i.delivery_id = d.id
        )
      )
      order by d.created_at, d.id
    )
    from deliveries as d
    join orders as o
      on o.tenant_id = d.tenant_id
      and o.id = d.order_id
    left join delivery_proofs as p
      on p.tenant_id = d.tenant_id
      and p.delivery_id = d.id
    where d.tenant_id = c.tenant_id
      and o.customer_id = c.id
  ), '[]'::json)
)::text as body
from customers as c
where c.tenant_id = $tenant_id
  and c.id = $id;

-- name: lock_quotes_of_customer
-- What a quote's transaction is writing is seen by the statements after this one.
select id
from quotes
where tenant_id = $tenant_id
  and customer_id = $customer_id
order by id
for no key update;

-- name: lock_orders_of_customer
select id
from orders
where tenant_id = $tenant_id
  and customer_id = $customer_id
order by id
for no key update;

-- name: count_open_orders
select count(*)
from orders
where tenant_id = $tenant_id
  and customer_id = $customer_id
  and status not in ('delivered', 'cancelled');

-- name: anonymise_customer
update customers
set name = $name,
    document = null,
    email = null,
    phone = null,
    address = null,
    postal_code = null,
    notes = null,
    active = false,
    version = version + 1,
    updated_at = $now
where tenant_id = $tenant_id
  and id = $id;

-- name: anonymise_sites
update sites
set name = $name,
    address = null,
    postal_code = null,
    latitude = null,
    longitude = null,
    active = false,
    version = version + 1,
    updated_at = $now
where tenant_id = $tenant_id
  and customer_id = $customer_id;

-- name: anonymise_quotes
update quotes
set notes = '',
    reason = null,
    items = (
      select json_agg((item.body::jsonb || '{"note": null}')::json order by item.place)
      from json_array_elements(quotes.items) with ordinality as item (body, place)
    )
where tenant_id = $tenant_id
  and customer_id = $customer_id
  and (
    notes <> ''
    or reason is not null
    or exists (
      select from json_array_elements(quotes.items) as item (body) where item.body ->> 'note' is not null
    )
  );

-- name: anonymise_quote_versions
update quote_versions as v
set content = (
  v.content::jsonb
  || jsonb_build_object(
    'customer_name', $name::text,
    'site_name', null,
    'notes', '',
    'reason', null,
    'items', (
      select jsonb_agg(item.body || '{"note": null}' order by item.place)
      from jsonb_array_elements(v.content::jsonb -> 'items') with ordinality as item (body, place)
    )
  )
)::json
from quotes as q
where v.tenant_id = $tenant_id
  and q.tenant_id = v.tenant_id
  and q.id = v.quote_id
  and q.customer_id = $customer_id;

-- name: anonymise_discount_approvals
update quote_discount_approvals as approval
set reason = null
from quotes as quote
where approval.tenant_id = $tenant_id
  and quote.tenant_id = approval.tenant_id
  and quote.id = approval.quote_id
  and quote.customer_id = $customer_id
  and approval.reason is not null;

-- name: anonymise_orders
-- What was noted on its items is kept twice, here and in the rows of the items.
update orders
set notes = '',
    reason = null,
    items = (
      select json_agg((item.body::jsonb || '{"note": null}')::json order by item.place)
      from json_array_elements(orders.items) with ordinality as item (body, place)
    )
where tenant_id = $tenant_id
  and customer_id = $customer_id
  and (
    notes <> ''
    or reason is not null
    or exists (
      select from json_array_elements(orders.items) as item (body) where item.body ->> 'note' is not null
    )
  );

-- name: anonymise_order_items
update order_items as item
set note = null
from orders as sold
where item.tenant_id = $tenant_id
  and sold.tenant_id = item.tenant_id
  and sold.id = item.order_id
  and sold.customer_id = $customer_id
  and item.note is not null;

-- name: anonymise_returns
update order_returns as back
set reason = $name
from orders
where back.tenant_id = $tenant_id
  and orders.tenant_id = back.tenant_id
  and orders.id = back.order_id
  and orders.customer_id = $customer_id;

-- name: revoke_customer_links
update quote_links as l
set revoked_at = $now
from quotes as q
where l.tenant_id = $tenant_id
  and q.tenant_id = l.tenant_id
  and q.id = l.quote_id
  and q.customer_id = $customer_id
  and l.revoked_at is null;

-- name: forget_answers
-- Answers that are kept under idempotency keys; a repeated request still changes nothing, and gets no body.
update idempotency_keys as kept
set body = ''
where kept.tenant_id = $tenant_id
  and kept.body <> ''
  and (
    strpos(kept.body, $customer_id::uuid::text) > 0
    or exists (
      select from quotes
      where quotes.tenant_id = kept.tenant_id
        and quotes.customer_id = $customer_id
        and strpos(kept.body, quotes.id::text) > 0
    )
    or exists (
      select from orders
      where orders.tenant_id = kept.tenant_id
        and orders.customer_id = $customer_id
        and strpos(kept.body, orders.id::text) > 0
    )
  );
