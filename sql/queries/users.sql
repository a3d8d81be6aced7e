-- name: select_users
select
  email,
  json_build_object(
    'id', id,
    'email', email,
    'name', name,
    'role', role,
    'active', active,
    'version', version,
    'created_at', created_at,
    'updated_at', updated_at
  )::text as body
from users
where tenant_id = $tenant_id
  and ($role::text is null or role = $role)
  and ($active::boolean is null or active = $active)
  and (
    $search::text is null
    or search_text(name) like '%' || search_text($search) || '%'
    or email like '%' || lower($search) || '%'
  )
  and ($after::text is null or email > $after)
order by email
limit $limit;

-- name: get_user
select
  version,
  json_build_object(
    'id', id,
    'email', email,
    'name', name,
    'role', role,
    'active', active,
    'version', version,
    'created_at', created_at,
    'updated_at', updated_at
  )::text as body
from users
where tenant_id = $tenant_id
  and id = $id;

-- name: create_user
insert into users (tenant_id, id, email, name, role, password_hash, created_at, updated_at)
values ($tenant_id, $id, $email, $name, $role, $password_hash, $now, $now);

-- name: lock_user
select id, email, name, role, active, version
from users
where tenant_id = $tenant_id
  and id = $id
for update;

-- name: lock_active_owners
-- In the order of their ids, so that two requests that take an owner away wait for each other instead of deadlocking.
select id
from users
where tenant_id = $tenant_id
  and role = $role
  and active
order by id
for update;

-- name: update_user
update users
set name = $name,
    role = $role,
    active = $active,
    version = version + 1,
    updated_at = $now
where tenant_id = $tenant_id
  and id = $id;
