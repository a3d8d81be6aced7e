-- Files that are to be deleted: what belongs to nothing any more, at once, and what is being written, in case nothing comes
-- of it. A file comes and goes with a transaction that way, which no file by itself does.
create table file_deletions (
  tenant_id uuid not null references tenants (id),
  file_name text not null check (file_name ~ '^[0-9a-f]{48}\.(jpg|png)$'),
  due_at timestamptz not null,
  primary key (tenant_id, file_name)
);
create index file_deletions_due on file_deletions (due_at, tenant_id);
call secure_tenant_table('file_deletions', deletable => true);
revoke update on file_deletions from basecommerce_api;
-- The scheduler sees which stores have files to be deleted; they are in transactions of their store.
create policy scheduler on file_deletions for select to basecommerce_scheduler using (true);
grant select (tenant_id, due_at) on file_deletions to basecommerce_scheduler;
