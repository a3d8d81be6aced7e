-- name: schedule_file_deletions
insert into file_deletions (tenant_id, file_name, due_at)
select $tenant_id, given.file_name, $due_at
from unnest($file_names::text[]) as given (file_name);

-- name: take_back_file_deletion
-- One that is due may be under way.
delete from file_deletions
where tenant_id = $tenant_id
  and file_name = $file_name
  and due_at > $now;

-- name: find_stores_with_due_files
-- all tenants: the scheduler looks after every store
select tenant_id
from file_deletions
where due_at <= $now
group by tenant_id
limit $limit;

-- name: list_due_files
select file_name
from file_deletions
where tenant_id = $tenant_id
  and due_at <= $now
order by due_at
limit $limit;

-- name: forget_file_deletions
delete from file_deletions
where tenant_id = $tenant_id
  and file_name = any ($file_names::text[]);
