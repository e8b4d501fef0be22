-- reads/810_count_unmatched.sql
-- Purpose: what has no partner on the other side.       Output: one row
-- Cost:    hash anti-joins of keys
select
  (
    select count(*) from mirror.asset_sighting as s
    where s.state <> 'tombstone' and not exists (select from public.media_assets as m where m.asset_id = s.asset_id)
  ) as without_row_count,
  (
    select count(*) from public.media_assets as m
    where
      m.deleted_at is null
      and not exists (
        select from mirror.asset_sighting as s where s.asset_id = m.asset_id and s.state <> 'tombstone'
      )
      and not exists (select from outbox.overlaid_asset as v where v.asset_id = m.asset_id)
  ) as without_asset_count,
  (
    select count(*) from ops.vault_object as o
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
  ) as without_use_count
