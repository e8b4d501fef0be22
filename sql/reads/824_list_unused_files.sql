-- reads/824_list_unused_files.sql
-- Purpose: files of the vault that belong to no row and to no operation; counted by reads/810.
-- Cost:    anti-joins of the files of the vault
select o.sha256, o.md5, o.size_bytes, o.stored_at
from ops.vault_object as o
where
  not exists (
    select from ops.vault_copy as c
    inner join public.media_assets as m on c.asset_id = m.asset_id
    where c.sha256 = o.sha256
  )
  and not exists (
    select from outbox.operation as p
    where p.kind in ('upload', 'replace') and p.wanted ->> 'sha256' = o.sha256
  )
order by o.stored_at, o.sha256
