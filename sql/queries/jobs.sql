-- name: take_job
-- all tenants: one process at a time does a periodic job. A lease instead of a lock: nothing is held while it is done,
-- and it works behind a pooler.
insert into scheduler_jobs as j (name, holder, leased_until, started_at)
values ($job, $holder, clock_timestamp() + $lease::interval, clock_timestamp())
on conflict (name) do update
set holder = excluded.holder,
    leased_until = excluded.leased_until,
    started_at = excluded.started_at
where coalesce(j.leased_until, '-infinity') <= clock_timestamp()
  and coalesce(j.next_at, '-infinity') <= clock_timestamp()
returning true as taken;

-- name: keep_job
-- all tenants: the scheduler's own
update scheduler_jobs
set leased_until = clock_timestamp() + $lease::interval
where name = $job
  and holder = $holder;

-- name: end_job
-- all tenants: the scheduler's own
update scheduler_jobs
set holder = null,
    leased_until = null,
    next_at = clock_timestamp() + $pause::interval,
    ended_at = clock_timestamp(),
    problem = $problem::text
where name = $job
  and holder = $holder;
