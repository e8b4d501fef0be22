-- vault/055_list_users.sql
-- Purpose: assets whose bytes a file has.               Input: sha256
-- Output:  asset_id, public_id (null where it was never mirrored) each
select c.asset_id, r.public_id
from ops.vault_copy as c
left join mirror.remote_asset as r on c.asset_id = r.asset_id
where c.sha256 = :sha256
order by c.asset_id
