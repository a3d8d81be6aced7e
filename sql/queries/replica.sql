-- name: show_log_position
-- all tenants: the server itself. Where its write-ahead log ends, in bytes: what is flushed, or on a standby replayed.
select
  pg_is_in_recovery() as in_recovery,
  (
    case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_flush_lsn() end
    - '0/0'::pg_lsn
  )::bigint as position,
  (select c.system_identifier from pg_control_system() as c) as system;
