-- name: insert_supplier
insert into suppliers (
  tenant_id, id, kind, name, document, email, phone, address, postal_code, contacts, notes, active, created_at, updated_at
)
values (
  $tenant_id, $id, $kind, $name, $document, $email, $phone, $address, $postal_code, $contacts, $notes, $active, $now, $now
);

-- name: get_supplier
select supplier_json(suppliers) as body, version, active
from suppliers
where tenant_id = $tenant_id
  and id = $id;

-- name: lock_supplier
-- Holds the row until the transaction ends, so that two changes of one supplier do not undo each other.
select kind, name, document, email, phone, address, postal_code, contacts, notes, active, version
from suppliers
where tenant_id = $tenant_id
  and id = $id
for no key update;

-- name: update_supplier
update suppliers
set
  kind = $kind,
  name = $name,
  document = $document,
  email = $email,
  phone = $phone,
  address = $address,
  postal_code = $postal_code,
  contacts = $contacts,
  notes = $notes,
  active = $active,
  version = version + 1,
  updated_at = greatest(updated_at, $now)
where tenant_id = $tenant_id
  and id = $id;

-- name: list_suppliers
select supplier_json(suppliers) as body, name_key, id
from suppliers
where tenant_id = $tenant_id
  and (name_key, id) > (
    coalesce($after_name::text, ''), coalesce($after_id::uuid, '00000000-0000-0000-0000-000000000000')
  )
  and ($active::boolean is null or active = $active)
order by name_key, id
limit $limit;

-- name: search_suppliers
-- As for customers: $number is the question without punctuation when it looks like a document or a telephone.
with ranked as (
  select
    suppliers as supplier,
    name_key,
    id,
    case
      when document = upper($number::text) then 0
      when starts_with(search, (select search_words($question::text))) then 2
      when search like all (array(select '% ' || word || '%' from unnest(search_terms($question)) as word)) then 3
      else 4
    end as rank
  from suppliers
  where tenant_id = $tenant_id
    and search like (select (search_patterns(coalesce($number, $question)))[1])
    and search like all ((select search_patterns(coalesce($number, $question)))::text[])
    and ($active::boolean is null or active = $active)
)
select supplier_json(supplier) as body, rank, name_key, id
from ranked
where (rank, name_key, id) > (
  coalesce($after_rank::integer, -1),
  coalesce($after_name::text, ''),
  coalesce($after_id::uuid, '00000000-0000-0000-0000-000000000000')
)
order by rank, name_key, id
limit $limit;

-- name: search_similar_suppliers
-- widen_similarity comes before it in the same transaction.
with ranked as (
  select
    suppliers as supplier,
    name_key,
    id,
    search_distance((select search_terms($question::text)), search) as rank
  from suppliers
  where tenant_id = $tenant_id
    and $number::text is null
    and search %> (select (search_terms($question))[1])
    and search %> all (
      array(select word from unnest(search_terms($question)) as word where length(word) >= 3)
    )
    and search like all (
      array(select '% ' || word || '%' from unnest(search_terms($question)) as word where length(word) < 3)
    )
    and ($active::boolean is null or active = $active)
)
select supplier_json(supplier) as body, rank, name_key, id
from ranked
where (rank, name_key, id) > (
  coalesce($after_rank::integer, -1),
  coalesce($after_name::text, ''),
  coalesce($after_id::uuid, '00000000-0000-0000-0000-000000000000')
)
order by rank, name_key, id
limit $limit;
