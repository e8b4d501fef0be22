-- vault/010_find_copies.sql
-- Purpose: which versions of assets the vault has, as far as it knows.
-- Input:   asset_ids, versions (side by side)           Output: asset_id, sha256, md5, size_bytes each
select c.asset_id, o.sha256, o.md5, o.size_bytes
from unnest(cast(:asset_ids as text[]), cast(:versions as bigint[])) as w (asset_id, version)
inner join ops.vault_copy as c on w.asset_id = c.asset_id and w.version = c.version
inner join ops.vault_object as o on c.sha256 = o.sha256 and o.state = 'whole'
order by c.asset_id
