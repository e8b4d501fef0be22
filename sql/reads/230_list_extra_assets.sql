-- reads/230_list_extra_assets.sql
-- Purpose: live rows of the compared slices that the cloud did not show, a batch in the order of their ids.
-- Input:   slices (as resource_type/delivery_type), after_id, row_limit; temp table cloud_has
-- Cost:    one merge of two keys
select a.asset_id, a.public_id
from public.media_assets as a
where
  a.deleted_at is null and a.asset_id > :after_id
  and a.resource_type || '/' || a.delivery_type = any(cast(:slices as text[]))
  and not exists (select from cloud_has as h where h.asset_id = a.asset_id)
order by a.asset_id
limit :row_limit
