-- The logo that a store shows its customers; the image itself is a file of that name in the store's own directory.
create table store_logos (
  tenant_id uuid not null references tenants (id),
  file_name text not null check (file_name ~ '^[0-9a-f]{48}\.png$'),
  media_type text not null check (media_type = 'image/png'),
  width integer not null check (width between 1 and 640),
  height integer not null check (height between 1 and 640),
  size_bytes integer not null check (size_bytes between 1 and 5242880),
  created_by uuid,
  created_at timestamptz not null,
  primary key (tenant_id),
  foreign key (tenant_id, created_by) references users (tenant_id, id)
);
call secure_tenant_table('store_logos', deletable => true);
