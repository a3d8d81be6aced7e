-- name: find_store_logo
select file_name, media_type, width, height
from store_logos
where tenant_id = $tenant_id;

-- name: put_store_logo
insert into store_logos (tenant_id, file_name, media_type, width, height, size_bytes, created_by, created_at)
values ($tenant_id, $file_name, $media_type, $width, $height, $size_bytes, $user_id, $now)
on conflict (tenant_id) do update
set file_name = excluded.file_name,
    media_type = excluded.media_type,
    width = excluded.width,
    height = excluded.height,
    size_bytes = excluded.size_bytes,
    created_by = excluded.created_by,
    created_at = excluded.created_at;

-- name: delete_store_logo
delete from store_logos
where tenant_id = $tenant_id;
