-- reads/310_list_live_ids.sql
-- Purpose: the live rows of a slice, for the dry run's suspects, a batch in the order of their ids.
-- Input:   resource_type, delivery_type, after_id, row_limit
select a.asset_id, a.public_id
from public.media_assets as a
where
  a.resource_type = :resource_type and a.delivery_type = :delivery_type and a.deleted_at is null
  and a.asset_id > :after_id
order by a.asset_id
limit :row_limit
