-- name: get_sign_in
select id, role, password_hash, active
from users
where tenant_id = $tenant_id
  and email = $email;

-- name: create_session
-- Only for the password that was verified: the lock waits for a reset or a disabling that is under way.
with verified as (
  select tenant_id, id
  from users
  where tenant_id = $tenant_id
    and id = $for_user::uuid
    and password_hash = $password_hash
    and active
  for share
),
session as (
  insert into sessions (tenant_id, id, user_id, created_at, expires_at)
  select tenant_id, $id::uuid, id, $now::timestamptz, $expires_at::timestamptz
  from verified
  returning tenant_id, id, created_at, expires_at
)
insert into refresh_tokens (tenant_id, token_hash, session_id, created_at, expires_at)
select tenant_id, $token_hash::bytea, id, created_at, expires_at
from session;

-- name: get_live_session
select s.user_id, u.role, s.expires_at
from sessions as s
join users as u
  on u.tenant_id = s.tenant_id
  and u.id = s.user_id
where s.tenant_id = $tenant_id
  and s.id = $id
  and s.revoked_at is null
  and s.expires_at > $now
  and u.active;

-- name: use_refresh_token
-- Single use: of two requests with the same token the row lock lets one find it unused.
update refresh_tokens as t
set used_at = $now
from sessions as s
join users as u
  on u.tenant_id = s.tenant_id
  and u.id = s.user_id
where t.tenant_id = $tenant_id
  and t.token_hash = $token_hash
  and t.used_at is null
  and t.expires_at > $now
  and s.tenant_id = t.tenant_id
  and s.id = t.session_id
  and s.revoked_at is null
  and s.expires_at > $now
  and u.active
returning t.session_id, s.user_id, u.role, s.expires_at;

-- name: get_used_refresh_token
select session_id, used_at
from refresh_tokens
where tenant_id = $tenant_id
  and token_hash = $token_hash
  and used_at is not null;

-- name: create_refresh_token
insert into refresh_tokens (tenant_id, token_hash, session_id, created_at, expires_at)
values ($tenant_id, $token_hash, $session_id, $now, $expires_at);

-- name: revoke_session
update sessions
set revoked_at = $now
where tenant_id = $tenant_id
  and id = $id
  and revoked_at is null;

-- name: select_live_sessions
select id
from sessions
where tenant_id = $tenant_id
  and user_id = $of_user::uuid
  and revoked_at is null
  and expires_at > $now;

-- name: revoke_sessions_of_user
update sessions
set revoked_at = $now
where tenant_id = $tenant_id
  and user_id = $of_user::uuid
  and revoked_at is null;

-- name: renew_password_hash
-- The password that was verified, hashed with today's parameters: nothing that anybody sees changes.
update users
set password_hash = $password_hash
where tenant_id = $tenant_id
  and id = $id
  and password_hash = $verified;

-- name: set_password_hash
update users
set password_hash = $password_hash,
    version = version + 1,
    updated_at = $now
where tenant_id = $tenant_id
  and id = $id;

-- name: get_own_profile
select json_build_object(
  'id', id,
  'email', email,
  'name', name,
  'role', role
)::text as body
from users
where tenant_id = $tenant_id
  and id = $id;

-- name: claim_idempotency_key
-- Waits for a request with the same key that is still running, up to lock_timeout.
insert into idempotency_keys (tenant_id, key, user_id, route, request_hash)
values ($tenant_id, $key, $user_id, $route, $request_hash)
on conflict (tenant_id, key) do nothing;

-- name: get_idempotent_answer
select user_id, route, request_hash, status, body, headers
from idempotency_keys
where tenant_id = $tenant_id
  and key = $key;

-- name: record_write
-- The audit entries of a request and, when it has an idempotency key, its answer.
with answered as (
  update idempotency_keys
  set status = $status::integer,
      body = $body::text,
      headers = $headers::text::jsonb
  where tenant_id = $tenant_id
    and key = $key::text
)
insert into audit_log (
  tenant_id, id, at, user_id, action, thing, thing_id, before, after, address, request_id
)
select
  $tenant_id, e.id, $now, $user_id, e.action, e.thing, e.thing_id, e.before, e.after, $address::text,
  $request_id::text
from jsonb_to_recordset($entries::text::jsonb)
  as e (id uuid, action text, thing text, thing_id uuid, before jsonb, after jsonb);

-- name: select_audit
-- The filters look at `window` entries only: nothing leads to entries by action or by user.
select
  a.id,
  json_build_object(
    'id', a.id,
    'at', a.at,
    'user_id', a.user_id,
    'user_name', u.name,
    'action', a.action,
    'thing', a.thing,
    'thing_id', a.thing_id,
    'before', a.before,
    'after', a.after,
    'address', a.address,
    'request_id', a.request_id
  )::text as body
from (
  select *
  from audit_log
  where tenant_id = $tenant_id
    and id < $before_id
  order by id desc
  limit $window
) as a
left join users as u
  on u.tenant_id = $tenant_id
  and u.id = a.user_id
where ($action::text is null or a.action = $action)
  and ($by_user::uuid is null or a.user_id = $by_user)
order by a.id desc
limit $limit;

-- name: skip_audit
-- The last of the entries that such a look takes in; no row when there are fewer.
select id
from audit_log
where tenant_id = $tenant_id
  and id < $before_id
order by id desc
offset $window::bigint - 1
limit 1;

-- name: select_audit_of_thing
select
  a.id,
  json_build_object(
    'id', a.id,
    'at', a.at,
    'user_id', a.user_id,
    'user_name', u.name,
    'action', a.action,
    'thing', a.thing,
    'thing_id', a.thing_id,
    'before', a.before,
    'after', a.after,
    'address', a.address,
    'request_id', a.request_id
  )::text as body
from audit_log as a
left join users as u
  on u.tenant_id = a.tenant_id
  and u.id = a.user_id
where a.tenant_id = $tenant_id
  and a.thing_id = $thing_id
  and a.id < $before_id
  and ($action::text is null or a.action = $action)
  and ($by_user::uuid is null or a.user_id = $by_user)
order by a.id desc
limit $limit;
