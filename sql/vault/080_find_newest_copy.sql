-- vault/080_find_newest_copy.sql
-- Purpose: the newest bytes of an asset that the vault has.                     Input: asset_id
-- Output:  at most one row
select o.sha256, o.md5, o.size_bytes, c.version
from ops.vault_copy as c
inner join ops.vault_object as o on c.sha256 = o.sha256 and o.state = 'whole'
where c.asset_id = :asset_id
order by c.version desc
limit 1
