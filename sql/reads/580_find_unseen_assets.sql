-- reads/580_find_unseen_assets.sql
-- Purpose: live rows of media_assets that no observation stands behind; there must be none at any time. What is deleted
--          there cannot be observed again where the mirror was built anew.
-- Input:   row_limit                                    Output: total_count repeats on every row
-- Cost:    two hash anti-joins of keys
select m.asset_id, m.public_id, count(*) over () as total_count
from public.media_assets as m
where
  m.deleted_at is null
  and (
    not exists (select from mirror.asset_sighting as s where s.asset_id = m.asset_id)
    or not exists (select from mirror.remote_asset as r where r.asset_id = m.asset_id)
  )
order by m.asset_id
limit :row_limit
