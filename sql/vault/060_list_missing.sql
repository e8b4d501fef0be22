-- vault/060_list_missing.sql
-- Purpose: live assets whose present bytes the vault does not have.
-- Input:   after_id, row_limit                          Output: one row an asset, in order
select
  r.asset_id, r.resource_type, r.delivery_type, r.public_id, r.format, r.version, coalesce(r.size_bytes, 0) as size_bytes,
  r.secure_url
from mirror.remote_asset as r
inner join mirror.asset_sighting as s on r.asset_id = s.asset_id and s.state = 'live'
where
  r.asset_id > :after_id and not r.is_placeholder
  and not exists (
    select from ops.vault_copy as c
    inner join ops.vault_object as o on c.sha256 = o.sha256 and o.state = 'whole'
    where c.asset_id = r.asset_id and c.version = coalesce(r.version, 0)
  )
order by r.asset_id
limit :row_limit
