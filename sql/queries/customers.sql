-- name: insert_customer
insert into customers (
  tenant_id, id, kind, name, document, email, phone, address, postal_code, notes, active, created_at, updated_at
)
values (
  $tenant_id, $id, $kind, $name, $document, $email, $phone, $address, $postal_code, $notes, $active, $now, $now
);

-- name: get_customer
select customer_json(customers) as body, version
from customers
where tenant_id = $tenant_id
  and id = $id;

-- name: lock_customer
-- Holds the row until the transaction ends, so that two changes of one customer do not undo each other.
select kind, name, document, email, phone, address, postal_code, notes, active, version
from customers
where tenant_id = $tenant_id
  and id = $id
for no key update;

-- name: update_customer
update customers
set
  kind = $kind,
  name = $name,
  document = $document,
  email = $email,
  phone = $phone,
  address = $address,
  postal_code = $postal_code,
  notes = $notes,
  active = $active,
  version = version + 1,
  updated_at = greatest(updated_at, $now)
where tenant_id = $tenant_id
  and id = $id;

-- name: list_customers_by_name
select customer_json(customers) as body, name_key, id
from customers
where tenant_id = $tenant_id
  and (name_key, id) > (
    coalesce($after_name::text, ''), coalesce($after_id::uuid, '00000000-0000-0000-0000-000000000000')
  )
  and ($kind::text is null or kind = $kind)
  and ($active::boolean is null or active = $active)
order by name_key, id
limit $limit;

-- name: list_customers_by_created
select customer_json(customers) as body, created_at, id
from customers
where tenant_id = $tenant_id
  and (created_at, id) > (
    coalesce($after_created::text::timestamptz, '-infinity'),
    coalesce($after_id::uuid, '00000000-0000-0000-0000-000000000000')
  )
  and ($kind::text is null or kind = $kind)
  and ($active::boolean is null or active = $active)
order by created_at, id
limit $limit;

-- name: list_newest_customers
select customer_json(customers) as body, created_at, id
from customers
where tenant_id = $tenant_id
  and (created_at, id) < (
    coalesce($after_created::text::timestamptz, 'infinity'),
    coalesce($after_id::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
  )
  and ($kind::text is null or kind = $kind)
  and ($active::boolean is null or active = $active)
order by created_at desc, id desc
limit $limit;

-- name: search_customers
-- A document or telephone typed with its punctuation is one number, not several words: $number is the question
-- without punctuation when it looks like such a number, else null. Ranks as for products.
with ranked as (
  select
    customers as customer,
    name_key,
    id,
    case
      when document = upper($number::text) then 0
      when starts_with(search, (select search_words($question::text))) then 2
      when search like all (array(select '% ' || word || '%' from unnest(search_terms($question)) as word)) then 3
      else 4
    end as rank
  from customers
  where tenant_id = $tenant_id
    and search like (select (search_patterns(coalesce($number, $question)))[1])
    and search like all ((select search_patterns(coalesce($number, $question)))::text[])
    and ($kind::text is null or kind = $kind)
    and ($active::boolean is null or active = $active)
)
select customer_json(customer) as body, rank, name_key, id
from ranked
where (rank, name_key, id) > (
  coalesce($after_rank::integer, -1),
  coalesce($after_name::text, ''),
  coalesce($after_id::uuid, '00000000-0000-0000-0000-000000000000')
)
order by rank, name_key, id
limit $limit;

-- name: search_similar_customers
-- For questions that no customer has word by word; a number that nobody has is not taken for another's.
-- widen_similarity comes before it in the same transaction.
with ranked as (
  select
    customers as customer,
    name_key,
    id,
    search_distance((select search_terms($question::text)), search) as rank
  from customers
  where tenant_id = $tenant_id
    and $number::text is null
    and search %> (select (search_terms($question))[1])
    and search %> all (
      array(select word from unnest(search_terms($question)) as word where length(word) >= 3)
    )
    and search like all (
      array(select '% ' || word || '%' from unnest(search_terms($question)) as word where length(word) < 3)
    )
    and ($kind::text is null or kind = $kind)
    and ($active::boolean is null or active = $active)
)
select customer_json(customer) as body, rank, name_key, id
from ranked
where (rank, name_key, id) > (
  coalesce($after_rank::integer, -1),
  coalesce($after_name::text, ''),
  coalesce($after_id::uuid, '00000000-0000-0000-0000-000000000000')
)
order by rank, name_key, id
limit $limit;

-- name: insert_site
-- The customer's row is held, so that a customer who is being forgotten is seen to have this site. No row without one.
insert into sites (
  tenant_id, id, customer_id, name, address, postal_code, latitude, longitude, active, created_at, updated_at
)
select $tenant_id, $id, customers.id, $name, $address, $postal_code, $latitude, $longitude, $active, $now, $now
from customers
where customers.tenant_id = $tenant_id
  and customers.id = $customer_id
for share;

-- name: get_site
select site_json(sites) as body, version
from sites
where tenant_id = $tenant_id
  and id = $id;

-- name: lock_site
-- Holds the row until the transaction ends, so that two changes of one site do not undo each other.
select name, address, postal_code, latitude, longitude, active, version
from sites
where tenant_id = $tenant_id
  and id = $id
for no key update;

-- name: update_site
update sites
set
  name = $name,
  address = $address,
  postal_code = $postal_code,
  latitude = $latitude,
  longitude = $longitude,
  active = $active,
  version = version + 1,
  updated_at = greatest(updated_at, $now)
where tenant_id = $tenant_id
  and id = $id;

-- name: list_sites
select site_json(sites) as body, name_key, id
from sites
where tenant_id = $tenant_id
  and (name_key, id) > (
    coalesce($after_name::text, ''), coalesce($after_id::uuid, '00000000-0000-0000-0000-000000000000')
  )
  and ($active::boolean is null or active = $active)
order by name_key, id
limit $limit;

-- name: list_customer_sites
select site_json(sites) as body, name_key, id
from sites
where tenant_id = $tenant_id
  and customer_id = $customer_id
  and (name_key, id) > (
    coalesce($after_name::text, ''), coalesce($after_id::uuid, '00000000-0000-0000-0000-000000000000')
  )
  and ($question::text is null or search like all ((select search_patterns($question))::text[]))
  and ($active::boolean is null or active = $active)
order by name_key, id
limit $limit;

-- name: search_sites
-- By the words of name and address, in the order of names.
select site_json(sites) as body, name_key, id
from sites
where tenant_id = $tenant_id
  and search like (select (search_patterns($question::text))[1])
  and search like all ((select search_patterns($question))::text[])
  and (name_key, id) > (
    coalesce($after_name::text, ''), coalesce($after_id::uuid, '00000000-0000-0000-0000-000000000000')
  )
  and ($active::boolean is null or active = $active)
order by name_key, id
limit $limit;
