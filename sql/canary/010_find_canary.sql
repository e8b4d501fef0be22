-- canary/010_find_canary.sql
-- Purpose: the canary as media_assets has it.           Input: public_id, resource_type, delivery_type
-- Output:  asset_id
select a.asset_id
from public.media_assets as a
where
  a.public_id = :public_id and a.resource_type = :resource_type and a.delivery_type = :delivery_type
  and a.deleted_at is null and a.asset_id is not null
order by a.mirrored_at desc
limit 1
